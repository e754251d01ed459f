"""Versions of images, compared as numbers."""

from itertools import takewhile


def version_key(version: str) -> tuple[int, ...]:
    """The numbers a version begins with, trailing zeros gone, so that ``3.2-model`` and ``3.2.0`` compare equal.

    Raises ``ValueError`` where a version begins with no number, as ``latest`` does.
    """
    numbers: list[int] = []
    for part in version.split("."):
        digits = "".join(takewhile("0123456789".__contains__, part))
        if digits:
            numbers.append(int(digits[:18]))
        if not digits or digits != part:
            break
    if not numbers:
        raise ValueError(f"{version!r} does not begin with a version number")
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
