"""The query of a document, in the one form that is read: each name as it is documented, each value once."""

from collections.abc import Iterator
from difflib import get_close_matches
from urllib.parse import parse_qsl, urlencode

from engines.read.refusal import Code, DocumentRefused

NAMES = ("language", "pages", "readingOrder", "model-version")
_SEVERAL = "pages"
_IN_ANY_CASE = ("readingOrder", "model-version")
_KNOWN = {name.lower(): name for name in NAMES}
_MEANT = {
    "lang": "language",
    "languages": "language",
    "locale": "language",
    "page": "pages",
    "pagerange": "pages",
    "order": "readingOrder",
    "modelversion": "model-version",
} | {name.lower(): name for name in NAMES if name.isalpha()}
"""Names that were meant to be one of ours, by their letters: what they ask for would be charged, and not done."""


def documented(query: bytes) -> bytes:
    """The query with the documented names and values, without those that are empty or that nobody here knows.

    Raises ``DocumentRefused`` for a parameter that is given more than once, but for ``pages``, and for a name that is
    nearly one of ours.
    """
    return urlencode(list(_told(query))).encode()


def _told(query: bytes) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for written, text in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        name, value = _KNOWN.get(written.lower()), text.strip()
        if name is None:
            _check_stranger(written)
        if name is None or not value:
            continue
        if name in seen and name != _SEVERAL:
            raise _refused(f"{name} is given more than once", hint="give it once, or leave it out")
        seen.add(name)
        yield name, value.lower() if name in _IN_ANY_CASE else value


def _check_stranger(written: str) -> None:
    """Refuse a name that was meant to be one of ours."""
    letters = "".join(letter for letter in written.lower() if letter.isalpha())
    meant = _MEANT.get(letters) or next(iter(get_close_matches(written.lower(), _KNOWN, n=1, cutoff=0.85)), None)
    if meant:
        raise _refused(f"there is no parameter {written[:40]}", hint=f"{_KNOWN.get(meant, meant)} was probably meant")


def _refused(message: str, *, hint: str) -> DocumentRefused:
    return DocumentRefused(Code.INVALID_ARGUMENT, message, hint=hint)
