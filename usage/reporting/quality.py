"""Quality: how sound the numbers of the ledger are."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from usage.ledger.tables.records import FindingRow, GapRow, QuarantineRow, SourceRow


@dataclass(frozen=True, slots=True)
class Quality:
    """Everything that was kept out of the numbers, and every doubt about their sources.

    ``quarantined``, ``conflicts`` and ``findings`` wait for somebody to look into them; ``settled`` (lines kept apart)
    and ``settled_findings`` do not any more. ``missing_records`` of chained containers have not arrived to this day.
    """

    quarantined: int
    conflicts: int
    settled: int
    pending_bytes: int
    findings: Mapping[str, int]
    settled_findings: int
    missing_records: int
    vanished: int
    unmapped_meters: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Whether there is nothing to look into."""
        return not (
            self.quarantined
            or self.conflicts
            or self.pending_bytes
            or self.findings
            or self.vanished
            or self.unmapped_meters
        )


def quality_of(connection: Connection, unmapped_meters: tuple[str, ...]) -> Quality:
    """The ledger's quality as it stands."""
    kept = {
        row.kind: row
        for row in connection.execute(
            select(
                QuarantineRow.kind,
                func.count().filter(QuarantineRow.settled_at.is_(None)).label("waiting"),
                func.count(QuarantineRow.settled_at).label("settled"),
            ).group_by(QuarantineRow.kind)
        )
    }
    waiting = select(FindingRow.kind, func.count().label("number")).where(FindingRow.settled_at.is_(None))
    found = connection.execute(waiting.group_by(FindingRow.kind).order_by(FindingRow.kind))
    pending, vanished = connection.execute(
        select(
            func.coalesce(func.sum(SourceRow.pending).filter(SourceRow.vanished_at.is_(None)), 0),
            func.count(SourceRow.vanished_at),
        )
    ).one()
    return Quality(
        quarantined=kept["bad-line"].waiting if "bad-line" in kept else 0,
        conflicts=kept["conflict"].waiting if "conflict" in kept else 0,
        settled=sum(row.settled for row in kept.values()),
        pending_bytes=int(pending),
        findings={row.kind: row.number for row in found},
        settled_findings=connection.execute(select(func.count(FindingRow.settled_at))).scalar_one(),
        missing_records=int(
            connection.execute(select(func.coalesce(func.sum(GapRow.last - GapRow.first + 1), 0))).scalar_one()
        ),
        vanished=vanished,
        unmapped_meters=unmapped_meters,
    )
