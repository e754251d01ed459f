"""Series: what the records of one container and meter share, under one key."""

from sqlalchemy import Connection, insert

from licensing.db.schema import rows_of
from usage.ledger.canonical import Labels
from usage.ledger.tables.records import SeriesRow
from usage.records.record import LABEL_LENGTH, BadLine


class SeriesBook:
    """The keys of all series, as one writer knows them; ``new`` are those that the batch in hand introduces."""

    def __init__(self, connection: Connection) -> None:
        self.keys: dict[Labels, int] = {
            (row.container_id, row.meter, row.container_version, row.container_type, row.api_type, row.site): row.key
            for row in rows_of(connection, SeriesRow)
        }
        self.new: list[tuple[int, Labels]] = []

    def add(self, labels: Labels) -> int:
        """A key for labels that have none yet. Raises ``BadLine`` for a name that cannot be shown to people."""
        for label in labels[:-1]:
            if not 1 <= len(label) <= LABEL_LENGTH or not label.isprintable():
                raise BadLine("a name in it is empty, too long or cannot be printed")
        key = len(self.keys) + 1
        self.keys[labels] = key
        self.new.append((key, labels))
        return key

    def save(self, connection: Connection, *, batch: int) -> None:
        """Store what is new, as introduced by ``batch``."""
        if self.new:
            connection.execute(insert(SeriesRow), [_row(key, labels, batch) for key, labels in self.new])


def _row(key: int, labels: Labels, batch: int) -> dict[str, object]:
    container, meter, version, kind, api, site = labels
    return {
        "key": key,
        "container_type": kind,
        "container_version": version,
        "container_id": container,
        "meter": meter,
        "api_type": api,
        "site": site,
        "batch": batch,
    }
