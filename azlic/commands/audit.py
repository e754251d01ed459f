"""The ledger, proven and kept: audit, checkpoint, backup and restore."""

from pathlib import Path
from typing import Annotated

import typer

from azlic import clock, options, output
from azlic.settings import load_settings


def register(program: typer.Typer) -> None:
    """Put these commands on the command line."""
    program.command()(audit)
    program.command()(checkpoint)
    program.command()(backup)
    program.command()(restore)


def audit(
    against: Annotated[
        list[Path] | None,
        typer.Option("--against", metavar="FILE", readable=False, help="A checkpoint kept elsewhere; may be repeated."),
    ] = None,
    files: Annotated[bool, typer.Option("--files", help="Read the source files again, too.")] = False,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Prove that nothing in the ledger was changed.

    Every batch is computed again from the values stored. A ledger named with --database, as a copy is, is only read;
    of this site's own the outcome is kept for azlic alerts.

    Exit status 1, and the first bad batch, row or month, when something is not as it was written.

    Example: azlic audit --against checkpoint.txt
    """
    from azlic.render.audit import audit_fields, audit_text, records_bar
    from usage.auditing.compare import KeptCheckpoint
    from usage.auditing.run import audit as prove
    from usage.auditing.run import open_readonly
    from usage.ledger.checkpoints import read_checkpoint

    kept = [KeptCheckpoint(str(path), read_checkpoint(path)) for path in against or ()]
    engine = open_readonly(database or load_settings().database)
    with records_bar("audit") as progress:
        found = prove(engine, against=kept, files=files, progress=progress)
    if json:
        output.emit_json("azlic.audit/v1", audit_fields(found))
    else:
        output.emit(audit_text(found))
    if database is None:
        _remember(load_settings().database, sound=found.sound, detail=audit_text(found).splitlines()[0])
    raise typer.Exit(0 if found.sound else 1)


def _remember(ledger: str, *, sound: bool, detail: str) -> None:
    """Keep the outcome for the alerts, where this user may write the ledger; an audit itself needs no such right."""
    import contextlib

    from licensing.core.errors import AzlicError
    from licensing.db.database import open_ledger, writing
    from usage.alerts.store import remember_audit

    with contextlib.suppress(AzlicError), writing(open_ledger(ledger)) as connection:
        remember_audit(connection, sound=sound, detail=detail, now=clock.now())


def checkpoint(database: options.Database = None, json: options.Json = False) -> None:
    """Print what the ledger holds now, in three lines.

    Keep them where whoever can write the ledger cannot: azlic audit --against FILE proves later that nothing up to
    there was changed. The first time, this gives the ledger its name.

    Example: azlic checkpoint > checkpoint.txt
    """
    from azlic.render.audit import checkpoint_fields
    from licensing.db.database import open_ledger, writing
    from usage.ledger.checkpoints import take_checkpoint as taken

    settings = load_settings()
    with writing(open_ledger(database or settings.database, upgrade=True)) as connection:
        found = taken(connection, site=settings.site, now=clock.now())
    if json:
        output.emit_json("azlic.checkpoint/v1", checkpoint_fields(found))
    else:
        output.emit(str(found).rstrip("\n"))


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="The copy to make.")],
    yes: Annotated[bool, typer.Option("--yes", help="Replace FILE where it is there already.")] = False,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Copy the ledger into a file, and audit the copy.

    Others may go on writing. FILE is there only once its copy is found whole and sound.

    Exit status 1 when it is not; nothing is left in FILE's place then.

    Example: azlic backup /srv/backup/azlic-2026-11-20.db
    """
    from azlic.render.audit import backup_fields, backup_text, records_bar
    from usage.auditing.backups import backup as copy

    with records_bar("backup") as progress:
        made = copy(database or load_settings().database, file, replace=yes, progress=progress)
    if json:
        output.emit_json("azlic.backup/v1", backup_fields(made, file))
    else:
        output.emit(backup_text(made, file))
    raise typer.Exit(0 if made.good else 1)


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="The backup.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it though the ledger has more than the backup.")] = False,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """Put a backup in the ledger's place, once audited.

    What is there now is kept beside it. Where it has batches that the backup does not have, they are named, and it
    takes --yes. Run azlic ingest then: it takes again what is missing, as far as the usage files still lie there.

    Exit status 1 when nothing was put in place.

    Example: azlic restore /srv/backup/azlic-2026-11-20.db
    """
    from azlic.render.audit import restore_fields, restore_text
    from usage.auditing.backups import restore as put_back

    done = put_back(database or load_settings().database, file, now=clock.now(), agreed=yes)
    if json:
        output.emit_json("azlic.restore/v1", restore_fields(done, file))
    else:
        output.emit(restore_text(done, file))
    raise typer.Exit(0 if done.done else 1)
