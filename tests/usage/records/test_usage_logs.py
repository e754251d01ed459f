"""The body of /records/usage-logs/: every shape that is known, and everything that is none."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.usage.reports import DOCUMENTS, MARCH, WORDS, body
from usage.months import Month
from usage.records.usage_logs import MAX_BYTES, UnusableBody, parse_usage_logs

TRANSLATOR = {
    "type": "CommerceUsageResponse",
    "meters": [
        {"name": DOCUMENTS, "quantity": 1250000, "billedUnit": 1875000},
        {"name": WORDS, "quantity": 1250000, "billedUnit": 1250000},
    ],
    "apiType": "texttranslation",
    "serviceName": "texttranslation",
}
SHAPES = {
    "all records": (
        {"apiType": "noop", "serviceName": "noop", "meters": [{"name": "Sample.Meter", "quantity": 253}]},
        {"Sample.Meter": 253},
    ),
    "a month": (
        {"apiType": "string", "serviceName": "string", "meters": [{"name": "string", "quantity": 256345435}]},
        {"string": 256345435},
    ),
    "the translator, disconnected: billedUnit counts": (TRANSLATOR, {DOCUMENTS: 1875000, WORDS: 1250000}),
    "nothing used": ({"apiType": "x", "serviceName": "y", "type": "UsageLogs", "meters": []}, {}),
    "the month repeated": ({"meters": [{"name": "A", "quantity": 1}], "month": "03", "year": "2026"}, {"A": 1}),
    "fields nobody knows": ({"meters": [{"quantity": 1, "name": "A", "new": {"x": 1}}], "also": [None]}, {"A": 1}),
    "a meter twice, saying the same": ({"meters": [{"name": "A", "quantity": 1}] * 2}, {"A": 1}),
    "billedUnit that is null": ({"meters": [{"name": "A", "quantity": 1, "billedUnit": None}]}, {"A": 1}),
    "billedUnit alone": ({"meters": [{"name": "A", "billedUnit": 3}]}, {"A": 3}),
    "past 32 bits": ({"meters": [{"name": "A", "quantity": 10_000_000_000}]}, {"A": 10_000_000_000}),
}


@pytest.mark.parametrize(("shape", "charges"), SHAPES.values(), ids=SHAPES)
def test_every_known_shape_is_read(shape: object, charges: dict[str, int]) -> None:
    logs = parse_usage_logs(json.dumps(shape).encode(), month=MARCH)
    assert logs.charges == {meter: quantity * 10**6 for meter, quantity in charges.items()}


@pytest.mark.parametrize(
    ("number", "micro"),
    [
        ("0.0", 0),
        ("253.0", 253 * 10**6),
        ("0.1", 10**5),
        ("0.000001", 1),
        ("1e3", 10**9),
        ("123456789012.345678", 123456789012345678),
    ],
)
def test_a_quantity_is_exact_however_it_is_written(number: str, micro: int) -> None:
    content = b'{"meters":[{"name":"A","quantity":%s}]}' % number.encode()
    assert parse_usage_logs(content, month=None).charges == {"A": micro}


def test_a_file_that_an_editor_saved_may_begin_with_a_byte_order_mark() -> None:
    assert parse_usage_logs(b"\xef\xbb\xbf" + body({"A": 1}), month=MARCH).charges == {"A": 10**6}


def test_service_and_api_are_named_where_the_body_names_them() -> None:
    named, unnamed = (
        parse_usage_logs(json.dumps(TRANSLATOR).encode(), month=None),
        parse_usage_logs(b'{"meters":[]}', month=None),
    )
    assert (named.service, named.api_type) == ("texttranslation", "texttranslation")
    assert (unnamed.service, unnamed.api_type) == ("-", "-")


METER = '{"meters":[{"name":"A","quantity":%s}]}'
GARBAGE = {
    "nothing": ("", "not JSON"),
    "a web page": ("<html>", "not JSON"),
    "cut off": ('{"meters":[{"name":"A"', "not JSON"),
    "a list": ("[]", "not a JSON object"),
    "no meters": ("{}", "no list of meters"),
    "meters that are null": ('{"meters":null}', "no list of meters"),
    "a meter that is a number": ('{"meters":[1]}', "meters[0] is not a JSON object"),
    "a meter without a name": ('{"meters":[{"quantity":1}]}', "meters[0] has no name"),
    "a name that rings the bell": ('{"meters":[{"name":"\\u0007","quantity":1}]}', "printable"),
    "a name too long": ('{"meters":[{"name":"%s","quantity":1}]}' % ("x" * 201), "1 to 200"),
    "a service that is a number": ('{"serviceName":1,"meters":[]}', "serviceName"),
    "no quantity": ('{"meters":[{"name":"A"}]}', "A has no quantity"),
    "NaN": (METER % "NaN", "NaN"),
    "infinity": (METER % "1e999", "too large"),
    "an exponent that no Decimal takes": (METER % "1e-99999999999999999999", "out of range"),
    "a text": (METER % '"5"', "quantity of A: quantity is not a number"),
    "true": (METER % "true", "not a number"),
    "negative": (METER % "-1", "negative"),
    "larger than we count": (METER % "1000000000001", "larger than"),
    "a key twice": ('{"meters":[],"meters":[]}', "twice"),
    "a meter twice, with different numbers": (
        '{"meters":[{"name":"A","quantity":1},{"name":"A","quantity":2}]}',
        "A occurs in it twice, with different numbers",
    ),
    "a good billedUnit beside a bad quantity": (
        '{"meters":[{"name":"A","quantity":-1,"billedUnit":2}]}',
        "quantity of A: quantity is negative",
    ),
    "another month": ('{"month":2,"year":2026,"meters":[]}', "it is of 2026-02, not of 2026-03"),
    "nested too deep": ("[" * 100_000, "deep"),
    "half a character": (b'{"meters":[{"name":"\xff","quantity":1}]}', "not UTF-8"),
    "UTF-16": ('{"meters":[]}'.encode("utf-16"), "not UTF-8"),
    "too large": (b" " * (MAX_BYTES + 1), "larger than 1,048,576 bytes"),
}


@pytest.mark.parametrize(("content", "reason"), GARBAGE.values(), ids=GARBAGE)
def test_what_is_no_report_is_refused_in_words(content: str | bytes, reason: str) -> None:
    raw = content if isinstance(content, bytes) else content.encode()
    with pytest.raises(UnusableBody) as refused:
        parse_usage_logs(raw, month=MARCH)
    assert reason in str(refused.value)
    assert str(refused.value).isprintable()


NOISE = "4217.299999997811"


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ('{"name":"B","quantity":4217.299999997811}', "quantity of B: quantity has more than six decimals"),
        ('{"name":"B","quantity":-1}', "quantity of B: quantity is negative"),
        ('{"name":"B","quantity":"5"}', "quantity of B: quantity is not a number"),
        ('{"name":"B"}', "B has no quantity"),
        ('{"name":"B","quantity":1},{"name":"B","quantity":2}', "meter B occurs in it twice, with different numbers"),
        ('{"name":"B","quantity":1},{"name":"B","quantity":2},{"name":"B","quantity":1}', "meter B occurs in it twice"),
        ("7", "is not a JSON object"),
        ('{"quantity":1}', "has no name"),
    ],
)
@pytest.mark.parametrize("place", ["before", "behind"])
def test_a_meter_that_cannot_be_taken_keeps_no_other_out(bad: str, reason: str, place: str) -> None:
    good = '{"name":"A","quantity":3}'
    meters = f"{good},{bad}" if place == "behind" else f"{bad},{good}"
    logs = parse_usage_logs(b'{"meters":[%s]}' % meters.encode(), month=None)
    assert logs.charges == {"A": 3 * 10**6}
    (refused,) = logs.refused.values()
    assert reason in refused


@pytest.mark.parametrize(
    ("written", "micro"),
    [
        (NOISE, 4_217_300_000),
        ("0.0000005", 1),
        ("0.00000049999", 0),
        ("999999999999.9999999", 10**18),
        ("0.1", 10**5),
        ("1E-300", 0),
        ("123456789012.34567850000000000000000001", 123456789012345679),
    ],
)
def test_a_number_that_is_too_fine_is_rounded_where_that_was_stated(written: str, micro: int) -> None:
    content = (METER % written).encode()
    logs = parse_usage_logs(content, month=None, rounds=True)
    assert logs.charges == {"A": micro} and not logs.refused
    assert logs.rounded == ({} if written == "0.1" else {"A": str(Decimal(written))})
    assert parse_usage_logs(content, month=None).too_fine == (set() if written == "0.1" else {"A"})


def test_what_is_more_than_can_be_counted_is_not_rounded_down_to_it() -> None:
    with pytest.raises(UnusableBody, match="larger than"):
        parse_usage_logs((METER % "1000000000000.0000006").encode(), month=None, rounds=True)


def test_noise_in_what_does_not_count_is_nobodys_concern() -> None:
    content = b'{"meters":[{"name":"A","quantity":%s,"billedUnit":2}]}' % NOISE.encode()
    assert parse_usage_logs(content, month=None).charges == {"A": 2 * 10**6}


def test_a_report_of_one_month_is_not_one_of_everything() -> None:
    with pytest.raises(UnusableBody, match="of 2026-03 alone"):
        parse_usage_logs(body({}, month=3, year=2026), month=None)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
meter = st.fixed_dictionaries(
    {}, optional={"name": st.text(max_size=3) | anything, "quantity": anything, "billedUnit": anything}
)
almost = st.fixed_dictionaries(
    {"meters": st.lists(meter, max_size=3) | anything},
    optional={"apiType": anything, "serviceName": anything, "month": anything, "year": anything},
)


@given(almost.map(lambda shape: json.dumps(shape).encode()) | st.binary(max_size=200), st.sampled_from([None, MARCH]))
def test_any_bytes_are_a_report_or_one_kind_of_error(content: bytes, month: Month | None) -> None:
    try:
        logs = parse_usage_logs(content, month=month)
    except UnusableBody as error:
        assert str(error).isprintable()
    else:
        _check_charges(logs.charges)


def _check_charges(charges: Any) -> None:
    assert all(name.isprintable() and 0 <= micro <= 10**18 for name, micro in charges.items())
