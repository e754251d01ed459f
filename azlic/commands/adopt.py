"""Licenses that azlic cannot read: adopt one, list them, remove one."""

from pathlib import Path
from typing import Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings

app = typer.Typer(help="The licenses that were adopted, as stated.", no_args_is_help=True)


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.command("adopt")(adopt_command)
    program.add_typer(app, name="adopted")


def adopt_command(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", readable=False, help="A license folder, or license.dat, where it is used.")
    ],
    container: options.ForContainer,
    expires: Annotated[
        str, typer.Option("--expires", metavar="DATE", help="When it ends (UTC); of a bare date, its first moment.")
    ],
    image: Annotated[
        str | None, typer.Option("--image", metavar="IMAGE", help="The image it is for: REPOSITORY:TAG[@DIGEST].")
    ] = None,
    resource: Annotated[
        str | None, typer.Option("--resource", metavar="NAME", help="The resource it was downloaded from.")
    ] = None,
    downloaded: Annotated[
        str | None, typer.Option("--downloaded", metavar="DATE", help="When it was downloaded (UTC).")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Accept an end in the past, or replace what was stated.")] = False,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Adopt a license azlic cannot read.

    Microsoft's licenses cannot be read by others. Their hash is kept, with what you state; azlic verify
    and doctor then hold the file and the clock against it, and always say that it was stated by the operator.

    Adopt a renewed license again, with --yes. Nothing is written to the license folder.

    Example: azlic adopt /srv/translator/license --container text-translation --expires 2027-01-01
    """
    from azlic.monitoring.expected import open_or_make
    from azlic.render.adopted import ADOPTION
    from licensing.adoption import OperatorStatement, adopt
    from licensing.core.instants import parse_instant
    from licensing.db.database import writing
    from licensing.issuer.audit import operator

    statement = OperatorStatement(
        container, parse_instant(expires), image, resource, parse_instant(downloaded) if downloaded else None
    )
    with writing(open_or_make(load_settings(), database)) as connection:
        done = adopt(connection, path, statement, now=clock.as_of(None), stated_by=operator(), yes=yes)
    ADOPTION.give(json, done)


@app.command("list")
def list_command(database: options.Database = None, json: options.Json = False) -> None:
    """List the licenses that were adopted.

    The first to end is on top. Exit status 1 when a file is no longer the one that was adopted.

    Example: azlic adopted list
    """
    from azlic.render.adopted import ADOPTED
    from licensing.adoption import FileState, list_adopted
    from licensing.db.database import open_ledger, reading

    now = clock.as_of(None)
    with reading(open_ledger(database or load_settings().database)) as connection:
        found = list_adopted(connection)
    ADOPTED.give(json, found, now)
    raise typer.Exit(0 if all(one.file is FileState.UNCHANGED for one in found) else 1)


@app.command("remove")
def remove_command(
    path: Annotated[Path, typer.Argument(metavar="PATH", readable=False, help="Its license folder, or license.dat.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    database: options.Database = None,
) -> None:
    """Forget what was stated about a license.

    The file stays as it is, and is opaque again.

    Example: azlic adopted remove /srv/translator/license --yes
    """
    from licensing.adoption import remove
    from licensing.core.instants import iso
    from licensing.core.text import printable
    from licensing.db.database import open_ledger, writing

    engine = open_ledger(database or load_settings().database, upgrade=True)
    if not yes:
        output.confirm(f"Forget what was stated about {path}?")
    with writing(engine) as connection:
        gone = remove(connection, path)
    output.say(f"forgotten: {printable(path)}, stated to end at {iso(gone.expires_at)}")
