"""Names of usage files: as a container writes them, and as they are rotated, dated, compressed or put aside.

A name decides only what a file's content leaves open (``usage.records.output_scan``): a file of such a name is taken
even if no record is in it, so that what is wrong with its lines is said.
"""

import re
from pathlib import Path

_NAME = re.compile(
    r"(?P<base>.*\.(?:jsonl|ndjson))"
    r"(?P<rest>(?:[.\-_](?:\d[\dtz:]*|gz|gzip|bz2|xz|lzma|zst|zstd|old|bak|orig|save|prev)|~)*)",
    re.IGNORECASE | re.DOTALL,
)
_COMPRESSED = re.compile(r"\.(?:gz|gzip|bz2|xz|lzma|zst|zstd)(?:[.\-_]\d|$)", re.IGNORECASE)
_TURN = re.compile(r"([.\-_])(\d[\dtz:]*)", re.IGNORECASE)
_DATE_FROM = 1000
"""A smaller number behind a name counts rotations: the larger, the older. From here on it is a date."""

_LOG = re.compile(r"\.log(?:[.\-_]|$)", re.IGNORECASE)
SPOOL_NAME = "billing.spool"
"""What a connected container reports to its billing endpoint, in its folder: sums of the records beside it."""
_BESIDE_DATABASE = ("-journal", "-wal", "-shm", ".lock")


def has_usage_name(path: Path) -> bool:
    """Whether a name is that of a usage file: ``.jsonl``, ``.jsonl.1``, ``.jsonl-20260802.gz``, ``.ndjson.bak``."""
    return _NAME.fullmatch(path.name) is not None


def has_compressed_name(path: Path) -> bool:
    """Whether a name promises compressed content: ``.gz``, ``.xz.1``."""
    return _COMPRESSED.search(path.name) is not None


def has_other_name(path: Path) -> bool:
    """Whether a name is that of something else: a log, a container's reports, or what belongs to a database."""
    return is_log(path) or path.name == SPOOL_NAME or path.name.endswith(_BESIDE_DATABASE)


def is_log(path: Path) -> bool:
    """Whether a name is that of a log: ``.log``, ``.log.1``."""
    return _LOG.search(path.name) is not None


def by_age(path: Path) -> tuple[Path, str, bool, list[int], str]:
    """A key that sorts paths, and the rotated files of one name from the oldest to the one that is written."""
    parts = _NAME.fullmatch(path.name)
    if parts is None:
        return path.parent, path.name, False, [], path.name
    ages: list[int] = []
    for separator, turn in _TURN.findall(parts["rest"]):
        numbers = [int(number) for number in re.findall(r"\d+", turn)]
        in_date = len(numbers) > 1 or numbers[0] >= _DATE_FROM or (ages[-1:] > [0] and separator != ".")
        ages += numbers if in_date else [-number for number in numbers]
    return path.parent, parts["base"], not parts["rest"], ages, path.name
