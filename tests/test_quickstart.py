"""What the quickstart says about itself."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.licensing.another_user import reachable_folder

WALK = Path(__file__).parent.parent / "scripts" / "walk.py"


@pytest.fixture
def walk(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The walk's module, with a checkout of its own."""
    spec = importlib.util.spec_from_file_location("walk", WALK)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with reachable_folder() as checkout:
        monkeypatch.setattr(module, "ROOT", checkout)
        yield module


def test_a_site_that_is_made_anew_is_told_so(walk: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    site = walk.make_site()
    assert "made anew" not in capsys.readouterr().out
    assert walk.make_site() == site
    assert f"{site} is there from an earlier quickstart: it is removed and made anew." in capsys.readouterr().out


@pytest.mark.parametrize(("uid", "user"), [(0, "--user 65532:65532 "), (1000, "")])
def test_what_to_try_next_names_the_port_and_the_user(
    walk: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, uid: int, user: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    walk.farewell(Path("/srv/site"), 5017, 5018)
    told = capsys.readouterr().out
    mounts = "Mounts:License=/srv/site/license Mounts:Output=/srv/site/output"
    assert f"azlic engine read {user}eula=accept {mounts} urls=http://127.0.0.1:5017\n" in told
    assert "http://127.0.0.1:5017/swagger" in told
    assert "until the next quickstart makes this folder anew" in told
