"""A measured figure, as `scripts/bench` prints it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured number and the bar it is held to: at most, or at least."""

    name: str
    value: float
    bar: float
    at_most: bool
    unit: str
    note: str = ""

    def row(self) -> str:
        met = self.value <= self.bar if self.at_most else self.value >= self.bar
        sign = "<=" if self.at_most else ">="
        verdict = "ok" if met else "short"
        figure, bar = f"{self.value:>8.2f} {self.unit:<2}", f"{sign} {self.bar:>6.2f}"
        return f"{self.name:<28} | {figure} | {bar} | {verdict:<5} | {self.note}"
