"""What a look at the alerts leaves in the ledger: since when each is there, what was noted, what was verified."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, insert, select, update

from licensing.core.errors import BadCall
from licensing.db.database import writing
from licensing.db.inserts import forget_misfits, upsert
from licensing.db.schema import Table
from licensing.verification.mounts import Places
from usage.alerts.alert import Alert
from usage.alerts.state import UNSTATED, DatedLicense, LicenseFact, State
from usage.ledger.tables.alerts import (
    AcknowledgedAlertRow,
    AuditOutcomeRow,
    FailedAuditRow,
    KnownLicenseRow,
    NoticeRow,
    OpenAlertRow,
    ToldAlertRow,
)


def remember_look(connection: Connection, state: State, alerts: Sequence[Alert]) -> None:
    """Keep since when alerts are there, and the licenses as they were verified.

    An alert that is gone is forgotten with its acknowledgement and its notices: should it come again, it is a new one.
    Whoever was told of it is to be told of its end. So is a row that no azlic wrote.
    """
    for name in (OpenAlertRow, AcknowledgedAlertRow, NoticeRow, ToldAlertRow, KnownLicenseRow):
        forget_misfits(connection, str(name.__tablename__))
    open_now = {alert.id for alert in alerts}
    before = set(connection.execute(select(OpenAlertRow.alert)).scalars())
    fresh = [{"alert": alert.id, "since": alert.since} for alert in alerts if alert.id not in before]
    if fresh:
        connection.execute(insert(OpenAlertRow), fresh)
    told = update(ToldAlertRow)
    connection.execute(
        told.where(ToldAlertRow.ended_at.is_(None), ToldAlertRow.alert.not_in(open_now)).values(ended_at=state.now)
    )
    connection.execute(told.where(ToldAlertRow.alert.in_(open_now)).values(ended_at=None, error=None, tried_at=None))
    for table in (OpenAlertRow, AcknowledgedAlertRow, NoticeRow):
        _forget(connection, table, keep=open_now)
    _remember_licenses(connection, state.licenses, state.now)


def _forget(
    connection: Connection, table: type[OpenAlertRow | AcknowledgedAlertRow | NoticeRow], *, keep: Collection[str]
) -> None:
    gone = set(connection.execute(select(table.alert).distinct()).scalars()).difference(keep)
    for alert in sorted(gone):
        connection.execute(delete(table).where(table.alert == alert))


def _remember_licenses(connection: Connection, facts: Iterable[LicenseFact], now: datetime) -> None:
    known = [_row(fact, now) for fact in facts if isinstance(fact, DatedLicense) and fact.stamp]
    _put(connection, KnownLicenseRow, ["path"], known)


def _row(fact: DatedLicense, now: datetime) -> dict[str, object]:
    issue = fact.term.issue or UNSTATED
    return {
        "path": fact.path,
        "stamp": fact.stamp,
        "verified_at": now,
        "container_type": fact.container,
        "license_id": issue.license_id,
        "issued_at": issue.issued_at,
        "not_before": issue.not_before,
        "expires_at": fact.term.expires_at,
        "grace_ends_at": fact.term.grace_ends_at,
    }


def _put(connection: Connection, table: type[Table], key: list[str], values: list[dict[str, object]]) -> None:
    if values:
        statement = upsert(connection, table)
        columns = {name: statement.excluded[name] for name in values[0] if name not in key}
        connection.execute(statement.on_conflict_do_update(index_elements=key, set_=columns), values)


def acknowledge(engine: Engine, alert: Alert, *, until: datetime, now: datetime, by: str) -> None:
    """Let an alert be quiet until a date, or until it worsens; then it is sent again, whatever was sent before.

    Raises ``BadCall`` for a date that has passed.
    """
    if until <= now:
        raise BadCall("an alert is acknowledged until a date in the future", hint="--until 2027-01-31")
    values: dict[str, object] = {
        "alert": alert.id,
        "severity": int(alert.severity),
        "stage": str(alert.rank),
        "until": until,
        "acknowledged_at": now,
        "acknowledged_by": by,
    }
    with writing(engine) as connection:
        _put(connection, AcknowledgedAlertRow, ["alert"], [values])
        connection.execute(delete(NoticeRow).where(NoticeRow.alert == alert.id))


def forget_license(engine: Engine, path: Path) -> None:
    """Stop alerting about a license that was at a place, however that is written. Raises ``BadCall`` for none there."""
    places = Places()
    with writing(engine) as connection:
        known = connection.execute(select(KnownLicenseRow.path)).scalars().all()
        names = [name for name in known if places.of(Path(name)) == places.of(path)]
        if not names:
            raise BadCall(
                f"no license has ever been seen at {path}", hint="azlic alerts shows the license folders it misses"
            )
        for name in names:
            connection.execute(delete(KnownLicenseRow).where(KnownLicenseRow.path == name))


def forget_channels(connection: Connection, *, keep: Collection[str]) -> None:
    """Forget what was sent to channels that are configured no more, and that they failed."""
    for table in (NoticeRow, ToldAlertRow):
        connection.execute(delete(table).where(table.channel.not_in(keep)))


def remember_audit(
    engine: Engine,
    *,
    sound: bool,
    detail: str,
    now: datetime,
    failed: Collection[int] = (),
    left_out: Collection[int] = (),
) -> None:
    """Keep what an audit of the ledger said, so that one that failed is an alert until another passes.

    ``failed`` are the numbers of the checks that found something. A later audit makes up for it only where none of
    these is among the checks that it ``left_out``. What it said is kept even where nothing can be chained any more;
    that is raised as ``AzlicError`` then.
    """
    with writing(engine) as connection:
        _put(connection, AuditOutcomeRow, ["key"], [{"key": 1, "audited_at": now, "sound": sound, "detail": detail}])
    with writing(engine) as connection:
        standing = connection.execute(select(FailedAuditRow.__table__).where(FailedAuditRow.passed_at.is_(None))).all()
        if sound:
            left = {str(int(number)) for number in left_out}
            passed = [one.number for one in standing if left.isdisjoint(one.checks.split())]
            if passed:
                made_up = update(FailedAuditRow).where(FailedAuditRow.number.in_(passed))
                connection.execute(made_up.values(passed_at=now))
            return
        checks = " ".join(map(str, sorted(map(int, failed))))
        if (checks, detail) not in {(one.checks, one.detail) for one in standing}:
            connection.execute(insert(FailedAuditRow).values(failed_at=now, checks=checks, detail=detail))
