import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.usage.lines import a_line, raw_line
from usage.quantity import MAX_WHOLE, MICRO
from usage.records.record import (
    GENESIS,
    LATEST_MS,
    SECONDS_BELOW,
    UNREADABLE,
    BadLine,
    MeteredQuantity,
    UsageRecord,
    decode_plain,
    encode,
    interpret,
)

names = st.text(st.characters(codec="utf-8"), max_size=40)
printable = names.filter(str.isprintable).filter(bool)
records = st.builds(
    UsageRecord,
    id=printable,
    container_type=names,
    container_version=names,
    container_id=names,
    meter=st.builds(MeteredQuantity, name=names, quantity=st.integers(0, MAX_WHOLE)),
    request_time=st.integers(SECONDS_BELOW, LATEST_MS - 1),
    api_type=names,
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


def plain_fields(record: UsageRecord) -> list[object]:
    return [getattr(record, name) for name in UsageRecord.__struct_fields__]


@given(records)
def test_a_record_that_was_written_is_read_as_it_was(record: UsageRecord) -> None:
    line = encode(record)
    assert plain_fields(decode_plain(line)) == plain_fields(record)
    assert interpret(line) == (record, None, record.meter.quantity * MICRO, record.request_time)


@given(records, st.integers(1, 2**53), st.binary(min_size=32, max_size=32))
def test_a_chained_record_keeps_its_place_in_the_chain(record: UsageRecord, sequence: int, digest: bytes) -> None:
    fields = json.loads(encode(record)) | {"sequence": sequence, "previous": digest.hex()}
    read, *_ = interpret(json.dumps(fields).encode())
    assert (read.sequence, read.previous) == (sequence, digest.hex())
    assert json.loads(encode(read)) == fields


@given(st.dictionaries(names.map("x-".__add__), anything, min_size=1, max_size=3))
def test_unknown_fields_are_kept_as_json(unknown: dict[str, Any]) -> None:
    _, extra, *_ = interpret(a_line(**unknown))
    assert extra is not None
    assert json.loads(extra) == unknown


def test_unknown_fields_of_the_meter_are_kept_too() -> None:
    _, extra, *_ = interpret(a_line(meter={"name": "m", "quantity": 1, "billedUnit": 1.5}, site="plant 4"))
    assert extra == '{"site":"plant 4","meter":{"billedUnit":1.5}}'


@pytest.mark.parametrize(
    ("written", "milliseconds"),
    [
        ("99999999999", 99_999_999_999_000),
        ("100000000000", 100_000_000_000),
        ("1772352000", 1_772_352_000_000),
        ("1772352000.123", 1_772_352_000_123),
        ("1772352000000", 1_772_352_000_000),
        ("1772352000000.0", 1_772_352_000_000),
        ("1.772352e9", 1_772_352_000_000),
        ("0.001", 1),
        ("253370764799999", 253_370_764_799_999),
    ],
)
def test_a_time_is_in_seconds_below_ten_to_the_eleventh(written: str, milliseconds: int) -> None:
    assert interpret(raw_line(time=written))[3] == milliseconds


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("0", "before 1970"),
        ("-1", "before 1970"),
        ("253370764800000", "after 9998"),
        ("1e400", "after 9998"),
        ("9" * 300, "after 9998"),
        ("1772352000.1234", "more precise than a millisecond"),
        ("1772352000000.5", "more precise than a millisecond"),
        ("1772352000." + "0" * 35 + "1", "more precise than a millisecond"),
        ("true", "not a number"),
        ('"1772352000"', "not a number"),
        ("null", "not a number"),
    ],
)
def test_what_is_no_time_is_a_bad_line(written: str, reason: str) -> None:
    with pytest.raises(BadLine, match=reason):
        interpret(raw_line(time=written))


@pytest.mark.parametrize(
    ("quantity", "reason"),
    [
        ("0.0000001", "six decimals"),
        ("1." + "0" * 35 + "1", "six decimals"),
        ("1e400", "larger"),
        ("9" * 30, "larger"),
        ("9" * 5000, "out of range"),
        ("1e999999999999999999999", "out of range"),
        ("1e-999999999999999999999", "out of range"),
        ("-1", "negative"),
        ("true", "not a number"),
        ('"NaN"', "not a number"),
        ("NaN", "malformed"),
        ("Infinity", "malformed"),
    ],
)
def test_a_quantity_that_does_not_fit_is_a_bad_line(quantity: str, reason: str) -> None:
    with pytest.raises(BadLine, match=reason):
        interpret(raw_line(quantity))


@pytest.mark.parametrize(
    "line",
    [
        a_line(""),
        a_line("x" * 129),
        a_line("a\u200bb"),
        a_line("a\x7f"),
        a_line(sequence=1),
        a_line(previous=GENESIS),
        a_line(sequence=0, previous=GENESIS),
        a_line(sequence=2**53 + 1, previous=GENESIS),
        raw_line(more=',"sequence":1.5,"previous":""'),
        a_line().replace(b'"a"', b'"\xff"'),
        a_line().replace(b'"a"', b'"\\ud800"'),
        raw_line(more=',"x":"\\ud800"'),
        raw_line(more=',"x":"?"').replace(b"?", b"\xff"),
        raw_line("[" * 100_000 + "]" * 100_000),
        raw_line(more=',"x":' + "[" * 100_000 + "]" * 100_000),
        raw_line(more=',"x":1e999999999999999999999'),
        b"\xef\xbb\xbf" + a_line(),
        a_line() + a_line("b"),
        b"[]",
        b"null",
        b"\0" * 300,
    ],
)
def test_what_is_no_record_is_a_bad_line(line: bytes) -> None:
    with pytest.raises(BadLine):
        interpret(line)


def read_both_ways(line: bytes) -> None:
    """Read a line as the ledger does: quickly, and thoroughly; a quick answer has to be the thorough one."""
    try:
        quick = decode_plain(line)
    except UNREADABLE:
        quick = None
    try:
        thorough, extra, micro, time = interpret(line)
    except BadLine:
        return
    assert time > 0 and 0 <= micro <= MAX_WHOLE * MICRO
    if quick is not None:
        assert (plain_fields(quick), extra, quick.request_time) == (plain_fields(thorough), None, time)


@given(st.binary(max_size=400))
def test_any_bytes_give_a_record_or_a_bad_line(line: bytes) -> None:
    read_both_ways(line)


@settings(max_examples=300)
@given(records, st.data())
def test_a_damaged_line_gives_a_record_or_a_bad_line(record: UsageRecord, data: st.DataObject) -> None:
    line = bytearray(encode(record))
    start = data.draw(st.integers(0, len(line)))
    stop = data.draw(st.integers(start, len(line)))
    line[start:stop] = data.draw(st.binary(max_size=8))
    read_both_ways(bytes(line))


@given(st.dictionaries(st.sampled_from([*json.loads(a_line()), "sequence", "previous"]), anything))
def test_any_value_in_any_field_gives_a_record_or_a_bad_line(changes: dict[str, Any]) -> None:
    name = changes.pop("id", "a")
    read_both_ways(a_line(name, **changes))


def test_a_quantity_with_decimals_is_written_as_a_number() -> None:
    record = UsageRecord("a", "read", "3.2.0", "c", MeteredQuantity("m", Decimal("0.25")), 1_772_352_000_000, "v")
    assert b'"quantity":0.25' in encode(record)
    assert interpret(encode(record))[2] == 250_000
