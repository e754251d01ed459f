"""Every parameter in every form that clients send: each has the one answer that docs/read.md promises."""

import re
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from urllib.parse import parse_qsl, quote

import pytest

from engines.read.languages import model_of
from engines.read.query import NAMES, PARAMETERS
from engines.read.received import ReadOptions
from engines.read.refusal import Code
from engines.server.errors import WorkRefused
from engines.server.query import MOST

PAGE = Path(__file__).parents[3] / "docs" / "read.md"
CASES: tuple[Callable[[str], str], ...] = (str, str.lower, str.upper, str.title, str.swapcase)
VALUES = {
    "language": ("en", "de-DE"),
    "pages": ("1,3-4", "5-"),
    "readingOrder": ("natural", "basic"),
    "model-version": ("2022-04-30", "latest"),
}
STRANGERS = ("api-version", "subscription-key", "_", "", "visualFeatures", "detectOrientation", "x", "overload", "sig")


def told(query: str) -> list[tuple[str, str]]:
    return parse_qsl(PARAMETERS.documented(query.encode()).decode())


def refused(query: str) -> str:
    with pytest.raises(WorkRefused) as error:
        PARAMETERS.documented(query.encode())
    assert error.value.code == Code.INVALID_ARGUMENT
    return error.value.advice


def test_the_names_are_those_of_the_page_and_of_the_options() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## Parameters")[2].partition("## ")[0]
    assert tuple(re.findall(r"^\| `([^`=]+)` \|", section, flags=re.MULTILINE)) == NAMES == tuple(VALUES)
    assert {field.alias or name for name, field in ReadOptions.model_fields.items()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_counts_in_any_case(name: str) -> None:
    for case, value in product(CASES, VALUES[name]):
        assert told(f"{case(name)}={quote(value)}") == [(name, value)]
        assert told(f"{case(name)}=%20{quote(value)}+") == [(name, value)]


@pytest.mark.parametrize("name", ["readingOrder", "model-version"])
def test_a_value_counts_in_any_case(name: str) -> None:
    for case, value in product(CASES, VALUES[name]):
        assert told(f"{name}={case(value)}") == [(name, value)]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_empty_is_as_if_it_were_not_there(name: str) -> None:
    value = VALUES[name][0]
    for empty, case in product(("", "=", "=+", "=%20%09"), CASES):
        assert told(f"{case(name)}{empty}") == []
        assert told(f"{case(name)}{empty}&{name}={value}&{name}{empty}") == [(name, value)]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_given_twice_is_refused_but_for_pages(name: str) -> None:
    for first, second in product(VALUES[name], repeat=2):
        query = f"{name}={quote(first)}&{name.upper()}={quote(second)}"
        if name == "pages":
            assert told(query) == [(name, first), (name, second)]
        else:
            assert refused(query) == f"{name} is given more than once: give it once, or leave it out"


def nearly(name: str) -> Iterator[str]:
    """A name as people get it wrong: a letter more or less, two letters changed places, other marks between words."""
    for at in range(1, len(name)):
        yield name[:at] + name[at + 1 :]
        yield name[:at] + name[at] + name[at:]
    for mark in ("_", "-", ".", " "):
        yield name.replace("O", f"{mark}o").replace("-", mark)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_nearly_one_of_ours_is_refused_with_it(name: str) -> None:
    for wrong in set(nearly(name)) - {name}:
        assert refused(f"{quote(wrong)}=1") == f"there is no parameter {wrong}: {name} was probably meant"


@pytest.mark.parametrize(
    ("wrong", "name"), [("page", "pages"), ("lang", "language"), ("modelVersion", "model-version")]
)
def test_a_name_that_people_are_used_to_is_refused_with_ours(wrong: str, name: str) -> None:
    assert refused(f"{wrong}=1").endswith(f"{name} was probably meant")


@pytest.mark.parametrize("name", STRANGERS)
def test_any_other_name_is_passed_over(name: str) -> None:
    for value in ("", "1", "%FF", "a%00b"):
        assert told(f"{name}={value}&language=en&{name}={value}") == [("language", "en")]


def test_nobody_keeps_the_container_busy_with_names_to_compare() -> None:
    assert told("&".join(f"x{number}=1" for number in range(MOST))) == []
    for query in ("&".join(f"x{number}=1" for number in range(MOST + 1)), "pages=1&" * 5_000, "&" * 60_000):
        assert refused(query) == f"there are more than {MOST} parameters: known are {', '.join(NAMES)}"


@pytest.mark.parametrize("query", ["", "&&&", "=", "%", "%zz=%", "?", "a" * 60_000, "\xff=\xfe"])
def test_no_query_is_too_strange_to_be_answered(query: str) -> None:
    assert PARAMETERS.documented(query.encode("latin-1")) == b""


@pytest.mark.parametrize(
    ("language", "model"),
    [
        *(("de-DE", "deu"), ("de-de", "deu"), ("DE-AT", "deu"), ("es-419", "spa"), ("zh-Hans-CN", "chi_sim")),
        *(("sr-Latn-RS", "srp_latn"), ("en-US", "eng"), ("pt-BR", "por"), ("no-NO", "nor"), ("fil-PH", "fil")),
    ],
)
def test_a_region_changes_nothing_about_the_model(language: str, model: str) -> None:
    assert model_of(language) == model


@pytest.mark.parametrize(
    "language", ["no-such", "de_DE", "de-", "de-D", "de-1996", "de-DE-AT", "-DE", "zh", "zh-CN", "x"]
)
def test_what_is_no_code_with_a_region_is_no_language_of_ours(language: str) -> None:
    assert model_of(language) == language
