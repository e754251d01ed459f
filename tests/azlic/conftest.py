"""The program, run as an operator runs it, but in this process."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from azlic.__main__ import main
from tests.site import Site


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command left behind."""

    status: int
    out: str
    err: str


Cli = Callable[..., Answer]

FORMATS = ("table", "json", "csv", "markdown", "html")
_LEDGER = re.compile(r"[\d,]+ batch(es)?, the last one taken|[\w+/]{43}=")
"""How far the ledger has come by now, which a page tells beside its report."""


def reported(cli: Cli, month: str) -> dict[str, str]:
    """A month's report in every form."""
    return {form: _LEDGER.sub("", cli("report", month, "--format", form).out) for form in FORMATS}


@pytest.fixture
def cli(site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command of the site: its ledger and trust store are set, the current folder is the site's."""
    environment(site, monkeypatch)

    def run(*words: object) -> Answer:
        monkeypatch.setattr("sys.argv", ["azlic", *map(str, words)])
        capsys.readouterr()
        status = main()
        told = capsys.readouterr()
        return Answer(status, told.out, told.err)

    return run


def environment(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables and the current folder with which this site's commands run."""
    monkeypatch.setenv("AZLIC_DATABASE", str(site.folder / "azlic.db"))
    monkeypatch.setenv("AZLIC_TRUST", str(site.trust.folder))
    monkeypatch.setenv("AZLIC_CONFIG", str(_empty(site.folder / "azlic.toml")))
    monkeypatch.setenv("COLUMNS", "250")  # so that no path is folded; test_terminal.py measures at other widths
    monkeypatch.chdir(site.folder)


def run_damaged(folder: Path, raising: str, *words: object) -> Answer:
    """Run a command in a process where an installed module cannot be imported: it raises what nobody foresaw."""
    (folder / "securesystemslib.py").write_text(f"raise {raising}\n")
    done = subprocess.run(
        [Path(sys.executable).with_name("azlic"), *map(str, words)],
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def _empty(path: Path) -> Path:
    path.touch()
    return path
