"""Alerts: what is wrong or soon will be; and acknowledging one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings

if TYPE_CHECKING:
    from usage.alerts.alert import Alert
    from usage.alerts.state import State

app = typer.Typer(help="What is wrong or soon will be, and what to do.", invoke_without_command=True)


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.add_typer(app, name="alerts")


@app.callback()
def alerts_command(
    context: typer.Context,
    trust: options.Trust = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """What is wrong or soon will be, and what to do.

    Looks at the licenses of the setting `licenses`, the trust store, the clock, the ledger and the disks. Acknowledged
    alerts are listed below the others. Exit status 1 when there is an unacknowledged warning or worse.

    The ledger, where this user may write it, keeps since when each alert is there, and which licenses were seen.

    Example: azlic alerts
    """
    if context.invoked_subcommand is not None:
        return
    from azlic.monitoring.site_state import look_at_site
    from azlic.render.alerts import ALERTS
    from usage.alerts.alert import Severity
    from usage.alerts.state import LedgerFacts

    settings, now = load_settings(), clock.as_of(None)
    state, found = look_at_site(settings, trust=trust, database=database, now=now)
    if isinstance(state.ledger, LedgerFacts):
        _remember(database or settings.database, state, [one.alert for one in found])
    has_ledger = not isinstance(state.ledger, LedgerFacts) or state.ledger.progress is not None
    ALERTS.give(json, found, now, has_ledger=has_ledger)
    loud = [one.alert for one in found if one.acknowledgement is None]
    raise typer.Exit(1 if any(alert.severity >= Severity.WARNING for alert in loud) else 0)


def _remember(database: str, state: "State", found: "list[Alert]") -> None:
    """Where there is a ledger that this user may write; a reader's need not be."""
    import contextlib

    from licensing.core.errors import AzlicError
    from licensing.db.database import open_ledger, writing
    from usage.alerts.store import remember_look

    with contextlib.suppress(AzlicError), writing(open_ledger(database)) as connection:
        remember_look(connection, state, found)


@app.command("ack")
def ack_command(
    name: Annotated[str, typer.Argument(metavar="ID", help="The alert, as azlic alerts names it.")],
    until: Annotated[str, typer.Option("--until", metavar="DATE", help="The date (UTC) until which it is quiet.")],
    trust: options.Trust = None,
    database: options.Database = None,
) -> None:
    """Acknowledge an alert: it is quiet until a date.

    It returns before that if it worsens: if it reaches its next stage, or a higher severity. One that
    goes away is forgotten, and comes again as a new one. Your user name is kept with it.

    Example: azlic alerts ack license-expiring:/srv/licenses/read --until 2027-01-31
    """
    from azlic.monitoring.expected import open_or_make, refuse_missed_ledger
    from azlic.monitoring.site_state import look_at_site
    from licensing.core.errors import BadCall
    from licensing.core.instants import iso, parse_instant
    from licensing.issuer.audit import operator
    from usage.alerts.store import acknowledge

    settings, now, day = load_settings(), clock.as_of(None), parse_instant(until)
    refuse_missed_ledger(settings, database)
    engine = open_or_make(settings, database)  # an older one is unreadable before
    _, found = look_at_site(settings, trust=trust, database=database, now=now)
    alert = next((one.alert for one in found if one.alert.id == name), None)
    if alert is None:
        raise BadCall(f"there is no alert {name} now", hint="azlic alerts lists those there are, with their ids")
    acknowledge(engine, alert, until=day, now=now, by=operator())
    output.say(f"{alert.id} is quiet until {iso(day)}, or until it worsens")


@app.command("forget")
def forget_command(
    path: Annotated[Path, typer.Argument(metavar="PATH", readable=False, help="The license folder that azlic misses.")],
    database: options.Database = None,
) -> None:
    """Stop alerting about a license that was removed on purpose.

    A license that was seen once and is gone is an alert; this ends it. Where the settings themselves name the place,
    take it out of them.

    Example: azlic alerts forget /srv/licenses/hall-2
    """
    from licensing.core.errors import BadCall
    from licensing.core.text import printable
    from licensing.db.database import open_ledger
    from licensing.verification.mounts import name_of, place_of
    from usage.alerts.store import forget_license

    settings = load_settings()
    if place_of(path) in map(place_of, settings.licenses):
        raise BadCall(
            f"the settings want a license at {name_of(path)}",
            hint="take it out of the setting licenses; licenses = [] in azlic.toml says that none is wanted at all",
        )
    forget_license(open_ledger(database or settings.database, upgrade=True), path)
    output.say(f"no more alerts about {printable(name_of(path))}")
