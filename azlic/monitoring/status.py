"""Everything that is in force here, and how it stands: one look, put together from what other commands look at."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from azlic.monitoring.site_state import look_at_site
from azlic.settings import Settings, settings_file
from azlic.verifier import Verifier
from licensing.core.errors import AzlicError
from licensing.core.text import without_password
from licensing.db.readonly import readonly_connection
from licensing.history.read import read_memory
from licensing.verdict.seen import Seen
from licensing.verdict.severity import worst_first
from licensing.verdict.verdict import Verdict
from licensing.verification.mounts import find_mounts, name_of
from usage.alerts.acknowledgements import WatchedAlert
from usage.alerts.state import LedgerFacts, UnreadableLedger
from usage.ledger.extent import Extent, read_extent
from usage.reporting.plan_usage import PlanUsage

UNIT_FOLDERS = (Path("/etc/systemd/system"), Path("/etc/cron.d"))


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """A site at one instant.

    ``ledger`` is what it holds; None where there is none yet, and where it could not be read, which ``fault`` says;
    ``is_absent`` that there is no file of it.
    ``enabled`` are the units of azlic's that start with this machine.
    """

    as_of: datetime
    settings: Settings
    file: Path
    database: str
    licenses: Sequence[Verdict]
    ledger: Extent | None
    fault: str
    is_absent: bool
    plans: Sequence[PlanUsage]
    alerts: Sequence[WatchedAlert]
    enabled: Sequence[str]


def site_status(
    settings: Settings,
    *,
    trust: Path | None,
    database: str | None,
    now: datetime,
    unit_folders: Sequence[Path] = UNIT_FOLDERS,
) -> SiteStatus:
    """The site as it stands; nothing is written. What cannot be read is told, and hides nothing else."""
    place, verifier = database or settings.database, Verifier.of(settings, trust)
    known: dict[Path, Verdict] = {}

    def examine(path: Path, seen: Seen) -> Verdict:
        if path not in known:
            known[path] = verifier.verify(path, now, seen)
        return known[path]

    state, found = look_at_site(settings, trust=trust, database=database, now=now, examine=examine)
    seen = read_memory(place)
    mounts = find_mounts(settings.licenses).paths
    verdicts = [replace(examine(Path(name_of(path)), seen), path=path) for path in mounts]
    extent, fault, plans = None, "", []
    if isinstance(state.ledger, UnreadableLedger):
        fault = state.ledger.error
    elif isinstance(state.ledger, LedgerFacts):
        plans = [plan.usage for plan in state.ledger.plans if plan.usage is not None]
        try:
            with readonly_connection(place) as connection:
                extent = read_extent(connection) if connection else None
        except AzlicError as error:
            fault = error.message
    return SiteStatus(
        as_of=now,
        settings=settings,
        file=settings_file(),
        database=without_password(place),
        licenses=worst_first(verdicts),
        ledger=extent,
        fault=fault,
        is_absent=extent is None and "://" not in place and not Path(place).exists(),
        plans=plans,
        alerts=found,
        enabled=_enabled(unit_folders),
    )


def _enabled(folders: Sequence[Path]) -> list[str]:
    """The units that systemd has a link to, and the file that cron reads."""
    names = {path.name for folder in folders for path in folder.glob("*.wants/azlic-*")}
    return sorted(names | {str(path) for folder in folders for path in folder.glob("azlic") if path.is_file()})
