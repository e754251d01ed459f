"""Ready-made files: systemd units and a cron line; rules, a dashboard and commands for monitoring systems."""

from pathlib import Path
from typing import Annotated

import typer

from azlic import output
from azlic.settings import load_settings

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", readable=False, help="Where to write them.")]
Yes = Annotated[bool, typer.Option("--yes", help="Replace files that are there with other content.")]


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.command("units")(units_command)
    program.command("rules")(rules_command)


def units_command(folder: Folder, yes: Yes = False) -> None:
    """Write out systemd units and a cron line.

    Services and timers that ingest, notify and write metrics, with this program's own path in them; they make up for
    what was missed while the machine was off, and run with as few rights as they can. Nothing is enabled.

    Example: azlic units /etc/systemd/system
    """
    _write("units", folder, replace=yes)


def rules_command(folder: Folder, yes: Yes = False) -> None:
    """Write out rules for monitoring systems.

    Alert rules for Prometheus, with the lead time of this site (setting `lead_days`); a dashboard for Grafana; commands
    for Icinga and Nagios.

    Example: azlic rules ./rules
    """
    _write("rules", folder, replace=yes)


def _write(kind: str, folder: Path, *, replace: bool) -> None:
    from azlic.monitoring.ready_made import fill_templates, write_out

    contents = fill_templates(kind, lead_days=load_settings().lead_days)
    written = write_out(folder, contents, replace=replace)
    output.emit("\n".join(map(str, written)) if written else f"{folder}: all {len(contents)} files already exist")
