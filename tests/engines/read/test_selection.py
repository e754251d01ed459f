import pytest

from engines.read import Code, DocumentRefused
from engines.read.selection import select_pages


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (None, [1, 2, 3, 4, 5]),
        ("2", [2]),
        ("1,3-4", [1, 3, 4]),
        ("3-", [3, 4, 5]),
        (" 4 , 1-2", [1, 2, 4]),
        ("1-3,2-4,2", [1, 2, 3, 4]),
    ],
)
def test_pages_are_selected_once_and_in_order(wanted: str | None, numbers: list[int]) -> None:
    assert select_pages(wanted, 5) == numbers


@pytest.mark.parametrize(
    "wanted",
    ["", "0", "6", "4-6", "6-", "3-2", "-3", "1,", ",1", "1-2-3", "x", "1.5", "٣", "9" * 5000],
)
def test_nonsense_is_refused(wanted: str) -> None:
    with pytest.raises(DocumentRefused) as refused:
        select_pages(wanted, 5)
    assert refused.value.code is Code.INVALID_PAGE_RANGE
