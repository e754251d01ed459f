"""Subtotals: what a report shows of a plan, or of use on none, by site and by the resource it was used under."""

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

By = Literal["site", "resource"]


class Part(NamedTuple):
    """What was used at a site under a resource, empty where that is not known: amounts of one unit, span by span."""

    site: str
    resource: str
    records: int
    amounts: tuple[int, ...]


class Subtotal(NamedTuple):
    """What several parts come to: their records, and the sum of each span."""

    records: int
    amounts: tuple[int, ...]


class Subtotals(NamedTuple):
    """The same parts added up twice: by their sites and by their resources. Both come to the whole exactly."""

    sites: Mapping[str, Subtotal]
    resources: Mapping[str, Subtotal]

    @property
    def told(self) -> list[tuple[By, Mapping[str, Subtotal]]]:
        """Those worth telling: of several sites or resources, or of one with a name."""
        both: list[tuple[By, Mapping[str, Subtotal]]] = [("site", self.sites), ("resource", self.resources)]
        return [(by, sums) for by, sums in both if len(sums) > 1 or any(sums)]


def subtotals(parts: Iterable[Part]) -> Subtotals:
    """The parts added up."""
    sites: dict[str, Subtotal] = {}
    resources: dict[str, Subtotal] = {}
    for part in parts:
        for sums, name in ((sites, part.site), (resources, part.resource)):
            known = sums.get(name, Subtotal(0, (0,) * len(part.amounts)))
            amounts = tuple(one + other for one, other in zip(known.amounts, part.amounts, strict=True))
            sums[name] = Subtotal(known.records + part.records, amounts)
    return Subtotals(_in_order(sites), _in_order(resources))


def _in_order(sums: Mapping[str, Subtotal]) -> dict[str, Subtotal]:
    return {name: sums[name] for name in sorted(sums)}
