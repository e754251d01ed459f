"""The query of a request for work, in the one form that is read: each name as it is documented, each value once."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from difflib import get_close_matches
from urllib.parse import parse_qsl, urlencode

from engines.server.errors import INVALID_ARGUMENT, WorkRefused

MOST = 100
"""So many parameters are looked at: each that is unknown is compared with those that are known."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """The documented ``names``, in any case.

    ``several`` may be given more than once; values of ``in_any_case`` are read in small letters. ``meant`` are other
    names by their letters, and which of ours was meant: what they ask for would be charged, and not done.
    """

    names: tuple[str, ...]
    several: Set[str] = frozenset()
    in_any_case: Set[str] = frozenset()
    meant: Mapping[str, str] = field(default_factory=dict)

    def documented(self, query: bytes) -> bytes:
        """The query with the documented names and values, without those that are empty or that nobody here knows.

        Raises ``WorkRefused`` for a parameter that is given more than once and may not be, for a name that is nearly
        one of ours, and for more than ``MOST``.
        """
        return urlencode(list(self._told(query))).encode()

    def _told(self, query: bytes) -> Iterator[tuple[str, str]]:
        known, seen = {name.lower(): name for name in self.names}, set[str]()
        try:
            given = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MOST)
        except ValueError as error:
            words = f"there are more than {MOST} parameters"
            raise _refused(words, hint=f"known are {', '.join(self.names)}") from error
        for written, text in given:
            name, value = known.get(written.lower()), text.strip()
            if name is None:
                self._check_stranger(written, known)
            if name is None or not value:
                continue
            if name in seen and name not in self.several:
                raise _refused(f"{name} is given more than once", hint="give it once, or leave it out")
            seen.add(name)
            yield name, value.lower() if name in self.in_any_case else value

    def _check_stranger(self, written: str, known: Mapping[str, str]) -> None:
        """Refuse a name that was meant to be one of ours."""
        letters = "".join(letter for letter in written.lower() if letter.isalpha())
        meant = {**self.meant} | {name.lower(): name for name in self.names if name.isalpha()}
        found = meant.get(letters) or next(iter(get_close_matches(written.lower(), known, n=1, cutoff=0.85)), None)
        if found:
            raise _refused(
                f"there is no parameter {written[:40]}", hint=f"{known.get(found, found)} was probably meant"
            )


def _refused(message: str, *, hint: str) -> WorkRefused:
    return WorkRefused(INVALID_ARGUMENT, 400, message, hint=hint)
