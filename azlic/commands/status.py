"""One screen of what is in force and how it stands."""

import typer

from azlic import clock, options
from azlic.settings import load_settings


def register(program: typer.Typer) -> None:
    """Put this command on the command line."""
    program.command("status")(status_command)


def status_command(trust: options.Trust = None, database: options.Database = None, json: options.Json = False) -> None:
    """Show what is in force here and how it stands.

    On one screen: the settings file, the ledger with its head, the licenses of the setting `licenses`, the plans, the
    alerts, and which of azlic's units are enabled; of each kind the worst. Nothing is written. Exit status 1 when there
    is an unacknowledged warning or worse, as azlic alerts leaves with it; 3 when there is no ledger.

    Example: azlic status
    """
    from azlic.monitoring.status import site_status
    from azlic.render.status import STATUS
    from usage.alerts.alert import Severity

    found = site_status(load_settings(), trust=trust, database=database, now=clock.as_of(None))
    STATUS.give(json, found)
    if found.is_absent:
        from licensing.core.errors import AzlicError

        raise AzlicError(f"there is no ledger at {found.database}", hint="the first `azlic ingest` makes it")
    loud = (one.alert for one in found.alerts if one.acknowledgement is None)
    raise typer.Exit(1 if any(alert.severity >= Severity.WARNING for alert in loud) else 0)
