"""Whether a ledger, a trust store or a license has to be there: what is looked for in vain is never fine."""

import os
from pathlib import Path

from azlic.settings import Settings
from licensing.core.errors import AzlicError

_SYSTEM = (Path("/var/lib/azlic"), Path("/etc/azlic"))
"""Where the site of this machine has its ledger and its settings, when root has set it up."""


def expected_ledger(settings: Settings, database: str | None) -> str:
    """Why a ledger that is not there is missed; empty for a site that never had one.

    It is missed where an option, a variable or the settings file names it, where something of it is left in its
    default folder or that is empty, as a mount point is, and where another user has a site on this machine.
    """
    if database is not None or "database" in settings.named:
        return "it is named, and it is not there"
    if trace := _trace(Path(settings.database)):
        return trace
    if os.geteuid() and (there := [str(folder) for folder in _SYSTEM if os.path.lexists(folder)]):
        return f"this machine's site is in {there[0]}, and user {os.geteuid()} has other settings"
    if not settings.licenses:
        return "the settings name no license either, and so nothing is watched"
    return ""


def refuse_missed_ledger(settings: Settings, database: str | None) -> None:
    """Raise ``AzlicError`` for a ledger that has to be there and is not: another one is not to take its place."""
    target = database or settings.database
    missed = expected_ledger(settings, database)
    if missed and "://" not in target and not os.path.lexists(target):
        raise AzlicError(
            f"there is no ledger at {target}: {missed}",
            hint="mount it, or name it with --database; if there has never been one, `azlic ingest` makes it",
        )


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
