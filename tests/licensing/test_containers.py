import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.containers import CONTAINER_TYPES, version_key


@pytest.mark.parametrize(
    ("version", "key"),
    [
        ("3.2", (3, 2)),
        ("3.2.0", (3, 2)),
        ("3.2.0.0", (3, 2)),
        ("3.2-model-2022-04-30", (3, 2)),
        ("3.10", (3, 10)),
        ("0", ()),
        ("3.2.20260131120000", (3, 2, 20260131120000)),
        ("3..2", (3,)),
        ("4.12.0-amd64-en-us", (4, 12)),
    ],
)
def test_the_numbers_a_version_begins_with(version: str, key: tuple[int, ...]) -> None:
    assert version_key(version) == key


@pytest.mark.parametrize("version", ["", "latest", "v3.2", "-1", "٣.٢", ".5", " 3.2"])
def test_a_version_that_begins_with_no_number_has_none(version: str) -> None:
    with pytest.raises(ValueError, match="does not begin with a version number"):
        version_key(version)


@given(*[st.lists(st.integers(0, 10**9 - 1), min_size=4, max_size=4)] * 2)
def test_versions_compare_as_their_numbers_do(left: list[int], right: list[int]) -> None:
    keys = [version_key(".".join(map(str, numbers))) for numbers in (left, right)]
    assert (keys[0] < keys[1]) is (left < right)


def test_every_container_type_is_found_under_its_own_name() -> None:
    assert {name: kind.name for name, kind in CONTAINER_TYPES.items()} == {
        "read": "read",
        "speech-to-text": "speech-to-text",
    }
