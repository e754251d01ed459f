"""Quality: how sound the numbers of the ledger are."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from licensing.core.instants import from_milliseconds
from licensing.db.readonly import ReadOnlyConnection
from usage.ledger.counted_ahead import CountedAhead, read_counted_ahead
from usage.ledger.last_audit import LastAudit, read_last_audit
from usage.ledger.source_kinds import CHANGED_FILES
from usage.months import Month
from usage.plans.model import Plan, Scope
from usage.plans.places import Places, find_idle


class IdleRule(NamedTuple):
    """A plan's rule that decides nothing of what was used so far: it is early, or it names something that is not."""

    plan: str
    scope: Scope
    value: str


def read_idle_rules(
    connection: ReadOnlyConnection, plans: Iterable[Plan], places: Places | None = None
) -> tuple[IdleRule, ...]:
    """The rules of these plans that decide nothing of what was used so far."""
    entered = [(plan, rule) for plan in plans for rule in plan.rules]
    idle = find_idle(connection, (rule for _, rule in entered), places)
    return tuple(IdleRule(plan.name, rule.scope, rule.value) for plan, rule in entered if rule in idle)


class Quality(NamedTuple):
    """Everything that was kept out of the numbers, and every doubt about their sources.

    ``quarantined``, ``conflicts``, ``ahead`` (records that are dated more than a day ahead, and wait for their day) and
    ``findings`` wait for somebody to look into them; ``settled`` (lines kept apart) and ``settled_findings`` do not any
    more. ``missing_records`` of chained containers have not arrived to this day, and ``vanished`` sources are gone;
    those of settled findings are in neither number. ``idle_rules`` are told and keep nothing out: use that none decides
    is in ``undecided_meters``. ``last_audit`` is None before the first; one that failed is a doubt about every number.
    ``counted_ahead`` counts in months behind the report, as it is dated ahead of the clock.
    """

    quarantined: int
    conflicts: int
    ahead: int
    settled: int
    pending_bytes: int
    findings: Mapping[str, int]
    settled_findings: int
    missing_records: int
    vanished: int
    unmapped_meters: tuple[str, ...]
    undecided_meters: tuple[str, ...] = ()
    idle_rules: tuple[IdleRule, ...] = ()
    last_audit: LastAudit | None = None
    counted_ahead: tuple[CountedAhead, ...] = ()

    @property
    def failed_audit(self) -> str:
        """That the ledger did not pass its last audit, in words; empty where it did, or there was none."""
        return self.last_audit.failure if self.last_audit else ""

    @property
    def clean(self) -> bool:
        """Whether there is nothing to look into."""
        return not (
            self.quarantined
            or self.conflicts
            or self.ahead
            or self.pending_bytes
            or self.findings
            or self.vanished
            or self.unmapped_meters
            or self.undecided_meters
            or self.failed_audit
            or self.counted_ahead
        )


class Doubt(NamedTuple):
    """So many things of one kind that wait for somebody to look into them, and since when.

    ``first`` is the lowest number by which ``findings settle`` or ``quarantine discard`` knows one of them.
    """

    kind: str
    number: int
    since: datetime | None
    first: int | None = None


class _Tally(NamedTuple):
    kind: str
    waiting: int
    settled: int
    since: int | None
    first: int | None


_SETTLED_GAP = (
    "SELECT 1 FROM finding WHERE finding.kind = 'gap' AND finding.settled_at IS NOT NULL AND finding.container_id ="
    " gap.container_id AND finding.source = gap.source AND finding.line = gap.line"
)
_SETTLED_SOURCE = (
    f"SELECT 1 FROM finding WHERE finding.kind IN {('vanished', *CHANGED_FILES)} AND finding.settled_at IS NOT NULL"  # noqa: S608
    " AND finding.source = source.key AND finding.found_at >= source.vanished_at"
)


def _tallies(connection: ReadOnlyConnection, table: str, at: str) -> list[_Tally]:
    """Of each kind in a table of what people look into, how many wait and are settled; by kind."""
    query = (
        "SELECT kind, count(*) - count(settled_at), count(settled_at),"  # noqa: S608
        f" min(CASE WHEN settled_at IS NULL THEN {at} END), min(CASE WHEN settled_at IS NULL THEN key END)"
        f" FROM {table} GROUP BY kind ORDER BY kind"
    )
    return connection.select(_Tally, query)


def _lines(connection: ReadOnlyConnection) -> list[_Tally]:
    return _tallies(connection, "quarantine", "taken_at")


def _findings(connection: ReadOnlyConnection) -> list[_Tally]:
    return _tallies(connection, "finding", "found_at")


def _missing(connection: ReadOnlyConnection) -> _Tally:
    """The records that have not arrived to this day, and that nobody has settled."""
    query = (
        "SELECT 'gap', coalesce(sum(last - first + 1), 0), 0, min(found_at), NULL FROM gap"  # noqa: S608
        f" WHERE NOT EXISTS ({_SETTLED_GAP})"
    )
    (found,) = connection.select(_Tally, query)
    return found._replace(waiting=int(found.waiting))


def read_doubts(connection: ReadOnlyConnection) -> tuple[Doubt, ...]:
    """What waits for somebody: lines kept apart, records that are missing, findings nobody has settled."""
    lines = [tally._replace(kind="quarantine") if tally.kind == "bad-line" else tally for tally in _lines(connection)]
    found, missing = _findings(connection), _missing(connection)
    told = next((tally.first for tally in found if tally.kind == "gap"), None)
    others = [tally for tally in found if tally.kind != "gap"]
    return tuple(
        Doubt(tally.kind, tally.waiting, None if tally.since is None else from_milliseconds(tally.since), tally.first)
        for tally in (*lines, missing._replace(first=told), *others)
        if tally.waiting
    )


def quality_of(
    connection: ReadOnlyConnection,
    unmapped_meters: tuple[str, ...],
    undecided_meters: tuple[str, ...] = (),
    idle_rules: tuple[IdleRule, ...] = (),
    *,
    until: Month,
    as_of: datetime,
) -> Quality:
    """The ledger's quality at an instant, for a report whose last month is ``until``."""
    lines, found = {tally.kind: tally for tally in _lines(connection)}, _findings(connection)
    query = (
        "SELECT coalesce(sum(CASE WHEN vanished_at IS NULL THEN pending END), 0), coalesce(sum(CASE WHEN vanished_at IS"  # noqa: S608
        f" NOT NULL AND NOT EXISTS ({_SETTLED_SOURCE}) THEN 1 ELSE 0 END), 0) FROM source"
    )
    ((pending, vanished),) = connection.select(_two, query)
    return Quality(
        quarantined=lines["bad-line"].waiting if "bad-line" in lines else 0,
        conflicts=lines["conflict"].waiting if "conflict" in lines else 0,
        ahead=lines["ahead"].waiting if "ahead" in lines else 0,
        settled=sum(tally.settled for tally in lines.values()),
        pending_bytes=pending,
        findings={tally.kind: tally.waiting for tally in found if tally.waiting},
        settled_findings=sum(tally.settled for tally in found),
        missing_records=_missing(connection).waiting,
        vanished=vanished,
        unmapped_meters=unmapped_meters,
        undecided_meters=undecided_meters,
        idle_rules=idle_rules,
        last_audit=read_last_audit(connection),
        counted_ahead=tuple(one for one in read_counted_ahead(connection, as_of) if one.month > until),
    )


def _two(pending: int, vanished: int) -> tuple[int, int]:
    return int(pending), int(vanished)  # PostgreSQL's sum is a Decimal
