"""Whether a ledger, a trust store or a license has to be there: what is looked for in vain is never fine."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from azlic import output
from azlic.settings import Settings
from licensing.core.errors import AzlicError
from licensing.core.text import command_word

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from licensing.verdict.seen import Seen

_SYSTEM = (Path("/var/lib/azlic"), Path("/etc/azlic"))
"""Where the site of this machine has its ledger and its settings, when root has set it up."""


def expected_ledger(settings: Settings, database: str | None) -> str:
    """Why a ledger that is not there is missed; empty for a site that never had one.

    It is missed where ``_lost`` says so, and where the settings name no license either.
    """
    if lost := _lost(settings, database):
        return lost
    return "" if settings.licenses else "the settings name no license either, and so nothing is watched"


def _lost(settings: Settings, database: str | None) -> str:
    """Why there should be a ledger; empty where nothing speaks for one.

    An option, a variable or the settings file names it, something of it is left in its default folder or that is
    empty, as a mount point is, or another user has a site on this machine.
    """
    if database is not None or "database" in settings.named:
        return "it is named, and it is not there"
    if trace := _trace(Path(settings.database)):
        return trace
    if os.geteuid() and (there := [str(folder) for folder in _SYSTEM if os.path.lexists(folder)]):
        return f"this machine's site is in {there[0]}, and user {os.geteuid()} has other settings"
    return ""


def site_memory(settings: Settings, database: str | None) -> "Seen":
    """What this site has seen before, as its ledger remembers it; that one is missed is told in ``Seen.unread``."""
    from licensing.history.read import read_memory

    target = database or settings.database
    seen = read_memory(target)
    if not seen.unread and "://" not in target and not os.path.lexists(target) and (lost := _lost(settings, database)):
        return seen._replace(unread=f"there is no ledger at {target}: {lost}")
    return seen


def refuse_missed_ledger(settings: Settings, database: str | None) -> None:
    """Raise ``AzlicError`` for a ledger that has to be there and is not: another one is not to take its place."""
    target = database or settings.database
    missed = expected_ledger(settings, database)
    if missed and "://" not in target and not os.path.lexists(target):
        raise AzlicError(
            f"there is no ledger at {target}: {missed}",
            hint="mount it, or name it with --database; if there has never been one, `azlic ingest` makes it",
        )


def open_or_make(settings: Settings, database: str | None) -> "Engine":
    """The ledger, to be written; one that has never been is made, and that is said.

    Raises ``AzlicError`` where the folder of a named one is not there, as behind a mistyped path or on a disk that is
    not mounted, something of the ledger is left without it, or there is another, as behind a mistyped name: a second
    one is not to take its place.
    """
    from licensing.db.database import open_ledger

    target = database or settings.database
    if "://" in target or os.path.lexists(target):
        return open_ledger(target, create=True)
    folder, named = Path(target).absolute().parent, database is not None or "database" in settings.named
    trace = _trace(Path(target), may_be_empty=True)
    if trace or (named and not folder.is_dir()):
        raise AzlicError(
            f"there is no ledger at {target}, {trace or f'nor is its folder {folder}'}",
            hint="mount it, or correct the path; if there has never been one, make its folder: mkdir",
        )
    if other := _other_ledger(Path(target).absolute(), settings):
        raise AzlicError(
            f"there is no ledger at {target}, and there is one at {other}",
            hint=f"name that one; if a second one is meant, make an empty file for it: touch {command_word(target)}",
        )
    engine = open_ledger(target, create=True)
    output.tell(f"azlic: made a new ledger at {target}")
    return engine


def _trace(ledger: Path, *, may_be_empty: bool = False) -> str:
    """What speaks for a ledger that is not there: something of it that is left, an empty folder; else empty."""
    try:
        left = sorted(entry.name for entry in ledger.absolute().parent.iterdir())
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"its folder cannot be read by user {os.geteuid()}: {error.strerror}"
    if not left and not may_be_empty:
        return "its folder is empty: is a volume not mounted?"
    beside = [name for name in left if name.startswith(ledger.name)]
    return f"{beside[0]} of it is left" if beside else ""


def _other_ledger(ledger: Path, settings: Settings) -> Path | None:
    """Another ledger than one that is not there: that of the settings, or one beside it."""
    own = [Path(settings.database).absolute()] if "://" not in settings.database else []
    beside = sorted(ledger.parent.iterdir()) if ledger.parent.is_dir() else []
    return next((path for path in (*own, *beside) if path != ledger and _is_ledger(path)), None)


def _is_ledger(path: Path) -> bool:
    from licensing.db.readonly import readonly_connection

    try:
        if not path.is_file():  # a pipe would be waited for
            return False
        with path.open("rb") as file:
            if file.read(len(_SQLITE)) != _SQLITE:
                return False
        with readonly_connection(str(path), any_schema=True) as connection:
            return connection is not None and "record" in connection.tables()
    except (OSError, AzlicError):
        return False


_SQLITE = b"SQLite format 3\0"


def is_trust_named(settings: Settings, trust: Path | None) -> bool:
    """Whether an option, a variable or the settings file names the trust store."""
    return trust is not None or "trust" in settings.named
