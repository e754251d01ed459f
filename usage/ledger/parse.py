"""The lines of a block: records as they will be stored, and everything that is wrong with the others."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import repeat

from usage.ledger.canonical import Row
from usage.ledger.sequences import LATE, Breaks, Chains, Link, Problem
from usage.ledger.series import SeriesBook
from usage.quantity import MICRO
from usage.records.record import UNREADABLE, BadLine, UsageRecord, decode_plain, interpret

PLAIN_WHOLE = 10**6
"""Up to here a quantity is taken as it comes; a larger one is looked at twice, so that no total can overflow."""


@dataclass(slots=True)
class Parsed:
    """What a block's lines are: ``rows``, numbered as if all were new; ``skipped``, the indexes of the other lines.

    ``large`` and ``ahead`` say that some of the rows have to be looked at one by one: for their quantity, their time.
    """

    rows: list[Row] = field(default_factory=list)
    skipped: list[int] = field(default_factory=list)
    bad: list[Problem] = field(default_factory=list)
    breaks: Breaks = field(default_factory=lambda: Breaks([], [], [], {}, {}))
    large: bool = False
    ahead: bool = False


def is_printable(data: bytes) -> bool:
    """Whether no line of a block can hold a character that a terminal must not see."""
    return data.isascii() and b"\\" not in data and b"\x7f" not in data


def parse_lines(  # noqa: PLR0912 - one loop: a call for each line would cost more than the line
    lines: Sequence[bytes],
    *,
    site: str,
    series: SeriesBook,
    chains: Chains,
    links: dict[str, Link],
    number: int,
    horizon: int,
    printable: bool,
    chained: bool,
) -> Parsed:
    """Read each line as a record or as a problem; the one loop whose every step counts.

    ``links`` holds where each container's chain stands within this file, and is moved on. ``number`` is the first
    record's, ``horizon`` the last instant that a record may have, in Unix milliseconds; ``printable`` is what
    ``is_printable`` said of the block, ``chained`` is unset where no line has a link.
    """
    parsed = Parsed()
    rows, keys, breaks, skipped = parsed.rows, series.keys, parsed.breaks, parsed.skipped
    decode, store, first = decode_plain, rows.append, number
    last, expected, digest = "", 0, ""
    # all digests first: hashing and decoding in turn would drive each other's data out of the processor's cache
    digests = [line_digest.hexdigest() for line_digest in map(hashlib.sha256, lines)] if chained else repeat("")
    for line, own in zip(lines, digests, strict=False):
        try:
            try:
                record: UsageRecord = decode(line)
                meter = record.meter
                quantity = meter.quantity
                plain = type(quantity) is int and 0 <= quantity <= PLAIN_WHOLE
            except UNREADABLE:
                plain = False
            if plain and (printable or record.id.isprintable()):
                quantity *= MICRO
                time, extra = record.request_time, None
            else:
                record, extra, quantity, time = interpret(line)
                meter = record.meter
                parsed.large = parsed.large or quantity > PLAIN_WHOLE * MICRO
            parsed.ahead = parsed.ahead or time > horizon
            container = record.container_id
            labels = (
                container,
                meter.name,
                record.container_version,
                record.container_type,
                record.api_type,
                site,
            )
            key = keys.get(labels) or series.add(labels)
            sequence, kept = record.sequence, None
            if sequence != expected or record.previous != digest or container != last:
                if expected:
                    links[last] = (expected - 1, digest)
                index = number - first + len(skipped)
                kept = chains.check(breaks, index, record, links.get(container))
            if sequence is None:
                expected = 0
            elif kept is None:
                last, expected, digest = container, sequence + 1, own
            elif kept is LATE:
                links[container] = (sequence, own)
                expected = 0
            else:
                last, expected, digest = container, kept[0] + 1, kept[1]
        except BadLine as error:
            index = number - first + len(skipped)
            skipped.append(index)
            if line.strip():
                parsed.bad.append(Problem("bad-line", index, str(error)))
            continue
        store((number, record.id, key, quantity, time, sequence, extra))
        number += 1
    if expected:
        links[last] = (expected - 1, digest)
    return parsed
