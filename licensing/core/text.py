"""Text that comes from outside, shown without harm: on a screen, and as one word of a command."""

import os
import re
import shlex
import string

OUTSIDE_LENGTH = 300
_SECRET_PIECE = 8
_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_PLAIN = frozenset(string.ascii_letters + string.digits + "/._-+=:,@ ")


def printable(value: object) -> str:
    """A name as a terminal may show it, and a database hold it: unprintable characters are escaped."""
    text = str(value)
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def counted(count: int, one: str, several: str = "") -> str:
    """So many of something, in words: ``1 license``, ``2 licenses``; ``several`` where it is not one with an s."""
    return f"{count:,} {plural(count, one, several)}"


def plural(count: int, one: str, several: str = "") -> str:
    """The word for one of something, or for several, as for none."""
    return one if abs(count) == 1 else several or f"{one}s"


def from_outside(value: object, *, secret: str = "", length: int = OUTSIDE_LENGTH) -> str:
    """What another side said, for messages and logs: printable, cut to ``length``, without the secret it was sent.

    Every eight characters in a row that are also in the secret are struck out, in either case: a proxy may have cut
    it, or folded it to lower case. A secret of less than eight is struck out where it stands whole.
    """
    text = "".join(filter(str.isprintable, str(value)))
    return (_strike(text[: length + len(secret)], secret) if secret else text)[:length]


def _strike(text: str, secret: str) -> str:
    size = min(_SECRET_PIECE, len(secret))
    hidden = secret.translate(_ASCII_LOWER)
    pieces = {hidden[at : at + size] for at in range(len(hidden) - size + 1)}
    said = text.translate(_ASCII_LOWER)
    shown: list[str] = []
    struck_to = 0
    for at, letter in enumerate(text):
        if said[at : at + size] in pieces:
            if struck_to <= at:
                shown.append("[secret]")
            struck_to = at + size
        elif at >= struck_to:
            shown.append(letter)
    return "".join(shown)


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
    """A path as one word of ``sh``; what cannot be printed goes through printf, whose octal escapes POSIX has.

    The shell drops newlines at the end of what printf prints: those follow it as they are.
    """
    path = path if path.startswith(("/", "./", "../")) else f"./{path}"  # never an option
    if path.isprintable():
        return shlex.quote(path)
    begin = path.rstrip("\n")
    escaped = "".join(_octal(byte) for byte in os.fsencode(begin))
    return f"\"$(printf '{escaped}'){path[len(begin) :]}\""


def _octal(byte: int) -> str:
    return chr(byte) if chr(byte) in _PLAIN else f"\\{byte:03o}"
