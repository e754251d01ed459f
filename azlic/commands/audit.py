"""Keeping the ledger safe: audit, checkpoint, backup and restore."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings
from licensing.core.errors import AzlicError

if TYPE_CHECKING:
    from usage.auditing.run import Audit


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.command("audit")(audit_command)
    program.command("checkpoint")(checkpoint_command)
    program.command("backup")(backup_command)
    program.command("restore")(restore_command)


def audit_command(
    against: Annotated[
        list[Path] | None,
        typer.Option("--against", metavar="FILE", readable=False, help="A checkpoint kept elsewhere; may be repeated."),
    ] = None,
    files: Annotated[bool, typer.Option("--files", help="Read the source files again, too.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out the database's own check of its pages and indexes.")
    ] = False,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Prove that nothing in the ledger was changed.

    Every batch is computed again from the values stored. A ledger named with --database, as a copy is, is only read;
    of this site's own the outcome is kept for azlic alerts.

    Exit status 1, and the first bad batch, row or month, when something is not as it was written.

    Example: azlic audit --against checkpoint.txt
    """
    from azlic.render.audit import AUDIT, audit_text
    from azlic.render.progress import counting
    from licensing.db.sqlite_journal import take_back
    from usage.auditing.compare import KeptCheckpoint
    from usage.auditing.run import audit, open_readonly
    from usage.ledger.checkpoints import read_checkpoint

    kept = [KeptCheckpoint(str(path), read_checkpoint(path)) for path in against or ()]
    if database is None and "://" not in load_settings().database:
        take_back(Path(load_settings().database))
    engine = open_readonly(database or load_settings().database)
    with counting("audit") as progress:
        found = audit(engine, against=kept, files=files, quick=quick, progress=progress)
    AUDIT.give(json, found)
    if database is None:
        _remember(load_settings().database, found, audit_text(found).splitlines()[0])
    raise typer.Exit(0 if found.sound else 1)


def _remember(ledger: str, found: "Audit", detail: str) -> None:
    """Keep the outcome for the alerts, where this user may write the ledger; an audit itself needs no such right."""
    from licensing.db.database import open_ledger
    from licensing.db.sqlite_types import UNEXPECTED
    from usage.alerts.store import remember_audit

    try:
        remember_audit(
            open_ledger(ledger),
            sound=found.sound,
            detail=detail,
            now=clock.now(),
            failed=found.counts,
            left_out=found.not_looked,
        )
    except (AzlicError, *UNEXPECTED) as error:
        if not found.sound:
            output.tell(f"azlic: that the audit failed is not kept in the ledger, and no alert tells it: {error}")


def checkpoint_command(database: options.Database = None, json: options.Json = False) -> None:
    """Print what the ledger holds now, in three lines.

    Keep them where whoever can write the ledger cannot: azlic audit --against FILE proves later that nothing up to
    there was changed. The first time, this gives the ledger its name.

    Example: azlic checkpoint > checkpoint.txt
    """
    from azlic.render.audit import CHECKPOINT
    from licensing.db.database import open_ledger, writing
    from usage.ledger.checkpoints import take_checkpoint

    settings = load_settings()
    with writing(open_ledger(database or settings.database, upgrade=True)) as connection:
        found = take_checkpoint(connection, site=settings.site, now=clock.now())
    CHECKPOINT.give(json, found)


def backup_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="The copy to make.")],
    yes: Annotated[bool, typer.Option("--yes", help="Replace FILE if it already exists.")] = False,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Copy the ledger into a file, and audit the copy.

    Others may go on writing. FILE is there only once its copy is found complete and sound. A ledger that an earlier
    version wrote is copied as it is: a backup from before this version brings it up to date.

    Exit status 1 when it is not; nothing is left in FILE's place then.

    Example: azlic backup /srv/backup/azlic-2026-11-20.db
    """
    from azlic.render.audit import BACKUP
    from azlic.render.progress import counting
    from usage.auditing.backups import backup

    with counting("backup") as progress:
        made = backup(database or load_settings().database, file, replace=yes, progress=progress)
    BACKUP.give(json, made, file)
    raise typer.Exit(0 if made.good else 1)


def restore_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="The backup.")],
    yes: Annotated[bool, typer.Option("--yes", help="Restore even if the ledger has more than the backup.")] = False,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Put a backup in the ledger's place, once audited.

    What is there now is kept beside it. Where it has batches that the backup does not have, they are named, and it
    takes --yes. Run azlic ingest then: it takes again what is missing, as far as the usage files still exist.

    Exit status 1 when nothing was put in place.

    Example: azlic restore /srv/backup/azlic-2026-11-20.db
    """
    from azlic.render.audit import RESTORED
    from usage.auditing.backups import restore

    done = restore(database or load_settings().database, file, now=clock.now(), agreed=yes)
    RESTORED.give(json, done, file)
    raise typer.Exit(0 if done.done else 1)
