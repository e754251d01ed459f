"""What follows from bound tables: computed again in SQL, and compared; no value is trusted to be of its type."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

import migrations
from licensing.core.text import printable
from licensing.db.store_kind import BOTH, StoreKind
from licensing.verdict.seen import CLOCK_TOLERANCE
from usage.auditing.faults import AuditCheck, Faults
from usage.auditing.rows import fetch
from usage.auditing.table_classes import ISSUERS
from usage.ledger.source_kinds import SourceKind

_BEHIND = """
SELECT source.key, source.path, source."offset", reached.stop FROM source
JOIN (SELECT source, max(stop) AS stop FROM batch GROUP BY source) AS reached ON reached.source = source.key
WHERE source."offset" < reached.stop
OR (source."offset" = reached.stop AND reached.stop > 0 AND NOT EXISTS (
  SELECT 1 FROM batch
  WHERE batch.source = source.key AND batch.stop = reached.stop AND batch.consumed = source.consumed
))
ORDER BY source.key
"""
"""A line that waited in quarantine has a batch of its own, with another digest."""
_CHAINS = f"""
SELECT container_id, kept, newest FROM (
  SELECT labels.container_id, min(chain.sequence) AS kept, max(numbers.newest) AS newest
  FROM (
    SELECT series, max(sequence) AS newest FROM record WHERE sequence IS NOT NULL GROUP BY series
  ) AS numbers
  JOIN series AS labels ON labels.key = numbers.series
  LEFT JOIN chain ON chain.container_id = labels.container_id
  GROUP BY labels.container_id
) AS numbered
WHERE (
  kept IS NULL AND EXISTS (
    SELECT 1 FROM batch
    JOIN record ON record.number >= batch.first_record AND record.number < batch.first_record + batch.records
    JOIN series ON series.key = record.series
    WHERE substr(batch.file, 1, {len(SourceKind.EXPORT)}) <> '{SourceKind.EXPORT}'
    AND series.container_id = numbered.container_id AND record.sequence IS NOT NULL
  )
) OR kept < newest
ORDER BY container_id
"""  # noqa: S608 - a word of ours
"""What a site handed over has no chain here: the site keeps it."""
_ON_DISK = " AND ".join(f"substr(file, 1, {len(kind)}) <> '{kind}'" for kind in SourceKind)
_TAKEN = f"SELECT max(taken_at) FROM batch WHERE entries IS NOT NULL AND {_ON_DISK}"  # noqa: S608 - words of ours
_TAKEN_BACK = "SELECT min(at) FROM (SELECT struck_at AS at FROM witness_strike UNION SELECT instant FROM clock_reset) b"
_BOOKED = """
SELECT reading_source."key", series.meter, {month} AS booked_month, sum(record.quantity)
FROM reading_source JOIN batch ON batch.source = reading_source.source
JOIN record ON record.number >= batch.first_record AND record.number < batch.first_record + batch.records
JOIN series ON series."key" = record.series GROUP BY 1, 2, 3
"""
_MONTH = {
    "sqlite": "CAST(strftime('%Y%m', record.requested_at / 1000, 'unixepoch') AS INTEGER)",
    "postgresql": "CAST(to_char(to_timestamp(record.requested_at / 1000.0) AT TIME ZONE 'UTC', 'YYYYMM') AS integer)",
}


def check_derived(connection: Connection, faults: Faults) -> None:
    """13: sources, chains, counters, the clock go on from what the batches hold; nothing of an issuer is here."""
    for where, what in (
        *_sources(connection),
        *_chains(connection),
        *_counters(connection),
        *_store(connection),
        *_witness(connection),
    ):
        faults.add(AuditCheck.DERIVED, where, what)


def _sources(connection: Connection) -> Iterator[tuple[str, str]]:
    for key, path, offset, stop in fetch(connection, _BEHIND):
        what = f"it was read up to byte {printable(offset)}, and its batches took it up to byte {printable(stop)}"
        yield f"source {key} ({printable(path)})", what + " with other bytes" * (offset == stop)


def _chains(connection: Connection) -> Iterator[tuple[str, str]]:
    for container, kept, newest in fetch(connection, _CHAINS):
        what = f"its next record is to follow record {printable(kept)}, and its newest is {printable(newest)}"
        yield f"the chain of {printable(container)}", what
    query = "SELECT container_id FROM chain WHERE container_id NOT IN (SELECT container_id FROM series)"
    for (container,) in fetch(connection, query):
        yield f"the chain of {printable(container)}", "no series is of this container"


def _counters(connection: Connection) -> Iterator[tuple[str, str]]:
    """A counter that never restarted stands at what was booked from it in its month; one that did, at no more."""
    query = (
        "SELECT source, meter, month FROM counter WHERE NOT EXISTS"
        " (SELECT 1 FROM reading WHERE reading.source = counter.source AND reading.month = counter.month)"
    )
    for source, meter, month in fetch(connection, query):
        where = f"the counter {printable(meter)} of source {printable(source)} in {printable(month)}"
        yield where, "no reading is of this month"
    booked: dict[tuple[Any, Any], dict[Any, int]] = {}
    for source, meter, month, quantity in fetch(connection, _BOOKED.format(month=_MONTH[connection.dialect.name])):
        booked.setdefault((source, meter), {})[month] = int(quantity)
    counters: dict[tuple[Any, Any], dict[Any, tuple[Any, bool]]] = {}
    for source, meter, *counter in fetch(connection, 'SELECT source, meter, "month", quantity, epoch FROM counter'):
        month, quantity, epoch = counter
        counters.setdefault((source, meter), {})[month] = quantity, epoch > 1
    for key in sorted({*booked, *counters}, key=str):
        of_months, standing = booked.get(key, {}), counters.get(key, {})
        for month in sorted({*of_months, *standing}, key=str):
            (value, restarted), rose = standing.get(month, (0, False)), of_months.get(month, 0)
            if value > rose or (value < rose and not restarted):
                where = f"the counter {printable(key[1])} of source {printable(key[0])} in {printable(month)}"
                yield where, f"it stands at {value} millionths, and {rose} were booked from it"


def _store(connection: Connection) -> Iterator[tuple[str, str]]:
    stated = fetch(connection, "SELECT key, kind FROM store")
    filled = [table for table in ISSUERS if fetch(connection, f"SELECT 1 FROM {table} LIMIT 1")]  # noqa: S608
    if stated != [(1, BOTH if filled and (1, BOTH) in stated else StoreKind.SITE.value)]:
        yield "table store", f"it says {printable(stated)[:80]}, and one row belongs there: this is a site's ledger"
    if (1, BOTH) not in stated:
        for table in filled:
            yield f"table {table}", "it belongs to an issuer's store, and has to be empty in a ledger"
    revisions = fetch(connection, "SELECT version_num FROM alembic_version")
    if revisions != [(migrations.HEAD,)]:
        yield "table alembic_version", f"it says {printable(revisions)[:80]}, and {migrations.HEAD} alone belongs there"


def _witness(connection: Connection) -> Iterator[tuple[str, str]]:
    """The clock was seen no earlier than the newest files were taken, unless somebody took back what was seen."""
    ((taken_at,),) = fetch(connection, _TAKEN)
    seen = [instant for (instant,) in fetch(connection, "SELECT instant FROM witness WHERE kind = 'evaluation'")]
    ((back,),) = fetch(connection, _TAKEN_BACK)
    if not isinstance(taken_at, int) or not all(isinstance(instant, int) for instant in seen):
        return
    least = taken_at - CLOCK_TOLERANCE // timedelta(milliseconds=1)
    if max(seen, default=-1) < (min(least, back) if isinstance(back, int) else least):
        shown = f"{printable(seen[0])} is the last instant it has" if seen else "it has no instant of this clock"
        yield "table witness", f"{shown}, and files were taken at {taken_at}"
