"""SQLite as SQLAlchemy speaks it here: each value that is read is held against the type of its column.

SQLite keeps any value in any column, so a file that somebody edited gives bytes for a name and fractions for counts.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Boolean, Dialect, Integer, LargeBinary, String
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

DRIVER = "sqlite+azlic"
"""The name under which an engine is made that reads so."""

COMPILED: LRUCache[Any, Any] = LRUCache(1000)
"""The statements as text, for all engines of a process: a ledger that is opened for a moment is looked into often."""

_Value = TypeVar("_Value")
_Held = Callable[[object], _Value | None]


def _held(kind: type[_Value]) -> _Held[_Value]:
    def held(value: object) -> _Value | None:
        if value is None or type(value) is kind:
            return value
        raise TypeError(f"{type(value).__name__} where {kind.__name__} belongs")

    return held


_text, _whole, _bytes = _held(str), _held(int), _held(bytes)


def _truth(value: object) -> bool | None:
    whole = _whole(value)
    return None if whole is None else bool(whole)


class _Text(String):
    def result_processor(self, dialect: Dialect, coltype: object) -> _Held[str]:  # noqa: ARG002
        return _text


class _Integer(Integer):
    def result_processor(self, dialect: Dialect, coltype: object) -> _Held[int]:  # noqa: ARG002
        return _whole


class _Bytes(LargeBinary):
    def result_processor(self, dialect: Dialect, coltype: object) -> _Held[bytes]:  # noqa: ARG002
        return _bytes


class _Boolean(Boolean):
    def result_processor(self, dialect: Dialect, coltype: object) -> _Held[bool]:  # noqa: ARG002
        return _truth


class HoldingDialect(SQLiteDialect_pysqlite):
    """SQLite by Python's own driver, with values held to their columns' types: another raises ``TypeError``."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        """All of a process make the same of a statement, so that what is in ``COMPILED`` serves every engine."""
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))

    colspecs = SQLiteDialect_pysqlite.colspecs | {
        String: _Text,
        Integer: _Integer,
        LargeBinary: _Bytes,
        Boolean: _Boolean,
    }


registry.register(DRIVER.replace("+", "."), __name__, HoldingDialect.__name__)
