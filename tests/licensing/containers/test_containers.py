import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.containers import (
    CONTAINER_TYPES,
    READ,
    SPEECH_TO_TEXT,
    Image,
    container_of,
    container_type,
    find_container,
    version_key,
)
from licensing.core.errors import BadCall

ROOT = Path(__file__).parents[2]


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
    assert all(container_type(name.upper()) is kind and kind.name == name for name, kind in CONTAINER_TYPES.items())


def test_the_catalogue_holds_the_containers_that_run_disconnected_and_one_that_does_not() -> None:
    offline = {name for name, kind in CONTAINER_TYPES.items() if kind.disconnected}
    assert {"read", "speech-to-text", "custom-speech-to-text", "neural-text-to-speech", "text-translation"} < offline
    assert {"sentiment-analysis", "pii-detection", "language-understanding", "document-layout"} < offline
    assert CONTAINER_TYPES.keys() - offline == {"language-identification"}


@pytest.mark.parametrize(
    ("container", "minimum", "recommended"),
    [
        ("read", (4, 8), (8, 16)),
        ("speech-to-text", (4, 4), (8, 8)),
        ("custom-speech-to-text", (4, 4), (8, 8)),
        ("language-identification", (1, 1), (1, 1)),
        ("neural-text-to-speech", (6, 12), (8, 16)),
    ],
)
def test_the_documented_sizes(container: str, minimum: tuple[int, int], recommended: tuple[int, int]) -> None:
    needs = CONTAINER_TYPES[container].needs[0]
    assert (needs.minimum, needs.recommended) == (minimum, recommended)


def test_an_older_image_needs_what_its_own_row_says() -> None:
    assert READ.needs_of("3.2-model-2021-04-12").recommended == (8, 24)
    assert READ.needs_of("3.2").recommended == READ.needs_of("9.9").recommended == (8, 16)


def test_the_model_of_a_speech_container_is_allotted_on_top() -> None:
    assert SPEECH_TO_TEXT.needs[0].allotted == (8, 16)


MCR = "mcr.microsoft.com/azure-cognitive-services"


@pytest.mark.parametrize(
    ("image", "container"),
    [
        (f"{MCR}/vision/read:3.2-model-2022-04-30", "read"),
        (f"{MCR}/speechservices/speech-to-text", "speech-to-text"),
        (f"{MCR}/speech-to-text:latest", "speech-to-text"),
        (f"localhost:8090/library/{MCR}/translator/text-translation:latest", "text-translation"),
        ("registry.plant.example/azure-cognitive-services/form-recognizer/layout-3.1", "document-layout"),
        (f"azlic/read@sha256:{'0' * 64}", "read"),
        ("harbor:5000/azlic/read:3.2.0", "read"),
    ],
)
def test_a_container_is_known_by_its_image_in_whatever_registry(image: str, container: str) -> None:
    kind, parsed = find_container(image)
    assert (kind.name, str(parsed)) == (container, image)


@pytest.mark.parametrize("image", ["plant/ocr:1", f"{MCR}/vision/reader", "notazlic/read", f"{MCR}/my-speech-to-text"])
def test_an_image_that_only_looks_alike_is_not_known(image: str) -> None:
    with pytest.raises(BadCall, match="cannot tell which container"):
        find_container(image)


def test_a_name_stands_for_its_published_image_with_a_tag_or_without() -> None:
    assert str(find_container("Read")[1]) == f"{MCR}/vision/read:3.2-model-2022-04-30"
    tagged = find_container("speech-to-text:4.9.0-amd64-de-de")[1]
    assert str(tagged) == f"{MCR}/speechservices/speech-to-text:4.9.0-amd64-de-de"


@pytest.mark.parametrize(
    "text", ["", "reed", "read:", "read:a b", "azlic/read:", "azlic/READ", "https://azlic/read", "a/b\n"]
)
def test_what_is_no_container_is_refused(text: str) -> None:
    with pytest.raises(BadCall):
        find_container(text)


@given(st.text(max_size=60) | st.text("abAB/:@._-0 ", max_size=60))
def test_an_image_is_read_whole_or_refused(text: str) -> None:
    try:
        assert str(Image.parse(text)) == text
    except BadCall:
        assert True


def test_every_published_image_is_found_as_its_own_container() -> None:
    for kind in CONTAINER_TYPES.values():
        assert all(container_of(Image(repository)) is kind for repository in kind.repositories)


def test_the_catalogue_reads_nothing_when_it_is_imported() -> None:
    code = "import licensing.containers, sys; print({'json', 'yaml', 'pydantic', 'pathlib'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert told.stdout == "set()\n"
