"""The layers of a PDF, its optional content, as a viewer shows them at first: ISO 32000-2, 8.11.

PDFium goes by them for what a page draws, and not for the annotations on it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, PdfObject

_DEEPEST = 99


@dataclass(frozen=True)
class PdfLayers:
    """Which groups are on and off by the default configuration, and which are by what they say of viewing."""

    on_at_first: bool
    on: frozenset[int]
    off: frozenset[int]
    by_usage: frozenset[int]

    @classmethod
    def of(cls, catalogue: DictionaryObject) -> "PdfLayers | None":
        """The layers that a catalogue speaks of; ``None`` where it speaks of none."""
        if not (properties := _dictionary(catalogue, "/OCProperties")):
            return None
        default = _dictionary(properties, "/D")
        uses = [use for use in map(_resolved, _items(default, "/AS")) if use.get("/Event") == "/View"]
        return cls(
            on_at_first=default.get("/BaseState") != "/OFF",
            on=_numbers(_items(default, "/ON")),
            off=_numbers(_items(default, "/OFF")),
            by_usage=_numbers(group for use in uses for group in _items(use, "/OCGs")),
        )

    def hidden_on(self, page: DictionaryObject) -> Iterable[int]:
        """The places of a page's annotations that are not shown."""
        for place, annotation in enumerate(map(_resolved, _items(page, "/Annots"))):
            if "/OC" in annotation and not self._shows(annotation.raw_get("/OC")):
                yield place

    def _shows(self, content: PdfObject) -> bool:
        told = _resolved(content)
        if told.get("/Type") != "/OCMD":
            return self._is_on(content)
        if expression := _items(told, "/VE"):
            return self._holds(expression, 0)
        members = _items(told, "/OCGs") or [told.raw_get("/OCGs")]
        states = [self._is_on(member) for member in members]
        policies = {"/AllOn": all(states), "/AnyOff": not all(states), "/AllOff": not any(states)}
        return policies.get(str(told.get("/P")), any(states))

    def _holds(self, expression: list[PdfObject], depth: int) -> bool:
        if depth > _DEEPEST:
            raise RecursionError
        operator, *operands = expression
        states = [
            self._holds(list(inner), depth + 1) if isinstance(inner, ArrayObject) else self._is_on(operand)
            for operand in operands
            for inner in [operand.get_object()]
        ]
        results = {"/Not": not states[0], "/And": all(states), "/Or": any(states)}
        return results[str(operator)]

    def _is_on(self, group: PdfObject) -> bool:
        number = group.idnum if isinstance(group, IndirectObject) else 0
        if number in self.by_usage:
            view = _dictionary(_dictionary(_resolved(group), "/Usage"), "/View")
            if "/ViewState" in view:
                return str(view["/ViewState"]) != "/OFF"
        return number not in self.off and (self.on_at_first or number in self.on)


def _dictionary(holder: DictionaryObject, key: str) -> DictionaryObject:
    return _resolved(holder.raw_get(key)) if key in holder else DictionaryObject()


def _items(holder: DictionaryObject, key: str) -> list[PdfObject]:
    value = holder.raw_get(key).get_object() if key in holder else None
    return list(value) if isinstance(value, ArrayObject) else []


def _resolved(thing: PdfObject) -> DictionaryObject:
    value = thing.get_object()
    return value if isinstance(value, DictionaryObject) else DictionaryObject()


def _numbers(references: Iterable[PdfObject]) -> frozenset[int]:
    return frozenset(reference.idnum for reference in references if isinstance(reference, IndirectObject))
