"""A monitoring plugin: one line, figures, and the status that Nagios and similar systems expect."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings


def register(program: typer.Typer) -> None:
    """Put this command on the command line."""
    program.command("check")(check_command)


def check_command(
    prometheus: Annotated[
        Path | None,
        typer.Option("--prometheus", metavar="FILE", readable=False, help="Write metrics for a textfile collector."),
    ] = None,
    trust: options.Trust = None,
    database: options.Database = None,
) -> None:
    """Check everything, as a monitoring plugin does.

    Prints one line with figures. Exit status 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN; whatever goes wrong, a wrong
    command line too, is 3. Acknowledged alerts (azlic alerts ack) do not count. Nothing is written but the file of
    metrics.

    Example: azlic check --prometheus /var/lib/prometheus/node-exporter/azlic.prom
    """
    from azlic.monitoring.plugin import check_line, plugin_status
    from azlic.monitoring.site_state import look_at_site

    settings, now = load_settings(), clock.as_of(None)
    state, found = look_at_site(settings, trust=trust, database=database, now=now, with_use=bool(prometheus))
    if prometheus is not None:
        from azlic.monitoring.metrics import write_metrics

        write_metrics(prometheus, state, found)
    output.emit(check_line(state, found, lead_days=settings.lead_days))
    raise typer.Exit(plugin_status(found))


def run_as_plugin(program: Callable[[], object]) -> int:
    """Run ``azlic check`` so that whatever keeps it from an answer is UNKNOWN: one line on stdout, status 3.

    Source: Monitoring Plugins guidelines; a traceback would leave with 1, which means WARNING there.
    """
    from azlic.monitoring.plugin import unknown_line

    try:
        status = program()
        return status if isinstance(status, int) else 0
    except Exception as error:
        if os.environ.get("AZLIC_DEBUG"):
            raise
        told = getattr(error, "message", "") or f"{type(error).__name__}: {error}"
        hint = f" (try: {error.hint})" if hasattr(error, "hint") else ""
        output.emit(unknown_line(f"{told}{hint}"))
        return 3
