"""The licenses that were issued, and revoking them."""

from typing import Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings


def register(issuer: typer.Typer) -> None:
    """Put these commands into the issuer's group."""
    issuer.command("issued")(issued_command)
    issuer.command("revoke")(revoke_command)
    issuer.command("revoked")(revoked_command)


def issued_command(database: options.IssuerStore = None, json: options.Json = False) -> None:
    """List every license that was issued.

    To whom, until when, and when it was revoked if it was.

    Example: azlic issuer issued
    """
    from azlic.render.issuer import ISSUED
    from licensing.issuer.book import list_issued, open_stocked_issuer

    lines = list_issued(open_stocked_issuer(database or load_settings().database))
    ISSUED.give(json, lines)


def revoke_command(
    license_id: Annotated[
        str, typer.Argument(metavar="LICENSE_ID", help="The license, as azlic issuer issued lists it.")
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="The reason; it is kept and shown.")],
    up_to_serial: Annotated[
        int | None,
        typer.Option("--up-to-serial", metavar="N", min=1, help="Only serials up to and including this one."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    database: options.IssuerStore = None,
) -> None:
    """Revoke a license; this cannot be undone.

    Without a serial its container gets no more licenses until azlic issuer container renew-id. Sites learn of it from
    the next revocation list that is carried to them.

    Example: azlic issuer revoke 01900000-0000-7000-8000-000000000001 --reason "the host was sold" --yes
    """
    from licensing.issuer.audit import operator
    from licensing.issuer.book import open_stocked_issuer
    from licensing.issuer.revocations import revoke

    store = open_stocked_issuer(database or load_settings().database)
    which = f"license {license_id}" + (f" up to serial {up_to_serial}" if up_to_serial else "")
    if not yes:
        output.confirm(f"Revoke {which} for good?")
    done = revoke(store, license_id, reason=reason, up_to_serial=up_to_serial, now=clock.now(), actor=operator())
    output.say(f"{which}: {'revoked' if done else 'revoked already, nothing was changed'}")


def revoked_command(database: options.IssuerStore = None, json: options.Json = False) -> None:
    """List the licenses that were revoked.

    Sites learn of them from the list that azlic issuer revocations signs.

    Example: azlic issuer revoked
    """
    from azlic.render.issuer import REVOKED
    from licensing.issuer.book import open_stocked_issuer
    from licensing.issuer.revocations import list_revocations

    known = list_revocations(open_stocked_issuer(database or load_settings().database))
    REVOKED.give(json, known)
