"""What the ledger says: one SELECT for each fact, none of them over the records."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from licensing.core.instants import from_milliseconds
from licensing.db.readonly import ReadOnlyConnection
from usage.alerts.state import ChannelFact, HandingFact, HandOver, LedgerProgress, PlanFact
from usage.ledger.closed_months import open_months
from usage.ledger.extent import moment_of
from usage.ledger.source_kinds import ON_DISK, output_folder_of
from usage.months import Month, day_number
from usage.plans.book import PlanBook
from usage.plans.model import Plan
from usage.reporting.draws import Draw, afterwards
from usage.reporting.plan_usage import usage_of_plan

LOOK_AHEAD = timedelta(days=3 * 366)
"""So far ahead the next terms of plans that renew themselves are looked at."""
_FOLDERS_OF = 200


def read_plan_facts(book: PlanBook, draws: Sequence[Draw], now: datetime, *, open_from: int) -> tuple[PlanFact, ...]:
    """Each plan that has begun: its use, and what comes after it. ``open_from`` is the first day of an open month.

    ``book`` has the terms that begin within ``LOOK_AHEAD``.
    """
    return tuple(
        PlanFact(
            name=plan.name,
            container=plan.plan_type,
            ends_at=plan.ends_at,
            renews=plan.next_term is not None,
            followed=_has_successor(plan, book.present),
            used_after=_is_used_after(plan, draws, open_from),
            usage=usage_of_plan(plan, plan.period_around(now), draws, Month.of(now), as_of=now)
            if now < plan.ends_at
            else None,
            account=plan.account,
            afterwards=afterwards(book, plan, draws)
            if plan.next_term is None and now < plan.ends_at < now + LOOK_AHEAD
            else None,
        )
        for plan in book.present
        if plan.starts_at <= now
    )


def _has_successor(plan: Plan, plans: Sequence[Plan]) -> bool:
    after = [other for other in plans if other.identity != plan.identity and _follows(other, plan, plans)]
    meters = {share.meter for other in after for share in other.meters}
    return bool(plan.meters) and all(share.meter in meters for share in plan.meters)


def _follows(other: Plan, plan: Plan, plans: Sequence[Plan]) -> bool:
    """Whether a plan begins where another ends, and is no next term of a third that ran beside it; or is its next."""
    if other.is_later_term_of(plan):
        return other.starts_at <= plan.ends_at < other.ends_at
    return other.starts_at == plan.ends_at and not any(other.is_later_term_of(third) for third in plans)


def _is_used_after(plan: Plan, draws: Iterable[Draw], open_from: int) -> bool:
    """Whether a meter of a plan was used after its end, on a day of an open month on which no plan has that meter."""
    meters, end = {share.meter for share in plan.meters}, max(day_number(plan.ends_at), open_from)
    unplanned = (draw for draw in draws if draw.plan is None and not draw.undecided)
    return any(draw.use.day >= end and draw.use.meter in meters for draw in unplanned)


def read_progress(connection: ReadOnlyConnection) -> LedgerProgress:
    """How far the ledger has come."""
    found = connection.select(_progress, "SELECT sequence, taken_at FROM batch ORDER BY sequence DESC LIMIT 1")
    return found[0] if found else LedgerProgress(0, None)


def _progress(batches: int, taken_at: int) -> LedgerProgress:
    return LedgerProgress(batches, moment_of(taken_at))


def read_pending_months(connection: ReadOnlyConnection, now: datetime) -> tuple[Month, ...]:
    """Months with use that are over and not closed, the oldest first."""
    return tuple(month for month in open_months(connection) if month < Month.of(now))


def read_hand_over(connection: ReadOnlyConnection) -> HandOver | None:
    """Since when usage waits for its receipt; None where all of it has one."""
    ((through, receipt_at),) = connection.select(
        _receipt, "SELECT max(last_batch), max(acknowledged_at) FROM export WHERE acknowledged_at IS NOT NULL"
    )
    (waits_since,) = connection.select(
        _instant,
        f"SELECT min(taken_at) FROM batch WHERE sequence > {through or 0} AND records > 0",  # noqa: S608 - a number
    )
    return None if waits_since is None else HandOver(waits_since, receipt_at)


def read_handing_sites(connection: ReadOnlyConnection) -> tuple[HandingFact, ...]:
    """The sites that hand over to this head office, each with its newest export."""
    query = (
        "SELECT handing_site.site, max(accepted_at) FROM handing_site"
        " LEFT JOIN accepted_export ON accepted_export.site = handing_site.site"
        " GROUP BY handing_site.site ORDER BY handing_site.site"
    )
    return tuple(connection.select(_handing_site, query))


def _handing_site(site: str, accepted_at: int | None) -> HandingFact:
    return HandingFact(site, _instant(accepted_at))


def _receipt(through: int | None, at: int | None) -> tuple[int | None, datetime | None]:
    return through, _instant(at)


def _instant(value: int | None) -> datetime | None:
    return None if value is None else from_milliseconds(value)


def read_failing_channels(connection: ReadOnlyConnection) -> tuple[ChannelFact, ...]:
    """The channels that failed to deliver."""
    notices, told = connection.fitting("notice"), connection.fitting("told_alert")
    query = (
        "SELECT channel, max(attempts), max(error) FROM"  # noqa: S608
        f" (SELECT channel, attempts, error FROM {notices} WHERE sent_at IS NULL AND error IS NOT NULL UNION ALL"
        f" SELECT channel, attempts, error FROM {told} WHERE error IS NOT NULL) AS failed"
        " GROUP BY channel ORDER BY channel"
    )
    return tuple(connection.select(ChannelFact, query))


def read_output_folders(connection: ReadOnlyConnection) -> list[Path]:
    """The output folders that the newest usage files were taken from."""
    query = f"SELECT path FROM source WHERE vanished_at IS NULL AND {ON_DISK} ORDER BY key DESC LIMIT {_FOLDERS_OF}"  # noqa: S608
    return [Path(folder) for folder in sorted(set(connection.select(output_folder_of, query)))]


def read_first_seen(connection: ReadOnlyConnection) -> dict[str, datetime]:
    """Since when each alert has been there."""
    query = f"SELECT alert, since FROM {connection.fitting('open_alert')}"  # noqa: S608
    return dict(connection.select(_first_seen, query))


def _first_seen(alert: str, since: int) -> tuple[str, datetime]:
    return alert, from_milliseconds(since)
