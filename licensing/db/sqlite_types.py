"""That values from SQLite are of the types of their columns: it keeps any value anywhere, as no azlic writes it.

Only the standard library is needed, and little of it: `azlic verify` reads through this.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice, repeat
from typing import get_args

Run = Callable[[str], Iterable[Sequence[object]]]

_ROWS_AT_ONCE = 1000


def stated_types(make: Callable[..., object]) -> tuple[frozenset[type], ...]:
    """The types that each of a function's or class's arguments may have, by its annotations; a truth value is a number.

    Raises ``TypeError`` for one that does not state them.
    """
    if make in {str, int}:
        return (frozenset({make}),)
    stated = [kind for name, kind in make.__annotations__.items() if name != "return"]
    if not stated:
        raise TypeError(f"{make} does not state the types of what it takes")
    return tuple(frozenset(map(_stored_as, get_args(kind) or [kind])) for kind in stated)


def _stored_as(kind: object) -> type:
    """As what a value of a type, or this very value, is kept: a name of a list as text, a truth value as a number."""
    found = kind if isinstance(kind, type) else type(kind)
    return next((one for one in (str, int, bytes) if issubclass(found, one)), found)


def held_to(wanted: Sequence[frozenset[type]], rows: Iterable[Sequence[object]]) -> Iterator[Sequence[object]]:
    """Rows as they are, while each value is of a type that is wanted of its column; the last counts for what follows.

    Raises ``TypeError`` for another.
    """
    known: set[tuple[type, ...]] = set()
    rows = iter(rows)
    while some := list(islice(rows, _ROWS_AT_ONCE)):
        for kinds in {*map(tuple, map(map, repeat(type), some))} - known:
            for kind, types in zip(kinds, chain(wanted, repeat(wanted[-1])), strict=False):
                if kind not in types:
                    raise TypeError(
                        f"{kind.__name__} where {' or '.join(sorted(one.__name__ for one in types))} belongs"
                    )
            known.add(kinds)
        yield from some


UNEXPECTED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a value that is not expected may end in."""


DAMAGED = "azlic restore FILE puts a backup in its place; azlic audit tells what is left of it"
_DAMAGE = ("malformed", "not a database", "decode to UTF-8", "integer overflow", "disk image", "file is encrypted")


def is_damage(error: BaseException) -> bool:
    """Whether SQLite says that what lies in a file is at fault, not the disk nor who asks."""
    return isinstance(error, sqlite3.Error) and any(sign in str(error) for sign in _DAMAGE)
