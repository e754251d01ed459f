"""Which pages to read: the ``pages`` option."""

import re

from engines.read.refusal import Code, DocumentRefused

# ASCII digits only, and few enough that no number is worth an attack.
_PART = r"([0-9]{1,6})(?:(-)([0-9]{1,6})?)?"
_RANGE = re.compile(_PART)
PATTERN = rf"^ *{_PART} *(, *{_PART} *)*$"
"""What can be a selection of some document's pages."""


def select_pages(wanted: str | None, page_count: int) -> list[int]:
    """Turn ``1,3-4`` or ``5-`` into page numbers, rising, each of them once; ``None`` means every page.

    Raises ``Refused`` (InvalidPageRange) for anything else, for page 0, a range that runs backwards, and a
    page the document does not have.
    """
    if wanted is None:
        return list(range(1, page_count + 1))
    numbers: set[int] = set()
    for part in wanted.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise _invalid(f"pages={wanted[:100]} cannot be read")
        first = int(match[1])
        last = int(match[3] or page_count) if match[2] else first
        if not 1 <= first <= last <= page_count:
            raise _invalid(f"pages={part.strip()} does not fit a document of {page_count} pages")
        numbers.update(range(first, last + 1))
    return sorted(numbers)


def _invalid(message: str) -> DocumentRefused:
    return DocumentRefused(Code.INVALID_PAGE_RANGE, message, hint="write pages=1,3-4 or pages=5-, counted from 1")
