"""Whether a ledger, a trust store or a license has to be there: what is looked for in vain is never fine."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from azlic import output
from azlic.settings import Settings
from licensing.core.errors import AzlicError

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
    not mounted, or something of the ledger is left without it: another one is not to take its place.
    """
    from licensing.db.database import open_ledger

    target = database or settings.database
    if "://" in target or os.path.lexists(target):
        return open_ledger(target, create=True)
    folder, named = Path(target).absolute().parent, database is not None or "database" in settings.named
    left = _left_of(Path(target))
    if left or (named and not folder.is_dir()):
        why = f"{left} of it is left" if left else f"nor is its folder {folder}"
        raise AzlicError(
            f"there is no ledger at {target}, {why}",
            hint="mount it, or correct the path; if there has never been one, make its folder: mkdir",
        )
    engine = open_ledger(target, create=True)
    output.tell(f"azlic: made a new ledger at {target}")
    return engine


def _left_of(ledger: Path) -> str:
    """Something that a ledger leaves beside it and that is there without it; empty where nothing is."""
    try:
        beside = sorted(entry.name for entry in ledger.absolute().parent.iterdir())
    except OSError:
        return ""
    return next((name for name in beside if name.startswith(f"{ledger.name}-")), "")


def _trace(ledger: Path) -> str:
    try:
        left = sorted(entry.name for entry in ledger.parent.iterdir())
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"its folder cannot be read by user {os.geteuid()}: {error.strerror}"
    if not left:
        return "its folder is empty: is a volume not mounted?"
    beside = [name for name in left if name.startswith(ledger.name)]
    return f"{beside[0]} of it is left" if beside else ""


def is_trust_named(settings: Settings, trust: Path | None) -> bool:
    """Whether an option, a variable or the settings file names the trust store."""
    return trust is not None or "trust" in settings.named
