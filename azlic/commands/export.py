"""The hand-over: a site's export and the acknowledgement it gets; head office's sites and what it accepts."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings
from licensing.core.text import command_word

if TYPE_CHECKING:
    pass

app = typer.Typer(help="The sites whose exports head office accepts.", no_args_is_help=True)


class Holds(StrEnum):
    """What an export holds of its batches: every record, or their totals."""

    RECORDS = "records"
    TOTALS = "totals"


_Keys = Annotated[
    Path | None,
    typer.Option(
        "--keys", metavar="FOLDER", readable=False, help="The folder of the key to sign with.  [env: AZLIC_SITE_KEYS]"
    ),
]
_Export = Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="The export.")]


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.command("export")(export_command)
    program.command("inspect")(inspect_command)
    program.command("accept")(accept_command)
    program.command("acknowledge")(acknowledge_command)
    program.add_typer(app, name="handing-sites")


def export_command(
    file: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", readable=False, help="Where to write the export.")
    ],
    month: Annotated[
        str | None, typer.Option("--month", metavar="YYYY-MM", help="Up to the close of this month.")
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option("--since", metavar="CHECKPOINT", readable=False, help="Start after the checkpoint in this file."),
    ] = None,
    holds: Annotated[
        Holds, typer.Option("--holds", help="Every record, or only totals by day and series.")
    ] = Holds.RECORDS,
    keys: _Keys = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Hand the usage over in one signed file.

    It holds what is new since the last export. Where nothing is new, the last one is written again, to the same bytes.

    Example: azlic export --month 2026-11 -o november.azlic
    """
    import azlic
    from azlic.render.handover import EXPORT
    from licensing.db.database import open_ledger
    from licensing.signing.site_keys import site_signer
    from usage.handover.exporting import export
    from usage.ledger.checkpoints import read_checkpoint
    from usage.months import Month

    settings = load_settings()
    given = export(
        open_ledger(database or settings.database, upgrade=True),
        file,
        signer=site_signer(keys or settings.site_keys),
        site=settings.site,
        tool=f"azlic {azlic.__version__}",
        now=clock.now(),
        month=Month.parse(month) if month else None,
        since=read_checkpoint(since) if since else None,
        holds=holds.value,
    )
    EXPORT.give(json, given, file)


def inspect_command(
    file: _Export,
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="FILE", readable=False, help="The site's public key; this site's if left out."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Check an export without any ledger, and show what it holds.

    Everything is checked: signature, members, chain, records, sheets. Exit status 1 when something is wrong.

    Example: azlic inspect november.azlic --key site.pem
    """
    from azlic.render.handover import INSPECTION
    from licensing.core.errors import AzlicError
    from licensing.signing.keys import load_public_key
    from licensing.signing.site_keys import PUBLIC
    from usage.handover.inspection import inspect

    own = load_settings().site_keys / PUBLIC
    if key is None and not own.exists():
        raise AzlicError(
            f"there is no key of this site to check it with: {own}",
            hint="name the public key of the site that wrote it:"
            f" azlic inspect {command_word(str(file))} --key site.pem",
        )
    found = inspect(file, load_public_key(key or own))
    INSPECTION.give(json, found, file)


def accept_command(
    file: _Export,
    receipt: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", readable=False, help="Where to write the acknowledgement."),
    ],
    keys: _Keys = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Book a site's export at head office, and acknowledge it.

    Twice is once: an export that was accepted gets the same acknowledgement again. One that is older than what was
    seen of the site, or does not go on from there, is refused: exit status 1.

    Example: azlic accept november.azlic -o november.ack
    """
    from azlic.render.handover import ACCEPTANCE
    from licensing.core.files import write_whole
    from licensing.db.database import open_ledger
    from licensing.signing.site_keys import site_signer
    from usage.handover.accepting import accept

    settings = load_settings()
    signer = site_signer(keys or settings.site_keys)
    taken = accept(open_ledger(database or settings.database, upgrade=True), file, signer=signer, now=clock.now())
    write_whole(receipt, taken.content)
    ACCEPTANCE.give(json, taken, receipt)
    raise typer.Exit(0 if taken.receipt.clean else 1)


def acknowledge_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="The acknowledgement.")],
    head_office: Annotated[
        Path | None,
        typer.Option("--head-office", metavar="FILE", readable=False, help="Its public key.  [env: AZLIC_HEAD_OFFICE]"),
    ] = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Take head office's acknowledgement of an export.

    It is checked with head office's public key, which you put in its place by hand, and against this ledger. Exit
    status 1 when it does not agree with it.

    Example: azlic acknowledge november.ack --head-office head-office.pem
    """
    from azlic.render.handover import ACKNOWLEDGEMENT
    from licensing.db.database import open_ledger
    from licensing.signing.keys import load_public_key
    from usage.handover.acknowledgement import acknowledge

    settings = load_settings()
    key = load_public_key(head_office or settings.head_office)
    taken = acknowledge(open_ledger(database or settings.database, upgrade=True), file, key=key, now=clock.now())
    ACKNOWLEDGEMENT.give(json, taken)


@app.command("add")
def add_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The site's name, as its AZLIC_SITE has it.")],
    key: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="The site's public key, site.pem.")],
    yes: Annotated[bool, typer.Option("--yes", help="Replace the key it has.")] = False,
    database: options.Database = None,
) -> None:
    """Enrol a site by its public key.

    Compare the fingerprint with the site first, over another channel than the file's.

    Example: azlic handing-sites add hall-7 site.pem
    """
    from azlic.monitoring.expected import open_or_make
    from azlic.render.handover import site_text
    from usage.handover.sites import enrol

    engine = open_or_make(load_settings(), database)
    output.say(*site_text(enrol(engine, name, key, replace=yes)).split("\n"))


@app.command("list")
def list_command(database: options.Database = None, json: options.Json = False) -> None:
    """List the enrolled sites and how far each was accepted.

    Example: azlic handing-sites list
    """
    from azlic.render.handover import HANDING_SITES
    from licensing.db.database import open_ledger, reading
    from usage.handover.sites import list_sites

    with reading(open_ledger(database or load_settings().database)) as connection:
        known = list_sites(connection)
    HANDING_SITES.give(json, known)
