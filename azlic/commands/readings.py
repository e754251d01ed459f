"""Readings: usage of Microsoft's containers, from their own reports."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azlic import clock, options
from azlic.settings import load_settings
from licensing.core.text import name_word

if TYPE_CHECKING:
    from usage.readings.receipt import ReadingsReceipt

app = typer.Typer(help="Containers that report their own usage.", no_args_is_help=True)

Source = Annotated[
    str, typer.Option("--source", metavar="NAME", help="The name to record this container's usage under.")
]


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.command("pull")(pull_command)
    program.command("import")(import_command)
    program.add_typer(app, name="sources")


def pull_command(
    container: Annotated[
        str, typer.Argument(metavar="URL|NAME", help="The container: http://HOST:5000, or its name in setting `pull`.")
    ],
    source: Annotated[
        str | None,
        typer.Option(
            "--source", metavar="NAME", help="The name to record its usage under.  [default: that of setting `pull`]"
        ),
    ] = None,
    month: Annotated[
        list[str] | None,
        typer.Option(metavar="YYYY-MM", help="Ask for this month; may be given several times.  [default: the plans']"),
    ] = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Read a container's usage report into the ledger.

    Asks for everything and for each month of the plans up to now (without a plan, for this month and the last). The
    increase since the last reading is booked. Exit status 1 when there is something to look into, 3 when a report
    could not be had: the others are taken all the same.

    Example: azlic pull http://translator:5000 --source translator
    """
    from azlic.monitoring.expected import open_or_make
    from azlic.render.progress import asking
    from azlic.render.readings import READINGS, missing_reports
    from licensing.core.errors import BadCall
    from licensing.db.database import reading
    from usage.months import Month
    from usage.readings.polling import months_to_read, pull
    from usage.readings.take import take_readings

    settings, now = load_settings(), clock.now()
    url, source = settings.pull.get(container, container), source or (container if container in settings.pull else "")
    if "://" not in url:
        raise BadCall(
            "this is no address, and no name that the setting `pull` has",
            hint='give http://HOST:5000, or name it in azlic.toml: [pull] translator = "http://translator:5000"',
        )
    if not source:
        raise BadCall("an address alone says not whose usage it is", hint="give it a name: --source NAME")
    wanted = sorted({Month.parse(text) for text in month or ()})
    engine = open_or_make(settings, database)
    if not wanted:
        with reading(engine) as connection:
            wanted = months_to_read(connection, now)
    with asking() as progress:
        pulled = pull(url, wanted, clock=clock.now, progress=progress)
    if not pulled.arrivals:
        raise missing_reports(pulled.failures)
    taken = take_readings(engine, source, pulled.arrivals, now=now, site=settings.site)
    READINGS.give(json, taken, pulled.failures)
    if pulled.failures:
        raise missing_reports(pulled.failures)
    raise typer.Exit(1 if taken.findings else 0)


def import_command(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="What the container answered, unchanged.")],
    source: Source,
    month: Annotated[
        str | None, typer.Option(metavar="YYYY-MM", help="The month it was asked for: the report does not say.")
    ] = None,
    all_time: Annotated[
        bool, typer.Option("--all-time", help="It was asked for everything: compared, never booked.")
    ] = False,
    taken_at: Annotated[
        str | None,
        typer.Option(
            metavar="INSTANT", help="When it was taken (UTC); state it for one older than the last.  [default: now]"
        ),
    ] = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Take a usage report from a file.

    It is the answer of /records/usage-logs/MONTH/YEAR, saved as it came. Without --taken-at a report that is here
    already counts nothing, and one that reads less than the last is a fresh mount. Exit status 1 when there is
    something to look into.

    Example: azlic import march.json --source translator --month 2026-03 --taken-at 2026-03-31T17:00Z
    """
    from azlic.monitoring.expected import open_or_make
    from licensing.core.errors import BadCall
    from licensing.core.instants import parse_instant
    from usage.months import Month
    from usage.readings.inbox import from_file
    from usage.readings.take import take_readings

    if (month is None) is not all_time:
        raise BadCall("a report is of one month or of everything", hint="--month 2026-03, or --all-time")
    settings, now = load_settings(), clock.now()
    arrival = from_file(
        path,
        month=Month.parse(month) if month else None,
        now=now,
        taken_at=parse_instant(taken_at) if taken_at else None,
    )
    engine = open_or_make(settings, database)
    taken = take_readings(engine, source, [arrival], now=now, site=settings.site)
    _leave(taken, json)


@app.command("list")
def list_command(database: options.Database = None, json: options.Json = False) -> None:
    """List the containers that report their own usage.

    Example: azlic sources list
    """
    from azlic.render.readings import SOURCES
    from licensing.db.database import open_ledger, reading
    from usage.readings.sources import list_sources_with_readings

    with reading(open_ledger(database or load_settings().database)) as connection:
        found = list_sources_with_readings(connection)
    SOURCES.give(json, found)


@app.command("separate")
def separate_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The source that is held back as a mirror.")],
    yes: Annotated[bool, typer.Option("--yes", help="I have checked: they are two mounts.")] = False,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Let a source count that was taken for another's mirror.

    What was held back is booked at once; these two are not compared again.

    Example: azlic sources separate translator-2 --yes
    """
    from azlic.monitoring.expected import open_or_make
    from licensing.core.errors import BadCall
    from usage.readings.take import separate

    if not yes:
        raise BadCall(
            f"if {name} reports another's mount after all, its usage will count twice",
            hint=f"check what its Mounts:Output refers to, then: azlic sources separate {name_word(name)} --yes",
        )
    settings = load_settings()
    engine = open_or_make(settings, database)
    _leave(separate(engine, name, now=clock.now(), site=settings.site), json)


@app.command("round")
def round_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The source whose numbers may be rounded.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="The reason; it is kept.")],
    exact: Annotated[bool, typer.Option("--exact", help="Round its numbers no longer.")] = False,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Let numbers be rounded that are too fine.

    Some containers report a double with its noise: 4217.299999997811. It is then rounded to the millionth, which is
    what the ledger counts; a number that is exact stays as it is. What was refused until now is booked at once, and
    its findings rest. Who let it be rounded, when and why, is kept and shown.

    Example: azlic sources round translator --reason "the container adds up in doubles"
    """
    from licensing.db.database import open_ledger
    from licensing.issuer.audit import operator
    from usage.readings.take import round_source

    settings = load_settings()
    engine = open_ledger(database or settings.database, upgrade=True)
    taken = round_source(
        engine, name, rounds=not exact, reason=reason, now=clock.now(), stated_by=operator(), site=settings.site
    )
    _leave(taken, json)


def _leave(taken: "ReadingsReceipt", json: bool) -> None:
    from azlic.render.readings import READINGS

    READINGS.give(json, taken)
    raise typer.Exit(1 if taken.findings else 0)
