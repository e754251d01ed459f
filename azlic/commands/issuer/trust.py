"""What the issuer signs for its operators' trust: rotations, revocation lists, clock resets."""

from pathlib import Path
from typing import Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings

_To = Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The file to hand over.")]


def register(issuer: typer.Typer) -> None:
    """Put these commands into the issuer's group."""
    issuer.command("rotate")(rotate_command)
    issuer.command("revocations")(revocations_command)
    issuer.command("clock-reset")(clock_reset_command)


def rotate_command(
    to: _To,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="The reason; operators read it.")] = "rotation",
    old_key_until: Annotated[
        str | None,
        typer.Option("--old-key-until", metavar="DATE", help="How long the old key stays valid; a day if left out."),
    ] = None,
    withdraw_old: Annotated[
        bool, typer.Option("--withdraw-old", help="Trust no older key, nor anything it signed.")
    ] = False,
    valid_days: Annotated[
        int, typer.Option(metavar="N", min=1, max=36500, help="For how long the rotation is good.")
    ] = 1095,
    database: options.IssuerStore = None,
    keys: options.IssuerKeys = None,
) -> None:
    """Make a new signing key, vouched for by the old one.

    From then on the new key signs: restart the license server. Operators take the document with azlic trust update.
    All rotation documents stay in the key folder.

    Example: azlic issuer rotate -o rotation-1.json
    """
    from datetime import timedelta

    from licensing.core.errors import BadCall
    from licensing.core.files import write_whole
    from licensing.core.instants import parse_instant
    from licensing.issuer.audit import operator
    from licensing.issuer.book import open_stocked_issuer
    from licensing.issuer.keys import issuer_signer
    from licensing.issuer.statements import sign_rotation

    if withdraw_old and old_key_until:
        raise BadCall("--withdraw-old and --old-key-until exclude each other", hint="azlic issuer rotate --help")
    settings = load_settings()
    folder = keys or settings.issuer_keys
    made = sign_rotation(
        open_stocked_issuer(database or settings.database),
        folder,
        now=clock.now(),
        actor=operator(),
        reason=reason,
        valid=timedelta(days=valid_days),
        old_key_until=parse_instant(old_key_until) if old_key_until else None,
        withdraw_old=withdraw_old,
    )
    output.tell(f"the new key signs from now on; the rotation is kept as {made}")
    if withdraw_old:
        output.tell("sites that have a revocation list need a new one with it: azlic issuer revocations")
    write_whole(to, made.read_bytes(), mode=0o644)
    output.say(f"rotation: {to}", f"  key {issuer_signer(folder).public_key.keyid}")


def revocations_command(
    to: _To,
    valid_days: Annotated[
        int, typer.Option(metavar="N", min=1, max=3650, help="After how many days the next list is due.")
    ] = 90,
    database: options.IssuerStore = None,
    keys: options.IssuerKeys = None,
) -> None:
    """Sign the list of revoked licenses.

    Operators take it with azlic trust update. Sign one in time before the last is overdue, revocations or not.

    Example: azlic issuer revocations -o revocations.json
    """
    from datetime import timedelta

    from licensing.core.files import write_whole
    from licensing.issuer.audit import operator
    from licensing.issuer.book import open_stocked_issuer
    from licensing.issuer.statements import sign_revocations

    settings = load_settings()
    signed, content = sign_revocations(
        open_stocked_issuer(database or settings.database),
        keys or settings.issuer_keys,
        now=clock.now(),
        actor=operator(),
        valid=timedelta(days=valid_days),
    )
    write_whole(to, content, mode=0o644)
    output.say(f"revocation list {signed.number}: {to}, {len(signed.licenses)} revoked")


def clock_reset_command(
    instant: Annotated[str, typer.Option("--to", metavar="INSTANT", help="The instant to go back to (UTC).")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="The reason; operators read it.")],
    to: _To,
    site: Annotated[str | None, typer.Option(metavar="NAME", help="The one site that it is for.")] = None,
    database: options.IssuerStore = None,
    keys: options.IssuerKeys = None,
) -> None:
    """Sign a reset of a clock's high-water mark.

    For a site that has recorded a time in the future, because its clock was once wrong.

    Example: azlic issuer clock-reset --to 2026-03-01T08:00:00Z --reason "wrong clock" -o reset.json
    """
    from licensing.core.files import write_whole
    from licensing.core.instants import iso, parse_instant
    from licensing.issuer.audit import operator
    from licensing.issuer.book import open_stocked_issuer
    from licensing.issuer.statements import sign_clock_reset

    settings = load_settings()
    reset, content = sign_clock_reset(
        open_stocked_issuer(database or settings.database),
        keys or settings.issuer_keys,
        instant=parse_instant(instant),
        reason=reason,
        site=site,
        now=clock.now(),
        actor=operator(),
    )
    write_whole(to, content, mode=0o644)
    output.say(f"clock reset to {iso(reset.instant)}: {to}", f"  id {reset.reset_id}")
