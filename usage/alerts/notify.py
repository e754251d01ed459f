"""Telling: each alert once per stage and channel, and once that it ended; tried again until it is taken.

1. claimed: what a channel was not sent is written down as tried, so that two who run at once do not both send it
2. sent: outside of any transaction, a few times in a row
3. settled: as sent, or with the reason why not; then the next run tries again, and the channel is an alert itself
"""

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import stamina
from sqlalchemy import Connection, Engine, delete, or_, select, update

from licensing.db.database import writing
from licensing.db.inserts import upsert
from licensing.db.schema import rows_of
from usage.alerts.acknowledgements import WatchedAlert
from usage.alerts.alert import Alert, EndedAlert, Severity
from usage.alerts.channels.channel import Channel, ChannelFailed
from usage.alerts.message import Message
from usage.alerts.state import State
from usage.alerts.store import remember_look
from usage.ledger.tables.alerts import NoticeRow, ToldAlertRow

ATTEMPTS = 3
_IN_FLIGHT = timedelta(minutes=10)
"""A notice that was claimed and neither sent nor refused for so long was dropped by a run that died."""

Look = Callable[[], tuple[State, tuple[WatchedAlert, ...]]]


class DeliveryOutcome:
    """What a run sent: the alerts each channel accepted, how many ends, and why a channel accepted none."""

    def __init__(self) -> None:
        self.sent: dict[str, tuple[Alert, ...]] = {}
        self.failed: dict[str, str] = {}
        self.ended: dict[str, int] = {}


def notify_channels(engine: Engine, channels: Sequence[Channel], look: Look, *, site: str) -> DeliveryOutcome:
    """Send each channel what it has not been sent; a channel that fails is reported to the others in the same run."""
    outcome = DeliveryOutcome()
    for _ in range(2):
        state, found = look()
        with writing(engine) as connection:
            remember_look(connection, state, [one.alert for one in found])
        loud = tuple(one.alert for one in found if one.acknowledgement is None)
        before = len(outcome.failed)
        for channel in channels:
            if channel.name not in outcome.failed:
                _tell(engine, channel, loud, outcome, now=state.now, site=site)
        if len(outcome.failed) == before:
            break
    return outcome


def tell_without_memory(channels: Sequence[Channel], look: Look, *, site: str) -> dict[str, str]:
    """Tell each channel all there is, where no ledger remembers what it was told; why a channel took it not."""
    state, found = look()
    present = tuple(one.alert for one in found)
    message = Message(site, state.now, present, present)
    return {one.name: why for one in channels if present and (why := deliver(one, message))}


def _tell(
    engine: Engine, channel: Channel, loud: tuple[Alert, ...], outcome: DeliveryOutcome, *, now: datetime, site: str
) -> None:
    own = f"channel-failing:{channel.name}"
    present = tuple(alert for alert in loud if alert.id != own)
    with writing(engine) as connection:
        fresh = _claim(connection, channel.name, present, now)
        ended = _claim_ends(connection, channel.name, now)
    if not fresh and not ended and not (channel.repeats and present and channel.name not in outcome.sent):
        return
    error = deliver(channel, Message(site, now, fresh, present, ended))
    with writing(engine) as connection:
        _settle(connection, channel.name, fresh, now, error)
        _settle_ends(connection, channel.name, ended, error)
    if error is None:
        outcome.ended[channel.name] = outcome.ended.get(channel.name, 0) + len(ended)
        outcome.sent[channel.name] = outcome.sent.get(channel.name, ()) + fresh
    else:
        outcome.failed[channel.name] = error


def deliver(channel: Channel, message: Message) -> str | None:
    """Give a message to a channel, a few times where it fails; None, or why it was not taken in the end."""
    logging.getLogger("stamina").setLevel(logging.CRITICAL)
    try:
        for attempt in stamina.retry_context(on=ChannelFailed, attempts=ATTEMPTS, timeout=180, wait_initial=1.0):
            with attempt, _nothing_logged():
                channel.send(message)
    except ChannelFailed as error:
        return str(error)
    except Exception as error:
        return f"a fault of azlic's own ({type(error).__name__})"
    return None


@contextlib.contextmanager
def _nothing_logged() -> Iterator[None]:
    """What a channel sends with logs addresses, and those hold passwords: urllib3 does on a broken answer."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _claim(connection: Connection, channel: str, alerts: Sequence[Alert], now: datetime) -> tuple[Alert, ...]:
    """The alerts that a channel has not been sent at their stage, and nobody is sending it now."""
    query = select(
        NoticeRow.alert, NoticeRow.stage, NoticeRow.attempts, NoticeRow.tried_at, NoticeRow.sent_at, NoticeRow.error
    )
    known = {(row.alert, row.stage): row for row in connection.execute(query.where(NoticeRow.channel == channel))}
    claimed = []
    for alert in alerts:
        row = known.get((alert.id, str(alert.rank)))
        in_flight = row is not None and row.error is None and timedelta() <= now - row.tried_at < _IN_FLIGHT
        if row is not None and (row.sent_at is not None or in_flight):
            continue
        values = {"alert": alert.id, "stage": str(alert.rank), "channel": channel, "tried_at": now, "error": None}
        statement = upsert(connection, NoticeRow).values(**values, attempts=(row.attempts if row else 0) + 1)
        changes = {name: statement.excluded[name] for name in ("attempts", "tried_at", "error")}
        key = ["alert", "stage", "channel"]
        connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changes))
        claimed.append(alert)
    return tuple(claimed)


def _settle(connection: Connection, channel: str, alerts: Sequence[Alert], now: datetime, error: str | None) -> None:
    for alert in alerts:
        row = (NoticeRow.alert == alert.id) & (NoticeRow.stage == str(alert.rank)) & (NoticeRow.channel == channel)
        outcome = {"sent_at": now} if error is None else {"error": error}
        connection.execute(update(NoticeRow).where(row).values(outcome))
        if error is None:
            told = upsert(connection, ToldAlertRow).values(
                alert=alert.id, channel=channel, severity=int(alert.severity), since=alert.since, attempts=0
            )
            changes = {name: told.excluded[name] for name in ("severity", "since")}
            connection.execute(told.on_conflict_do_update(index_elements=["alert", "channel"], set_=changes))


def _claim_ends(connection: Connection, channel: str, now: datetime) -> tuple[EndedAlert, ...]:
    """The alerts that a channel was told of and that are over, where nobody is telling it now."""
    free = or_(
        ToldAlertRow.tried_at.is_(None), ToldAlertRow.error.is_not(None), ToldAlertRow.tried_at <= now - _IN_FLIGHT
    )
    over = (ToldAlertRow.channel == channel, ToldAlertRow.ended_at.is_not(None), free)
    found = tuple(
        EndedAlert(row.alert, Severity(row.severity), row.since, row.ended_at or now)
        for row in rows_of(connection, ToldAlertRow, *over, order_by=(ToldAlertRow.ended_at, ToldAlertRow.alert))
    )
    tried = {"attempts": ToldAlertRow.attempts + 1, "tried_at": now, "error": None}
    connection.execute(update(ToldAlertRow).where(*over).values(tried))
    return found


def _settle_ends(connection: Connection, channel: str, ended: Sequence[EndedAlert], error: str | None) -> None:
    for one in ended:
        row = (ToldAlertRow.alert == one.id) & (ToldAlertRow.channel == channel) & ToldAlertRow.ended_at.is_not(None)
        connection.execute(
            delete(ToldAlertRow).where(row) if error is None else update(ToldAlertRow).where(row).values(error=error)
        )
