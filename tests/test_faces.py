"""The public faces: the documented names, no more and no less, each loaded when it is first asked for."""

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "python.md").read_text()
FACES = ("licensing", "usage", "engines")


def documented(package: str) -> set[str]:
    table = PAGE.partition(f"`from {package} import ...`")[2].partition("`from ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


def seen_by_type_checkers(package: str) -> dict[str, str]:
    tree = ast.parse((ROOT / package / "__init__.py").read_text())
    (block,) = (node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {name.name: str(node.module) for node in imports for name in node.names}


@pytest.mark.parametrize("package", FACES)
def test_a_face_offers_the_documented_names(package: str) -> None:
    assert set(import_module(package).__all__) == documented(package)


@pytest.mark.parametrize("package", FACES)
def test_a_face_tells_type_checkers_what_it_gives_at_run_time(package: str) -> None:
    face = import_module(package)
    assert seen_by_type_checkers(package) == face._HOMES
    for name, home in face._HOMES.items():
        assert getattr(face, name) is getattr(import_module(home), name)
        assert getattr(face, name).__doc__


@pytest.mark.parametrize("package", FACES)
def test_a_face_loads_nothing_until_it_is_asked(package: str) -> None:
    code = f"import sys, {package}; print(*sorted(name for name in sys.modules if name.partition('.')[0] in {FACES}))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert set(told.stdout.split()) <= {package, "licensing", "licensing.core", "licensing.core.faces"}


@pytest.mark.parametrize("package", FACES)
def test_a_name_that_a_face_does_not_have_is_an_ordinary_error(package: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        _ = import_module(package).nothing


@pytest.mark.parametrize("package", ["azlic", "engines", "usage", "licensing", "migrations"])
def test_every_package_says_that_it_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()
