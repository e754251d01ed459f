"""Ready-made files: systemd units and a cron line; rules, a dashboard and commands for monitoring systems."""

import os
from collections.abc import Mapping, Sequence
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

    Services and timers for this site, as the settings in force have it: ingest or watch, notify, serve, backup, audit,
    metrics (setting `textfile`), and a pull for each address in `pull`. They may write where their work is, and
    nowhere else, and run as the ledger's owner. Folders they write into are made; nothing is enabled. Units of what
    the settings no longer have are named, and stay: systemd stops only what it still finds.

    Example: azlic units /etc/systemd/system
    """
    from azlic.monitoring.ready_made import this_program, write_out
    from azlic.monitoring.ready_made.units import SECRETS, folders_written, installation, unit_files, units_left
    from licensing.core.files import make_folder

    settings = load_settings()
    site = installation(this_program(), folder, settings)
    contents = unit_files(site)
    written = write_out(folder, contents, replace=yes, closed=[SECRETS])
    for path in folders_written(site):
        make_folder(path, "the folder", "azlic.toml", mode=0o750)
        if os.geteuid() == 0:
            os.chown(path, site.uid, -1)
        output.tell(f"azlic: made the folder {path}")
    for path in settings.outputs:
        if not path.is_dir():
            output.tell(
                f"azlic: there is no folder {path} yet", "  try: name the output folders in azlic.toml: outputs"
            )
    _tell_written(folder, contents, written)
    _tell_left(units_left(site, folder))


def _tell_left(left: Sequence[Path]) -> None:
    """Name what was written for settings that are gone, and what stops it. Removed first, an enabled timer ran on."""
    from licensing.core.text import command_word, name_word

    if not left:
        return
    units = [name_word(path.name) for path in left if path.suffix in (".service", ".timer")]
    remove = f"rm {' '.join(command_word(str(path)) for path in left)}"
    if units:
        remove = f"systemctl disable --now {' '.join(units)} && {remove} && systemctl daemon-reload"
    output.tell(*(f"azlic: {path} is of what the settings no longer have" for path in left), f"  try: {remove}")


def rules_command(folder: Folder, yes: Yes = False) -> None:
    """Write out rules for monitoring systems.

    Alert rules for Prometheus, with the lead time of this site (setting `lead_days`); a dashboard for Grafana; commands
    for Icinga and Nagios.

    Example: azlic rules ./rules
    """
    from azlic.monitoring.ready_made import fill_rules, write_out

    contents = fill_rules(lead_days=load_settings().lead_days)
    _tell_written(folder, contents, write_out(folder, contents, replace=yes))


def _tell_written(folder: Path, contents: Mapping[str, bytes], written: Sequence[Path]) -> None:
    output.say(*map(str, written) if written else [f"{folder}: all {len(contents)} files already exist"])
