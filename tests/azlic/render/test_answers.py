"""The answers of the commands: every schema has one place, and every type of value one form in JSON."""

import ast
import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.main import get_command

from azlic.app import command_line
from azlic.render.fields import json_text, plain
from tests.site import Site, a_license
from usage.months import Month
from usage.quantity import from_micro

ROOT = Path(__file__).parent.parent.parent.parent
SCHEMA = re.compile(r"azlic\.[a-z-]+/v\d+")


def schemas() -> list[str]:
    """The name of every schema of an ``Answer``, as often as one is made under it."""
    return [
        node.args[0].value
        for path in (ROOT / "azlic").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Answer"
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    ]


def test_each_schema_is_named_in_one_place() -> None:
    assert len(schemas()) > 30 and len(set(schemas())) == len(schemas())


def test_the_readme_lists_exactly_the_schemas_there_are() -> None:
    listed = (ROOT / "README.md").read_text().partition("`--json` prints a `schema` first")[2].partition("\n\n")[0]
    assert sorted(SCHEMA.findall(listed)) == sorted([*schemas(), "azlic.notice/v1"])


def test_no_module_of_the_program_writes_a_schema_beside_an_answer() -> None:
    written = [
        name
        for path in (ROOT / "azlic").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for name in re.findall(r"^azlic\.[a-z-]+/v\d+$", node.value)
    ]
    assert sorted(written) == sorted(schemas())


class Colour(StrEnum):
    RED = "red"


class Weight(IntEnum):
    HEAVY = 3


class Letter(Enum):
    ALPHA = "a"


class Pair(NamedTuple):
    path: Path
    at: datetime


@dataclass(frozen=True, slots=True)
class Whole:
    pair: Pair
    months: tuple[Month, ...]


AT = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (AT, "2026-03-01T08:00:00Z"),
        (AT.replace(microsecond=5000), "2026-03-01T08:00:00.005000Z"),
        (date(2026, 3, 1), "2026-03-01"),
        (Path("/srv/x"), "/srv/x"),
        (b"\x00\xff", "00ff"),
        (Month(2026, 3), "2026-03"),
        (Colour.RED, "red"),
        (Letter.ALPHA, "a"),
        ({Letter.ALPHA: (1, None, True)}, {"a": [1, None, True]}),
        (Pair(Path("x"), AT), {"path": "x", "at": "2026-03-01T08:00:00Z"}),
        (Whole(Pair(Path("x"), AT), (Month(2026, 3),)), {"pair": plain(Pair(Path("x"), AT)), "months": ["2026-03"]}),
    ],
    ids=str,
)
def test_a_value_has_the_form_of_its_type(value: object, form: object) -> None:
    assert plain(value) == form
    assert json.loads(json_text(value)) == form


def test_a_weight_is_a_number() -> None:
    assert json_text({"weight": Weight.HEAVY}) == '{\n  "weight": 3\n}'


def test_a_quantity_keeps_digits_that_a_float_would_not() -> None:
    text = json_text({"quantity": from_micro(9_007_199_254_740_993_000_001)})
    assert text == '{\n  "quantity": 9007199254740993.000001\n}'


def test_a_type_that_nobody_thought_of_is_not_told() -> None:
    with pytest.raises(TypeError, match="no form in JSON"):
        plain(object())


def test_the_content_keys_of_a_license_are_not_told(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.install(a_license(content_keys={"key-1": base64.b64encode(bytes(32)).decode()}))
    license_ = site.verify().license
    assert license_ is not None and license_.content_keys
    assert "content_keys" not in json_text(license_) and '"serial": ' in json_text(license_)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"a": []},
        {"a": {}, "b": [{}, [1, [2]]], "é\n": "ü\x00", "f": 1.5},
        {"a": {"b": {"c": [None, True]}}},
    ],
    ids=str,
)
def test_json_is_laid_out_as_the_standard_library_does(document: dict[str, object]) -> None:
    assert json_text(document) == json.dumps(document, indent=2, ensure_ascii=False)
    assert json_text(document, ascii_only=True) == json.dumps(document, indent=2)
    assert json_text(document, indented=False) == json.dumps(document, ensure_ascii=False)


def test_a_name_that_is_no_utf_8_is_shown_escaped() -> None:
    assert json.loads(json_text({"a": "caf\udce9", "b": Path("caf\udce9")})) == {"a": r"caf\udce9", "b": r"caf\udce9"}


def functions(command: object) -> Iterator[str]:
    nested = getattr(command, "commands", None)
    callback = getattr(command, "callback", None)
    if callback is not None and nested is None:
        yield str(callback.__name__)
    for inner in (nested or {}).values():
        yield from functions(inner)


def test_the_function_of_a_command_shadows_no_verb_of_the_library() -> None:
    names = set(functions(get_command(command_line([]))))
    assert len(names) > 40 and all(name.endswith("_command") for name in names)


def test_no_command_imports_a_verb_under_another_name() -> None:
    aliases = {
        f"{path.name}: {name.name} as {name.asname}"
        for path in (ROOT / "azlic").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
        if name.asname
    }
    assert aliases == set()
