"""The audit: computes the whole ledger again from what is stored, and names the first thing that is not as written.

1. The batches are numbered 1 to n, without a gap.
2. Each head follows from the one before and from the batch's own fields.
3. The records are numbered without a gap, and each batch's digest of its rows is that of the rows stored.
4. Each day's total is the sum of its records, without those that came late.
5. Closed months hold what their close batches bound, and each period of a plan what its frozen terms and the use make;
   corrections are about closed months, booked in open ones.
6. Nothing exists outside the batches: no record, series, total or correction.
7. Against checkpoints that were kept elsewhere: the ledger is as long, and has the same head at the same place.
8. The schema is this version's, with the triggers that refuse changes: no object less, none more, none otherwise.
9. Where it is asked for: the source files still begin with the bytes that the batches took.
10. The database's pages, indexes and references are whole: what is read through an index is what its table holds.
11. Each value belongs in its column: it is of its type, in its range, of its words, and text is UTF-8.
12. Plans, findings and all other rows that may change stand as a batch booked them last, and nothing else does.
13. What follows from the batches does: sources, chains, counters, the clock; nothing of an issuer's is here.

1 to 6 and 12 find every change by somebody who did not recompute all heads from there on; who did is found by 7 alone.
The ledger is only read, a stretch of batches at a time, so that an ingest can continue meanwhile.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event

from licensing.core.errors import AzlicError
from licensing.core.text import printable
from licensing.db.database import BUSY_SECONDS, open_ledger, reading
from licensing.db.readonly import view_of
from licensing.db.revision import check_revision, stated_revision, tables_of
from licensing.db.sqlite_journal import refuse_special_files
from licensing.db.store_kind import STATED_KIND, StoreKind, check_kind
from licensing.history.read import read_strikes
from licensing.verdict.seen import Strike
from usage.auditing.compare import Compared, KeptCheckpoint, compare_checkpoints
from usage.auditing.faults import AuditCheck, Fault, Faults
from usage.auditing.files import check_files
from usage.auditing.rest import check_rest
from usage.auditing.rows import Unreadable, fetch
from usage.auditing.storage import PAGES_LEFT_OUT, check_pages
from usage.auditing.walk import STRETCH, StretchSizes, Walk

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit saw and found. ``head`` is the one after the last batch, ``faults`` the first ones it met.

    ``bound_from`` is the first batch that binds all that may change (check 12) and the times; None where none does yet.

    ``counts`` has all of them, by check. ``compared`` says what became of each checkpoint, ``files`` how many source
    files were read again and ``files_gone`` how many are not there any more, which is no fault. ``strikes`` are the
    witnesses of the clock that the ledger's owner took back, ``rounded`` the sources whose readings are rounded, each
    with its operator's reason.
    """

    origin: str | None
    batches: int
    bound_from: int | None
    records: int
    head: bytes
    closed_months: int
    faults: Sequence[Fault]
    counts: Mapping[AuditCheck, int]
    compared: Sequence[Compared]
    strikes: tuple[Strike, ...] = ()
    files: int = 0
    files_gone: int = 0
    rounded: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether everything is as it was written, as far as that can be known."""
        return not self.counts

    @property
    def not_looked(self) -> frozenset[AuditCheck]:
        """The checks that were not asked for, had nothing to look at, or could not be done."""
        asked = {
            AuditCheck.AGAINST: bool(self.compared),
            AuditCheck.FILES: bool(self.files or self.files_gone),
            AuditCheck.PAGES: not self.left_out,
        }
        return frozenset(check for check, is_done in asked.items() if not is_done)


def audit(
    engine: Engine,
    *,
    against: Sequence[KeptCheckpoint] = (),
    files: bool = False,
    quick: bool = False,
    progress: Progress | None = None,
    stretch: StretchSizes = STRETCH,
) -> Audit:
    """Compute a ledger again. ``progress`` receives the records done and the records to do.

    ``quick`` leaves out check 10, for which the database reads every page and index.

    Raises ``AzlicError`` when the ledger cannot be read at all; everything that is wrong in it is a fault.
    """
    faults = Faults()
    walk = Walk(faults, sizes=[kept.checkpoint.size for kept in against], stretch=stretch)
    try:
        more = True
        while more:
            with reading(engine) as connection:
                more, total = walk.stretch(connection), _records(connection)
                if not more:
                    check_rest(connection, walk)
                    origin, rounded = _origin(connection), _rounded(connection)
                    strikes = _strikes(connection, faults)
                connection.rollback()  # there is nothing to commit, and of a damaged file SQLite would refuse to
            if progress is not None:  # nobody waits for the ledger meanwhile
                progress(walk.records, max(walk.records, total))
        compared = compare_checkpoints(against, origin=origin, walk=walk)  # 7
        looked = check_files(engine, faults) if files else (0, 0)  # 9
        unchecked = PAGES_LEFT_OUT if quick else _check_pages(engine, faults)  # 10
    except Unreadable as error:
        raise AzlicError(
            f"the ledger cannot be read, it is damaged: {error}", hint="azlic restore FILE puts a backup in its place"
        ) from error
    finally:
        walk.close()
    return Audit(
        origin=origin,
        batches=walk.sequence,
        bound_from=walk.entries.since,
        records=walk.records,
        head=walk.head,
        closed_months=len(walk.months),
        faults=tuple(faults.first),
        counts=dict(sorted(faults.counts.items())),
        compared=compared,
        strikes=strikes,
        files=looked[0],
        files_gone=looked[1],
        rounded=rounded,
        left_out=(unchecked,) if unchecked else (),
    )


def _check_pages(engine: Engine, faults: Faults) -> str | None:
    with reading(engine) as connection:
        try:
            return check_pages(connection, faults)
        except Unreadable as error:
            faults.add(AuditCheck.PAGES, "the database", f"it is damaged: {error}")
            return None
        finally:
            connection.rollback()


def _strikes(connection: Connection, faults: Faults) -> tuple[Strike, ...]:
    """The witnesses that were taken back; none where somebody made them unreadable."""
    try:
        return read_strikes(view_of(connection))
    except (ValueError, TypeError, OverflowError, OSError) as error:
        faults.add(AuditCheck.OUTSIDE, "table witness_strike", f"it cannot be read: {printable(str(error))}")
        return ()


def _origin(connection: Connection) -> str | None:
    """The ledger's name; None where it has none, or what stands there is no text."""
    found = fetch(connection, 'SELECT "name" FROM origin')
    return found[0][0] if found and isinstance(found[0][0], str) else None


def _rounded(connection: Connection) -> dict[str, str]:
    """The sources whose readings are rounded as it stands, with the reason."""
    query = (
        "SELECT reading_source.name, reading_rounding.rounds, reading_rounding.reason FROM reading_rounding"
        " JOIN reading_source ON reading_source.key = reading_rounding.source ORDER BY reading_rounding.key"
    )
    stated = {str(name): (bool(rounds), str(reason)) for name, rounds, reason in fetch(connection, query)}
    return {name: reason for name, (rounds, reason) in stated.items() if rounds}


def _records(connection: Connection) -> int:
    found = fetch(connection, "SELECT first_record + records - 1 FROM batch ORDER BY sequence DESC LIMIT 1")
    return found[0][0] if found and isinstance(found[0][0], int) else 0


def open_readonly(target: str) -> Engine:
    """The ledger at a path or URL, to be read and nothing else: a file on a medium that cannot be written will do.

    Raises ``AzlicError`` where there is none or it cannot be read, ``OlderSchema`` where it has to be
    brought up to date first.
    """
    if "://" in target:
        return open_ledger(target)
    path = Path(target).absolute()
    if not path.exists():
        raise AzlicError(f"there is no ledger at {path}", hint="name it with --database")
    refuse_special_files(path)

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None)

    engine = create_engine(URL.create("sqlite", database=str(path)), creator=connect)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    with reading(engine) as connection:
        _refuse_others(connection, path)
    return engine


def _refuse_others(connection: Connection, path: Path) -> None:
    check_revision(stated_revision(connection), str(path), tables_of(connection))
    check_kind(connection.exec_driver_sql(STATED_KIND).scalars(), StoreKind.SITE, str(path))
