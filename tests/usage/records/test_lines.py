"""The lines of a stretch, with their places, whatever stands between the records."""

import random

import pytest

from tests.usage.lines import a_line
from usage.records.lines import Lines

BETWEEN = (b"\n", b"x\n", b"\0\n", b"{}\n", b" \r\n", b"\r\n", b"no record {, and longer than a short line may be\n")


@pytest.mark.parametrize("seed", range(20))
def test_every_record_is_found_and_every_text_stands_where_it_says(seed: int) -> None:
    chance = random.Random(seed)
    data, records = b"", []
    for number in range(chance.randrange(1, 12)):
        records.append(a_line(f"{seed}-{number}"))
        data += records[-1] + b"\n" + chance.choice(BETWEEN) * chance.choice([0, 1, 5, 300, 4_000])
    lines = Lines.of(data, start=7)
    assert [text for text in lines.texts if text.startswith(b'{"')] == records
    assert lines.ends == data.count(b"\n")
    for text, start, number in zip(lines.texts, *lines.places(7), strict=False):
        assert data[start - 7 : start - 7 + len(text)] == text
        assert number == data.count(b"\n", 0, start - 7) + 1


@pytest.mark.parametrize("blank", [b"\n", b" \n", b"\r\n"])
def test_blank_lines_are_nothing(blank: bytes) -> None:
    assert Lines.of(blank * 100_000).texts == []


@pytest.mark.parametrize("line", [b"x", b"{}", b"null"])
def test_many_lines_that_can_be_no_record_are_one_text(line: bytes) -> None:
    lines = Lines.of(b"\n".join([line] * 100_000))
    assert (len(lines.texts), lines.number(0)) == (1, 1)
