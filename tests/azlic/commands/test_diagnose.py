"""`azlic diagnose`: one verdict a line, for people and for scripts."""

import json
import re
from pathlib import Path

import pytest

from licensing.doctor import examination
from licensing.doctor.billing import STEPS
from tests.azlic.conftest import Answer, Cli
from tests.licensing.doctor.patient import STRONG
from tests.site import Site

PAGE = Path(__file__).parents[3] / "docs" / "diagnose.md"
OF_SITE = ("AVX2", "cores", "memory", "clock source", "license", "license folder", "output folder")


@pytest.fixture(autouse=True)
def strong(monkeypatch: pytest.MonkeyPatch, site: Site) -> None:
    """A machine that nothing is missing from, and a license."""
    monkeypatch.setattr(examination, "examine_machine", lambda _root: STRONG)
    site.install()


def diagnose(cli: Cli, *words: object) -> Answer:
    return cli("diagnose", "--license", "license", "--output", "output", *words)


def names(answer: Answer) -> list[str]:
    """The names of all verdicts, in order."""
    return [line[11:25].strip() for line in answer.out.splitlines() if not line.startswith(" ")]


def test_offline_nothing_of_the_network_is_told(cli: Cli) -> None:
    answer = diagnose(cli, "--offline")
    assert names(answer) == [*OF_SITE]
    assert answer.out.splitlines()[:2] == ["OK         AVX2           AVX2", "OK         cores          8 cores"]


def test_with_an_endpoint_every_step_is_a_line_and_the_worst_is_the_status(cli: Cli) -> None:
    answer = diagnose(cli, "--billing", "http://127.0.0.1:1/x")
    assert names(answer) == ["proxy", *STEPS, *OF_SITE]
    assert answer.status == 1
    assert "ERROR      connection     127.0.0.1 port 1: Connection refused\n" in answer.out
    assert all(len(line) <= 80 or "Fix: " in line for line in answer.out.splitlines())


def test_scripts_get_the_same(cli: Cli) -> None:
    told = json.loads(diagnose(cli, "--billing", "http://127.0.0.1:1/x", "--json").out)
    assert (told["schema"], told["status"]) == ("azlic.diagnosis/v1", 1)
    assert [check["name"] for check in told["checks"]] == ["proxy", *STEPS, *OF_SITE]
    assert {check["level"] for check in told["checks"]} >= {"ok", "error", "unexamined"}
    assert all(check.keys() == {"name", "level", "found", "command", "do"} for check in told["checks"])


@pytest.mark.parametrize("words", [(), ("--offline", "--billing", "https://x/y"), ("--billing", "http://10.0.0.1/x")])
def test_what_cannot_be_meant_is_refused(cli: Cli, words: tuple[str, ...]) -> None:
    answer = diagnose(cli, *words)
    assert (answer.status, answer.out) == (2, "")


def test_the_page_names_every_line() -> None:
    rows = re.findall(r"^\| (`.*`) \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert re.findall(r"`([^`]*)`", ", ".join(rows)) == ["proxy", *STEPS, *OF_SITE]
