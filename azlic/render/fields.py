"""JSON for scripts: every type of value is written in one way, whichever command it comes from."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import singledispatch
from pathlib import PurePath

from pydantic import BaseModel

from licensing.core.instants import iso
from licensing.core.text import json_escaped, sendable

Scalar = None | bool | int | float | Decimal | str
Plain = Scalar | list["Plain"] | dict[str, "Plain"]


@singledispatch
def plain(value: object) -> Plain:
    """The value as JSON has it: instants in ISO 8601, paths as text, digests in hex, tuples by the names they have.

    Raises ``TypeError`` for a type that nobody thought of: what is not meant to be shown is not shown.
    """
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"{type(value).__name__} has no form in JSON")
    if type(value).__str__ is not object.__str__:
        return str(value)  # it has a written form of its own, as a month has
    return {field.name: plain(getattr(value, field.name)) for field in fields(value)}


@plain.register(type(None))
@plain.register(int)
@plain.register(float)
@plain.register(Decimal)
def _scalar(value: Scalar) -> Plain:
    return value


@plain.register
def _text(value: str) -> Plain:
    """Text that any reader of JSON takes: of a name that is no UTF-8, the bytes are escaped."""
    return sendable(value)


@plain.register
def _enum(value: Enum) -> Plain:
    return plain(value.value)


@plain.register
def _instant(value: datetime) -> Plain:
    return iso(value)


@plain.register
def _date(value: date) -> Plain:
    return value.isoformat()


@plain.register
def _path(value: PurePath) -> Plain:
    return sendable(str(value))


@plain.register
def _digest(value: bytes) -> Plain:
    return value.hex()


@plain.register
def _model(value: BaseModel) -> Plain:
    """A signed document; the content keys, which are the secrets of a license, are left out."""
    return plain(value.model_dump(mode="json", exclude={"content_keys"}))


@plain.register(Mapping)
def _mapping(value: Mapping[object, object]) -> Plain:
    return {str(plain(key)): plain(item) for key, item in value.items()}


@plain.register(Iterable)
def _items(value: Iterable[object]) -> Plain:
    named = getattr(value, "_asdict", None)
    return plain(named()) if named else [plain(item) for item in value]


def json_text(document: object, *, indented: bool = True, ascii_only: bool = False) -> str:
    """The document as JSON; numbers are written with all their digits, which a float would not keep.

    What cannot be printed, as a character that turns a terminal's text round, is an escape in it.
    """
    return json_escaped("".join(_write(plain(document), "\n" if indented else "", ascii_only)))


def _write(value: Plain, line: str, ascii_only: bool) -> Iterator[str]:
    """``line`` is what a line begins with; empty where all stands on one line."""
    if isinstance(value, dict) and value:
        yield from _write_parts(
            ((f"{json.dumps(key, ensure_ascii=ascii_only)}: ", value[key]) for key in value), "{}", line, ascii_only
        )
    elif isinstance(value, list) and value:
        yield from _write_parts((("", item) for item in value), "[]", line, ascii_only)
    else:
        yield str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=ascii_only)


def _write_parts(parts: Iterable[tuple[str, Plain]], brackets: str, line: str, ascii_only: bool) -> Iterator[str]:
    inner = f"{line}  " if line else ""
    before = brackets[0] + inner
    for name, item in parts:
        yield before + name
        yield from _write(item, inner, ascii_only)
        before = f",{inner}" if inner else ", "
    yield line + brackets[1]
