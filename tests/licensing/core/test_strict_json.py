import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.core import strict_json

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**19) + 1, 10**19 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner))

REFUSED = {
    "a key twice": (b'{"a": 1, "a": 2}', "twice"),
    "a key twice, once escaped": (b'{"a": 1, "\\u0061": 2}', "twice"),
    "a key twice, deep inside": (b'[{"b": {"a": 1, "a": 1}}]', "twice"),
    "NaN": (b'{"a": NaN}', "NaN is not a JSON number"),
    "Infinity": (b"[Infinity]", "Infinity is not a JSON number"),
    "minus Infinity": (b"[-Infinity]", "-Infinity is not a JSON number"),
    "a number past the range of a float": (b"[1e999]", "too large"),
    "an integer of 20 digits": (b"[10000000000000000000]", "too large"),
    "an integer of a million digits": (b"9" * 1_000_000, "too large"),
    "a byte-order mark": (b"\xef\xbb\xbf{}", "byte-order mark"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
    "a byte that is no UTF-8": (b'"\xff"', "not UTF-8"),
    "half a surrogate pair": (b'["\\ud800"]', "surrogate"),
    "half a surrogate pair as a key": (b'{"\\udfff": 1}', "surrogate"),
    "nesting too deep to be meant": (b"[" * 60_000, "nested too deep"),
    "nothing": (b"", "not JSON"),
    "something behind the end": (b"{} {}", "not JSON"),
    "a comment": (b"{} // really", "not JSON"),
    "single quotes": (b"{'a': 1}", "not JSON"),
    "a line break inside a text": (b'"a\nb"', "not JSON"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(case: str) -> None:
    content, reason = REFUSED[case]
    with pytest.raises(ValueError, match=reason):
        strict_json.loads(content)


def test_takes_an_integer_of_19_digits_and_its_negative() -> None:
    assert strict_json.loads(b"[9999999999999999999, -9999999999999999999]") == [10**19 - 1, 1 - 10**19]


@given(VALUES)
def test_reads_what_json_writes(value: object) -> None:
    assert strict_json.loads(json.dumps(value).encode()) == value
    assert strict_json.loads(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary() | st.text(st.sampled_from('{}[]",:\\ud8018eE-.NaN ')).map(str.encode))
def test_gives_a_value_or_a_reason_for_any_bytes(content: bytes) -> None:
    try:
        strict_json.loads(content)
    except ValueError as refused:
        assert str(refused)
