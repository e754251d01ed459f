"""An engine as its container sees it: what it is, what it is given, and what it gives."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from licensing.containers import ContainerType

if TYPE_CHECKING:  # an engine begins to load before the web framework does
    from fastapi import APIRouter

    from engines.metering.meter import Meter
    from engines.server.errors import Refusal


@dataclass(frozen=True, slots=True)
class EngineImage:
    """One kind of container of ours, as a license knows it: its type, its version, and its model once it is loaded."""

    kind: ContainerType
    version: str
    model: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Facilities:
    """What a container gives its engine: ``admit`` says why no work may be taken in, or None while it may.

    ``options`` are those that only this engine takes, by their keys, as far as they were given.
    """

    admit: "Callable[[], Refusal | None]"
    meter: "Meter"
    clock: Callable[[], datetime]
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Engine(EngineImage):
    """An image whose engine is loaded, and what makes its routes.

    ``meters`` are those it counts on, each with the ``apiType`` of its records: meters of its kind, because no plan
    would hold another. ``close`` lets go of what the engine holds.
    """

    meters: Mapping[str, str]
    routes: "Callable[[Facilities], APIRouter]"
    close: Callable[[], None]

    def __post_init__(self) -> None:
        if unknown := self.meters.keys() - set(self.kind.meters):
            raise ValueError(f"a {self.kind.name} container has no meter {', '.join(sorted(unknown))}")
