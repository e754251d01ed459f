from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.quantity import (
    MAX_WHOLE,
    MICRO,
    InexactQuantity,
    from_micro,
    group_digits,
    left_for_people,
    parts_for_people,
    percent,
    to_micro,
    used_for_people,
)

quantities = st.decimals(min_value=0, max_value=MAX_WHOLE, places=6)


@given(quantities)
def test_up_to_six_decimals_are_kept_exactly(quantity: Decimal) -> None:
    micro = to_micro(quantity)
    assert micro == int(quantity.scaleb(6))
    assert from_micro(micro) == quantity


@given(st.integers(min_value=0, max_value=MAX_WHOLE))
def test_a_whole_number_stays_whole(quantity: int) -> None:
    micro = to_micro(quantity)
    assert (micro, from_micro(micro)) == (quantity * MICRO, quantity)
    assert to_micro(Decimal(quantity)) == micro


@pytest.mark.parametrize(
    ("written", "micro"),
    [("0", 0), ("-0.0", 0), ("0.000001", 1), ("1.5000000", 1_500_000), ("1e3", 1000 * MICRO), ("1E+12", 10**18)],
)
def test_a_number_means_the_same_however_it_is_written(written: str, micro: int) -> None:
    assert to_micro(Decimal(written)) == micro


@pytest.mark.parametrize(
    "written",
    ["0.0000001", "1.0000005", "1." + "0" * 35 + "1", "999999999999.9999999", "1e-7", "1e-400", "0.1234567890123456"],
)
def test_more_than_six_decimals_are_refused(written: str) -> None:
    with pytest.raises(InexactQuantity, match="more than six decimals"):
        to_micro(Decimal(written))


@pytest.mark.parametrize("quantity", [MAX_WHOLE + 1, Decimal("1000000000000.000001"), Decimal("1e400"), 10**400])
def test_a_quantity_over_the_cap_is_refused(quantity: object) -> None:
    with pytest.raises(InexactQuantity, match="larger than 1,000,000,000,000"):
        to_micro(quantity)


@pytest.mark.parametrize("quantity", [-1, Decimal("-0.000001"), -(10**400)])
def test_a_negative_quantity_is_refused(quantity: object) -> None:
    with pytest.raises(InexactQuantity, match="negative"):
        to_micro(quantity)


@pytest.mark.parametrize(
    "quantity",
    [True, False, None, "1", "NaN", [1], {}, 1.0, float("nan"), Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity")],
)
def test_what_is_no_number_of_json_is_refused(quantity: object) -> None:
    with pytest.raises(InexactQuantity, match="not a number"):
        to_micro(quantity)


@pytest.mark.parametrize(
    ("micro", "text"),
    [(0, "0"), (1, "0.000001"), (250_000, "0.25"), (1_250_000 * MICRO, "1,250,000"), (-1_500_000_000, "-1,500")],
)
def test_a_quantity_is_shown_with_its_thousands_grouped(micro: int, text: str) -> None:
    assert group_digits(micro) == text


def test_whole_tens_are_not_shown_with_an_exponent() -> None:
    assert (str(from_micro(10 * MICRO)), group_digits(1_000_000 * MICRO + 500_000)) == ("10", "1,000,000.5")


@given(st.integers(0, 10**19), st.integers(1, 10**18))
def test_100_percent_is_all_of_it_and_0_percent_nothing(part: int, whole: int) -> None:
    found = percent(part, whole)
    assert (found >= 100) == (part >= whole)
    assert (found == 0) == (part == 0)
    assert found * whole <= part * 100 or found == Decimal("0.000001")
    assert "E" not in f"{found}"


@given(st.integers(0, 10**12), st.integers(1, 10**12))
def test_what_is_used_and_left_are_shown_so_that_neither_hides(used: int, committed: int) -> None:
    assert (used_for_people(used) == 0) == (used == 0)
    assert (left_for_people(committed - used) <= 0) == (used >= committed)
    if used >= MICRO // 100:
        assert used_for_people(used) + left_for_people(committed * MICRO - used) == committed * MICRO


@given(st.lists(st.integers(-(10**9), 10**9)))
def test_parts_are_shown_so_that_they_add_up_to_the_whole(micros: list[int]) -> None:
    assert sum(parts_for_people(micros)) == used_for_people(sum(micros))
