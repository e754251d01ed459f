"""The layers of a PDF, its optional content, as a viewer shows them at first: ISO 32000-2, 8.11."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, PdfObject

from engines.read.pdf_objects import dictionary, items, resolved

_DEEPEST = 99
_ACTUAL_SIZE = 1.0  # a viewer opens a page at 100 %
_RECOMMENDED = {"/View": "/ViewState", "/Print": "/PrintState", "/Export": "/ExportState"}


@dataclass(frozen=True)
class _Use:
    """Groups that go by what they say of viewing, and by which of their words: ``/View``, ``/Zoom``."""

    groups: frozenset[int]
    categories: tuple[str, ...]


@dataclass(frozen=True)
class PdfLayers:
    """The groups of a PDF, and how its default configuration sets them.

    ``None`` stands for a group or a membership that says nothing of what is shown: one of another intent than the
    configuration's, one that is not listed, a membership of no groups.
    """

    groups: frozenset[int]
    on_at_first: bool
    on: frozenset[int]
    off: frozenset[int]
    uses: tuple[_Use, ...]
    intents: frozenset[str]

    @classmethod
    def of(cls, catalogue: DictionaryObject) -> "PdfLayers | None":
        """The layers that a catalogue speaks of; ``None`` where it speaks of none."""
        if not (properties := dictionary(catalogue, "/OCProperties")):
            return None
        default = dictionary(properties, "/D")
        return cls(
            groups=_numbers(items(properties, "/OCGs")),
            on_at_first=default.get("/BaseState") != "/OFF",
            on=_numbers(items(default, "/ON")),
            off=_numbers(items(default, "/OFF")),
            uses=tuple(_uses(default)),
            intents=_intents(default),
        )

    def hidden_on(self, page: DictionaryObject) -> Iterator[int]:
        """The places of a page's annotations that are not shown."""
        for place, annotation in enumerate(map(resolved, items(page, "/Annots"))):
            looks = dictionary(dictionary(annotation, "/AP"), "/N")
            if "/AS" in annotation:
                looks = dictionary(looks, str(annotation["/AS"])) or looks
            if not all(self.shows(holder.raw_get("/OC")) for holder in (annotation, looks) if "/OC" in holder):
                yield place

    def shows(self, content: PdfObject) -> bool:
        """Whether what belongs to a group, or to a membership of groups, is shown."""
        told = resolved(content)
        if told.get("/Type") != "/OCMD":
            return self._state(content) is not False
        if expression := items(told, "/VE"):
            return self._holds(expression, 0) is not False
        members = items(told, "/OCGs") or ([told.raw_get("/OCGs")] if "/OCGs" in told else [])
        states = [state for state in map(self._state, members) if state is not None]
        if not states:
            return True
        policies = {"/AllOn": all(states), "/AnyOff": not all(states), "/AllOff": not any(states)}
        return policies.get(str(told.get("/P")), any(states))

    def _holds(self, expression: list[PdfObject], depth: int) -> bool | None:
        if depth > _DEEPEST:
            raise RecursionError
        operator, *operands = expression
        states = [
            state
            for operand in operands
            for inner in [operand.get_object()]
            for state in [
                self._holds(list(inner), depth + 1) if isinstance(inner, ArrayObject) else self._state(operand)
            ]
            if state is not None
        ]
        if not states:
            return None
        results = {"/Not": not states[0], "/And": all(states), "/Or": any(states)}
        return results[str(operator)]

    def _state(self, group: PdfObject) -> bool | None:
        number = group.idnum if isinstance(group, IndirectObject) else 0
        told = resolved(group)
        if number not in self.groups or not told or not self._counts(told):
            return None
        usage = dictionary(told, "/Usage")
        said = [
            state
            for use in self.uses
            if number in use.groups
            for category in use.categories
            for state in [_recommended(category, dictionary(usage, category))]
            if state is not None
        ]
        return all(said) if said else number not in self.off and (self.on_at_first or number in self.on)

    def _counts(self, group: DictionaryObject) -> bool:
        return "/All" in self.intents or not self.intents.isdisjoint(_intents(group))


def _uses(configuration: DictionaryObject) -> Iterator[_Use]:
    for use in map(resolved, items(configuration, "/AS")):
        if use.get("/Event") == "/View":
            categories = tuple(map(str, items(use, "/Category")))
            yield _Use(_numbers(items(use, "/OCGs")), categories or ("/View",))


def _recommended(category: str, said: DictionaryObject) -> bool | None:
    """What a group says of itself; ``None`` of what nobody here knows, as the name of who looks at it."""
    if category == "/Zoom" and said:
        return _number(said, "/min", 0) <= _ACTUAL_SIZE < _number(said, "/max", float("inf"))
    state = said.get(_RECOMMENDED.get(category, ""))
    return None if state is None else str(state) != "/OFF"


def _number(holder: DictionaryObject, key: str, usual: float) -> float:
    return float(str(holder[key])) if key in holder else usual


def _intents(holder: DictionaryObject) -> frozenset[str]:
    if "/Intent" not in holder:
        return frozenset(("/View",))
    several = holder["/Intent"]
    return frozenset(map(str, several)) if isinstance(several, ArrayObject) else frozenset((str(several),))


def _numbers(references: Iterable[PdfObject]) -> frozenset[int]:
    return frozenset(reference.idnum for reference in references if isinstance(reference, IndirectObject))
