"""What is known of the places of use that rules ask for: the resource of a container, and its output folder.

A resource is what the operator stated of the licenses of that type of container, where they all name the same one;
that of a connected container is the one it reports to. An output folder is the one that a container's usage files lie
in, where they all lie in the same.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from licensing.containers import CONTAINER_TYPES
from licensing.db.readonly import ReadOnlyConnection
from usage.ledger.source_kinds import ON_DISK, SourceKind, output_folder_of
from usage.plans.model import Rule
from usage.plans.rules import Place, weigh

Labels = tuple[str, str, str]
"""Site, container type and container id."""


@dataclass(frozen=True, slots=True)
class Places:
    """What is known of containers: ``stated`` as it was frozen, else by type and by id, as far as that is one thing."""

    stated: Mapping[Labels, tuple[str, str]] | None = None
    resources: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)

    def of(self, site: str, container_type: str, container_id: str) -> Place:
        """The place of a container."""
        labels = site, container_type, container_id
        if self.stated is not None:
            return Place(*labels, *self.stated.get(labels, ("", "")))
        if SourceKind.CONNECTED.is_of(site):
            return Place(*labels, site.removeprefix(SourceKind.CONNECTED))
        if site:
            return Place(*labels)  # what another site's licenses and folders are is not known here
        return Place(*labels, self.resources.get(container_type, ""), self.outputs.get(container_id, ""))


def read_places(connection: ReadOnlyConnection) -> Places:
    """The places as they are known now."""
    resources: dict[str, set[str]] = defaultdict(set)
    query = "SELECT container_type, resource FROM adopted_license"
    for container_type, resource in connection.select(_pair, query):
        resources[container_type].add(resource)
    return Places(None, _single(resources), _single(_folders(connection)))


def read_container_types(connection: ReadOnlyConnection) -> frozenset[str]:
    """The types of container that are known, from the catalogue and from what was used; no id of a container."""
    used = connection.select(_pair, "SELECT DISTINCT container_type, container_id FROM series")
    ids = {container_id for _, container_id in used}
    return frozenset(CONTAINER_TYPES).union(name for name, _ in used).difference(ids)


def find_idle(connection: ReadOnlyConnection, rules: Iterable[Rule], places: Places | None = None) -> frozenset[Rule]:
    """Those of the rules that decide nothing of what was used so far; ``places`` where they are read already."""
    waiting = set(rules)
    if waiting:
        known = read_places(connection) if places is None else places
        query = "SELECT DISTINCT site, container_type, container_id FROM series"
        used = connection.select(known.of, query)
        waiting = {rule for rule in waiting if not any(weigh(rule, place) for place in used)}
    return frozenset(waiting)


def _folders(connection: ReadOnlyConnection) -> dict[str, set[str]]:
    folders: dict[str, set[str]] = defaultdict(set)
    for path in connection.select(str, f"SELECT path FROM source WHERE {ON_DISK}"):  # noqa: S608
        folders[PurePosixPath(path).parent.name].add(output_folder_of(path))
    query = (
        "SELECT DISTINCT series.container_id, source.path FROM series JOIN batch ON batch.sequence = series.batch"  # noqa: S608
        f" JOIN source ON source.key = batch.source WHERE {ON_DISK}"
    )
    for container_id, path in connection.select(_pair, query):
        folders[container_id].add(output_folder_of(path))
    return folders


def read_frozen_places(connection: ReadOnlyConnection) -> dict[int, Places]:
    """The places as they were frozen, by the number of the month that was closed."""
    query = (
        "SELECT closed_place.month, series.site, series.container_type, series.container_id, closed_place.resource,"
        " closed_place.output FROM closed_place JOIN series ON series.key = closed_place.series"
    )
    found: dict[int, dict[Labels, tuple[str, str]]] = defaultdict(dict)
    for month, labels, known in connection.select(_frozen, query):
        found[month][labels] = known
    return {month: Places(stated) for month, stated in found.items()}


def _single(found: Mapping[str, set[str]]) -> dict[str, str]:
    return {key: next(iter(values)) for key, values in found.items() if len(values) == 1}


def _pair(one: str, other: str | None) -> tuple[str, str]:
    return one, other or ""


def _frozen(  # noqa: PLR0917 - the columns of a row
    month: int, site: str, container_type: str, container_id: str, resource: str, output: str
) -> tuple[int, Labels, tuple[str, str]]:
    return month, (site, container_type, container_id), (resource, output)
