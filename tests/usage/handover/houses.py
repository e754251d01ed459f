"""Sites and a head office, each with a ledger and a key of its own, and files that are carried between them."""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from securesystemslib.signer import Key, Signer
from sqlalchemy import Connection, Engine, func, insert, select

from licensing.core.instants import iso, milliseconds
from licensing.db.database import open_ledger, writing
from licensing.signing.site_keys import create_site_keys, site_signer
from tests.site import START
from tests.usage.ledgers import new_ledger, open_fast
from tests.usage.lines import a_line, unix_ms
from tests.usage.mount import rows
from usage.handover.accepting import Acceptance, accept
from usage.handover.acknowledgement import Acknowledged, acknowledge
from usage.handover.exporting import Exported, export
from usage.handover.sites import HandingSite, enrol
from usage.intake.run import ingest
from usage.ledger.canonical import NO_ENTRIES, SealedBatch, batch_head
from usage.ledger.checkpoints import Checkpoint
from usage.ledger.tables.handover import ExportRow, OriginRow
from usage.ledger.tables.months import ClosedMonthRow, ClosedTotalRow, CorrectionRow
from usage.ledger.tables.records import BatchRow, RecordRow, SeriesRow, SourceRow, TotalRow
from usage.months import DAY_MS, Month

encode = msgspec.json.encode


class House:
    """A place with a ledger and a signing key."""

    def __init__(self, folder: Path, name: str, url: str = "") -> None:
        self.folder = folder / name
        self.folder.mkdir()
        self.name = name
        self.now = START
        self.label = ""  # what its own ledger calls it
        self.ledger: Engine = open_ledger(url, create=True) if url else open_fast(new_ledger(self.folder / "azlic.db"))
        create_site_keys(self.folder / "keys")

    @property
    def signer(self) -> Signer:
        return site_signer(self.folder / "keys")

    @property
    def key(self) -> Key:
        return self.signer.public_key

    @property
    def pem(self) -> Path:
        return self.folder / "keys" / "site.pem"

    def close(self) -> None:
        self.ledger.dispose()


class HandingHouse(House):
    """A site: it takes usage in, hands it over, and takes acknowledgements."""

    def use(self, *names: str, at: datetime = START, quantity: object = 1, **changes: Any) -> None:
        """Records of these ids, in a file of their own, taken into the ledger as one batch."""
        path = self.folder / "output" / "read" / "0123456789ab" / f"usage-{names[0]}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(a_line(name, quantity, at=at, **changes) + b"\n" for name in names))
        ingest(self.ledger, [self.folder / "output"], now=max(self.now, at), site=self.label)

    def export(self, name: str = "export.azlic", **changes: Any) -> Path:
        path = self.folder / name
        self.exported(path, **changes)
        return path

    def exported(self, path: Path, **changes: Any) -> Exported:
        fields: dict[str, Any] = {"signer": self.signer, "site": self.name, "tool": "azlic 1.2.3", "now": self.now}
        return export(self.ledger, path, **(fields | changes))

    def acknowledge(self, path: Path, key: Key, *, ledger: Engine | None = None) -> Acknowledged:
        return acknowledge(ledger or self.ledger, path, key=key, now=self.now)

    def checkpoint(self) -> Checkpoint:
        """The checkpoint of the newest export."""
        newest = export_rows(self.ledger)[-1]
        return Checkpoint(rows(self.ledger, OriginRow)[0].name, newest.last_batch, newest.head)

    def snapshot(self) -> Path:
        """The ledger as it is now, as a machine's snapshot keeps it."""
        return Path(shutil.copy(self.folder / "azlic.db", self.folder / "snapshot.db"))

    def restore(self, snapshot: Path) -> None:
        """Go back to a snapshot; the output folder is gone with it."""
        self.ledger.dispose()
        shutil.copy(snapshot, self.folder / "azlic.db")
        shutil.rmtree(self.folder / "output", ignore_errors=True)
        self.ledger = open_fast(self.folder / "azlic.db")

    def shut(self, month: str, reason: str = "") -> None:
        """Close a month by a batch as the ledger's rules have it."""
        closed = Month.parse(month)
        with writing(self.ledger) as connection:
            totals = _totals_of(connection, closed)
            name = str(closed), reason, iso(self.now)
            digest = hashlib.sha256(encode(("azlic.close/v1", *name, totals))).digest()
            batch = _append_batch(connection, f"close:{closed}", digest, now=self.now)
            values = {"month": closed.number, "closed_at": self.now, "batch": batch, "totals": digest, "reason": reason}
            connection.execute(insert(ClosedMonthRow).values(values))
            for series, quantity, records in totals:
                total = {"month": closed.number, "series": series, "quantity": quantity, "records": records}
                connection.execute(insert(ClosedTotalRow).values(total))

    def come_late(self, name: str, *, at: datetime, booked: str, quantity: int = 1) -> None:
        """A record of a closed month: stored, not added to its day, and booked as a correction in a later month."""
        with writing(self.ledger) as connection:
            number = 1 + (connection.execute(select(func.max(RecordRow.number))).scalar() or 0)
            row = (number, name, 1, quantity * 10**6, unix_ms(at), None, None)
            columns = ("number", "id", "series", "quantity", "requested_at", "sequence", "extra")
            connection.execute(insert(RecordRow).values(dict(zip(columns, row, strict=True))))
            correction = self.correction("late", name, at, booked, quantity)
            digest = hashlib.sha256(encode(((), [row], [correction]))).digest()
            batch = _append_batch(connection, "late.jsonl", digest, now=self.now, consumed=b"l" * 32, records=1)
            _insert_corrections(connection, [correction], batch, self.now)

    def correct(self, name: str, *, at: datetime, booked: str, was: int, becomes: int) -> None:
        """A correction by hand: a reversal with its replacement."""
        with writing(self.ledger) as connection:
            corrections = [
                self.correction("reversal", name, at, booked, -was),
                self.correction("replacement", name, at, booked, becomes),
            ]
            corrections[1] = (corrections[0][0] + 1, *corrections[1][1:])
            digest = hashlib.sha256(encode(((), (), corrections))).digest()
            batch = _append_batch(connection, "correct:", digest, now=self.now)
            _insert_corrections(connection, corrections, batch, self.now)

    def correction(self, kind: str, name: str, at: datetime, booked: str, quantity: int) -> tuple[Any, ...]:
        months = Month.parse(booked).number, Month.of(at).number
        number = 1 + len(rows(self.ledger, CorrectionRow))
        return (number, kind, *months, name, 1, quantity * 10**6, "corrected, by test")


class HeadOffice(House):
    """Where the sites' exports are booked."""

    def enrol(self, site: House) -> HandingSite:
        return enrol(self.ledger, site.name, site.pem)

    def accept(self, path: Path) -> Acceptance:
        return accept(self.ledger, path, signer=self.signer, now=self.now)

    def receipt(self, path: Path, name: str = "export.ack") -> Path:
        """The file that goes back to the site."""
        target = self.folder / name
        target.write_bytes(self.accept(path).content)
        return target

    def ids(self) -> list[str]:
        return [row.id for row in rows(self.ledger, RecordRow)]


def used(ledger: Engine) -> dict[tuple[int, str], int]:
    """What a ledger's totals say, by day and site, in whole units."""
    sites = {row.key: row.site for row in rows(ledger, SeriesRow)}
    found: dict[tuple[int, str], int] = {}
    for row in rows(ledger, TotalRow):
        key = row.day, sites[row.series]
        found[key] = found.get(key, 0) + row.quantity // 10**6
    return found


def export_rows(ledger: Engine) -> Sequence[Any]:
    return rows(ledger, ExportRow)


def later(**span: float) -> datetime:
    return START + timedelta(**span)


def _totals_of(connection: Connection, month: Month) -> list[tuple[int, int, int]]:
    first, past = (unix_ms(at) // DAY_MS for at in (month.starts_at, month.next.starts_at))
    found: dict[int, list[int]] = {}
    for row in connection.execute(select(TotalRow.__table__).where(TotalRow.day >= first, TotalRow.day < past)):
        sums = found.setdefault(row.series, [0, 0])
        sums[0] += row.quantity
        sums[1] += row.records
    return [(series, *found[series]) for series in sorted(found)]  # type: ignore[misc]


def _append_batch(
    connection: Connection, file: str, digest: bytes, *, now: datetime, consumed: bytes = bytes(32), records: int = 0
) -> int:
    source = connection.execute(insert(SourceRow).values(path=file).returning(SourceRow.key)).scalar_one()
    last = connection.execute(select(BatchRow.__table__).order_by(BatchRow.sequence.desc()).limit(1)).one()
    batch = SealedBatch(
        sequence=last.sequence + 1,
        file=file,
        start=0,
        stop=0,
        consumed=consumed,
        first_record=last.first_record + last.records,
        records=records,
        rows=digest,
        source=source,
        taken_at=milliseconds(now),
        entries=NO_ENTRIES,
    )
    values = asdict(batch) | {"head": batch_head(last.head, batch), "taken_at": now}
    connection.execute(insert(BatchRow).values(values))
    return batch.sequence


def _insert_corrections(connection: Connection, corrections: list[tuple[Any, ...]], batch: int, now: datetime) -> None:
    columns = ("number", "kind", "booked_month", "month", "record_id", "series", "quantity", "reason")
    for correction in corrections:
        values = dict(zip(columns, correction, strict=True))
        connection.execute(insert(CorrectionRow).values(**values, batch=batch, booked_at=now))
