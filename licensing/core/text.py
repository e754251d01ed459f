"""Text that comes from outside, shown without harm: on a screen, and as one word of a command."""

import base64
import json
import os
import re
import shlex
import string
from collections.abc import Iterator
from typing import NamedTuple

OUTSIDE_LENGTH = 300
_SECRET_PIECE = 8
_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_UNSEEN = re.compile(r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_PLAIN = frozenset(string.ascii_letters + string.digits + "/._-+=:,@ ")


def printable(value: object) -> str:
    """A name as a terminal may show it, and a database hold it: unprintable characters are escaped."""
    text = str(value)
    return text if _is_shown(text) else "".join(c if _is_shown(c) else ascii(c)[1:-1] for c in text)


def _is_shown(text: str) -> bool:
    """Whether all of it is seen: Python calls printable what takes no room at all, as U+3164 and what varies a letter.

    Source: Unicode's Default_Ignorable_Code_Point.
    """
    return text.isprintable() and (text.isascii() or not _UNSEEN.search(text))


def json_escaped(written: str) -> str:
    """JSON with an escape in place of each unprintable character in its strings; line ends between values stay."""
    return "\n".join(
        line if _is_shown(line) else "".join(c if _is_shown(c) else _json_escape(c) for c in line)
        for line in written.split("\n")
    )


def _json_escape(char: str) -> str:
    """Half of a surrogate pair, which no reader of JSON takes, as the text that is shown for it elsewhere."""
    return f"\\{ascii(char)[1:-1]}" if "\ud800" <= char <= "\udfff" else json.dumps(char)[1:-1]


def counted(count: int, one: str, several: str = "") -> str:
    """So many of something, in words: ``1 license``, ``2 licenses``; ``several`` where it is not one with an s."""
    return f"{count:,} {plural(count, one, several)}"


def plural(count: int, one: str, several: str = "") -> str:
    """The word for one of something, or for several, as for none."""
    return one if abs(count) == 1 else several or f"{one}s"


def from_outside(value: object, *, secret: str = "", length: int = OUTSIDE_LENGTH) -> str:
    """What another side said, for messages and logs: printable, cut to ``length``, without the secret it was sent.

    Every eight characters in a row that are also in the secret are struck out, in either case: a proxy may have cut
    it, or folded it to lower case. So are eight letters of it with signs between them, encoded for a URL, JSON or HTML,
    in base64, or in hex. A secret of less than eight is struck out where it stands whole.
    """
    text = "".join(filter(_is_shown, str(value)))
    return (_strike(text[: length + len(secret)], secret) if secret else text)[:length]


def _strike(text: str, secret: str) -> str:
    """Strike out every piece of the secret: as it is, and in the spellings that ``_spelt`` and ``_decoded`` know."""
    struck: set[int] = set()
    for letters, hidden in _spelt(text, secret):
        said = "".join(one.char for one in letters)
        size = min(_SECRET_PIECE, len(hidden))
        pieces = {hidden[at : at + size] for at in range(len(hidden) - size + 1)} if hidden else set()
        for at in range(len(said) - size + 1):
            if said[at : at + size] in pieces:
                struck.update(range(letters[at].start, letters[at + size - 1].stop))
    shown = (
        "" if at in struck and at - 1 in struck else "[secret]" if at in struck else letter
        for at, letter in enumerate(text)
    )
    return "".join(shown)


class _Letter(NamedTuple):
    """A letter in lower case, and where in a text it is written."""

    char: str
    start: int
    stop: int


def _spelt(text: str, secret: str) -> Iterator[tuple[list[_Letter], str]]:
    """The letters of a text beside those of a secret: all of them, then without signs, then of its other forms."""
    lower = [_Letter(char, at, at + 1) for at, char in enumerate(text.translate(_ASCII_LOWER))]
    yield lower, secret.translate(_ASCII_LOWER)
    decoded = [one for one in _decoded(lower) if one.char.isalnum()]
    forms = [secret, secret.encode().hex()]
    for shift in range(3):  # base64 takes three bytes at a time: what is before the secret shifts it
        begin, cut = "x" * shift + secret, (0, 2, 3)[shift]
        forms.append(base64.b64encode(begin.encode()).decode().rstrip("=")[cut : len(begin) * 8 // 6])
    for form in forms:
        hidden = "".join(filter(str.isalnum, form.translate(_ASCII_LOWER)))
        if len(hidden) >= _SECRET_PIECE:
            yield decoded, hidden


_ENCODED = re.compile(r"(?:%|=|\\x|\\u00|\\u\{|&#x)0*([0-7][0-9a-f])[;}]?|&#0*([0-9]{2,3});")


def _decoded(letters: list[_Letter]) -> list[_Letter]:
    """The letters, those that are encoded for a URL, JSON, HTML or a mail as what they stand for; three times over."""
    for _ in range(3):
        text = "".join(one.char for one in letters)
        plain: list[_Letter] = []
        at = 0
        for found in _ENCODED.finditer(text):
            code = int(found[1], 16) if found[1] else int(found[2])
            plain += letters[at : found.start()]
            plain.append(_Letter(chr(code).lower(), letters[found.start()].start, letters[found.end() - 1].stop))
            at = found.end()
        if not at:
            break
        letters = plain + letters[at:]
    return letters


def without_password(address: str) -> str:
    """A URL as it may be shown: three stars in place of its password, wherever it stands; other text as it is."""
    scheme, mark, rest = address.partition("://")
    if not mark:
        return address
    place, question, query = rest.partition("?")
    user, at, host = place.rpartition("@")
    name, colon, _ = user.partition(":")
    shown = "&".join(
        re.sub(r"(?i)^([^=]*(?:password|token|secret|key)[^=]*)=.*", r"\1=***", part) for part in query.split("&")
    )
    return f"{scheme}{mark}{name}{':***' if colon else ''}{at}{host}{question}{shown}"


def sendable(text: str) -> str:
    """The text as UTF-8 can hold it: of a name that is none, the bytes are escaped."""
    return "".join(ascii(c)[1:-1] if "\ud800" <= c <= "\udfff" else c for c in text) if _is_broken(text) else text


def _is_broken(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def command_word(path: str) -> str:
    """A path as one word of ``sh``, which is never an option."""
    return name_word(path if re.match(r"[\w/.]", path) else f"./{path}")


def name_word(name: str) -> str:
    """A name as one word of ``sh``; what cannot be printed goes through printf, whose octal escapes POSIX has.

    The shell drops newlines at the end of what printf prints: those follow it as they are.
    """
    if _is_shown(name):
        return shlex.quote(name)
    begin = name.rstrip("\n")
    escaped = "".join(map(_octal, os.fsencode(begin)))
    if begin.startswith("-"):  # printf would take it for an option
        escaped = rf"\{ord('-'):03o}{escaped[1:]}"
    return f"\"$(printf '{escaped}'){name[len(begin) :]}\""


def _octal(byte: int) -> str:
    return chr(byte) if chr(byte) in _PLAIN else f"\\{byte:03o}"
