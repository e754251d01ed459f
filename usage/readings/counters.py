"""Cumulative counters: what each reading of a month adds to the one before it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from licensing.db.inserts import upsert
from usage.ledger.tables.records import CounterRow


@dataclass(frozen=True, slots=True)
class Step:
    """How one meter's counter moved, in millionths. ``epoch`` is the one that ``value`` belongs to."""

    meter: str
    epoch: int
    before: int
    value: int

    @property
    def fell(self) -> bool:
        """Whether the counter started again, as it does on a fresh mount."""
        return self.value < self.before

    @property
    def increase(self) -> int:
        """What was used in between: all of a counter that started again."""
        return self.value if self.fell else self.value - self.before


class Counters:
    """The counters of one source's month: of each meter the epoch and the value."""

    def __init__(self, standing: Mapping[str, tuple[int, int]] | None = None) -> None:
        self.standing = dict(standing or {})

    def advance(self, charges: Mapping[str, int], refused: Collection[str] = ()) -> list[Step]:
        """Move on to a reading; the counters that moved, by meter. One that is missing now has fallen to 0.

        Those that were ``refused`` stay where they are.
        """
        steps: list[Step] = []
        for meter in sorted({*self.standing, *charges}.difference(refused)):
            epoch, before = self.standing.get(meter, (1, 0))
            value = charges.get(meter, 0)
            if value != before:
                step = Step(meter, epoch + (value < before), before, value)
                self.standing[meter] = (step.epoch, value)
                steps.append(step)
        return steps


def load_counters(connection: Connection, source: int, month: int) -> Counters:
    """The counters of a source's month as the ledger has them."""
    query = select(CounterRow.meter, CounterRow.epoch, CounterRow.quantity).where(
        CounterRow.source == source, CounterRow.month == month
    )
    return Counters({meter: (epoch, quantity) for meter, epoch, quantity in connection.execute(query)})


def save_counters(connection: Connection, source: int, month: int, steps: Iterable[Step]) -> None:
    """Keep in the ledger where these steps lead."""
    for step in steps:
        key = {"source": source, "month": month, "meter": step.meter}
        values = {"epoch": step.epoch, "quantity": step.value}
        statement = upsert(connection, CounterRow).values(key | values)
        connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values))


def sum_of_months(connection: Connection, source: int) -> dict[str, int]:
    """The sum of a source's months, by meter, in millionths."""
    query = (
        select(CounterRow.meter, func.sum(CounterRow.quantity))
        .where(CounterRow.source == source)
        .group_by(CounterRow.meter)
    )
    return {meter: int(quantity) for meter, quantity in connection.execute(query)}
