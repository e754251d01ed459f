"""Which lines the log tells: .NET's rules, for our categories; of the libraries' nothing but errors."""

import logging
import re
from itertools import product
from pathlib import Path

import pytest

import engines
from engines.logs.levels import LEVELS, Levels, level_name

LIBRARIES = ("httpcore.connection", "asyncio", "pypdfium2", "PIL.TiffImagePlugin", "uvicorn.error", "azlically", "root")


@pytest.mark.parametrize("level", LEVELS)
def test_a_default_is_said_of_our_categories_alone(level: str) -> None:
    for levels in (Levels({"default": level}), Levels(shared={"default": level})):
        assert levels.least("azlic.container") == levels.least("azlic") == LEVELS[level]
        for library in LIBRARIES:
            assert levels.least(library) == max(LEVELS[level], logging.ERROR)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_is_told_of_where_it_is_named(library: str) -> None:
    for name, level in product((library.lower(), library.lower().partition(".")[0]), LEVELS):
        levels = Levels({"default": "Error", name: level})
        assert levels.least(library) == LEVELS[level]
        assert levels.least("azlic.container") == logging.ERROR


def test_the_longest_name_counts_and_a_name_ends_at_a_dot() -> None:
    levels = Levels({"azlic": "Error", "azlic.con": "Debug", "azlic.container": "Warning", "default": "None"})
    assert levels.least("azlic.container.x") == levels.least("azlic.container") == logging.WARNING
    assert levels.least("azlic.containers") == levels.least("azlic.page") == logging.ERROR


def test_a_targets_own_rules_come_before_the_shared_ones() -> None:
    levels = Levels({"azlic.a": "Debug"}, {"azlic.a": "Error", "azlic.b": "Error", "default": "Warning"})
    assert [levels.least(f"azlic.{each}") for each in "abc"] == [logging.DEBUG, logging.ERROR, logging.WARNING]
    assert Levels({"default": "Debug"}, {"azlic.b": "Error"}).least("azlic.b") == logging.DEBUG


def test_without_a_rule_information_is_told() -> None:
    assert (Levels().least("azlic.container"), Levels().least("httpx")) == (logging.INFO, logging.ERROR)


def test_levels_have_their_names() -> None:
    names = [level_name(level) for level in (10, 15, 20, 30, 40, 50)]
    assert names == ["Debug", "Information", "Information", "Warning", "Error", "Critical"]


def test_every_category_of_ours_begins_alike() -> None:
    """Else a default would not be said of it."""
    sources = Path(engines.__path__[0]).rglob("*.py")
    found = {name for each in sources for name in re.findall(r'^log = .*getLogger\("(.*)"\)', each.read_text(), re.M)}
    assert len(found) > 1 and all(name.startswith("azlic.") for name in found)
