"""The one way out: whoever writes to stdout or stderr, and however, no name steers the terminal."""

import io
import logging
import os
import pty
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import cast

import click
import pytest

from azlic.lines import OWN, OWN_ESCAPE, fitted, fold, joined, one_line, wrap, written
from azlic.output import Outlet, outlets, style
from tests.azlic.hostile import NAME, leaks
from tests.site import Site

PROGRAM = Path(sys.executable).with_name("azlic")
WAYS: dict[str, Callable[[], object]] = {
    "print": lambda: print(NAME),
    "lines": lambda: sys.stdout.writelines([NAME, NAME]),
    "click": lambda: click.echo(NAME, err=True),
    "a warning": lambda: sys.stderr.write(warnings.formatwarning(NAME, UserWarning, NAME, 1, NAME)),
    "a log that nobody set up": lambda: cast("logging.Handler", logging.lastResort).handle(
        logging.makeLogRecord({"msg": NAME})
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_it_lets_nothing_out(way: str, capsys: pytest.CaptureFixture[str]) -> None:
    with outlets():
        WAYS[way]()
    told = capsys.readouterr()
    assert not {"\x1b", "\x07", "\x9b", "\u202e", "\t", "\r"} & set(told.out + told.err)


def test_it_writes_what_its_stream_can_take() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    Outlet(stream).write("ä\udcff\u202e\n")
    stream.flush()
    assert stream.buffer.getvalue() == b"\\xe4\\udcff\\u202e\n"


def test_only_what_is_azlics_own_controls_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown = style(f"red {NAME}", "red")
    assert written(shown).startswith("\x1b[31m\x1b[1mred =1\\x1b]0;") and written(shown).count("\x1b") == 3
    assert written(f"\x1b[31m{OWN_ESCAPE}[0m\r{OWN}\n") == "\\x1b[31m\x1b[0m\r\n"
    assert OWN not in written(shown) and one_line(one_line(shown)) == one_line(shown)


@pytest.mark.parametrize(
    "lines", [joined([NAME, "b"]), "\n".join(wrap(NAME)), "\n".join(fold(NAME)), fitted(one_line(NAME))]
)
def test_a_line_stays_one(lines: str) -> None:
    assert leaks(lines.replace("\\\n", "")) == []


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_fault_of_azlics_own_is_told_without_it(site: Site, debug: str) -> None:
    code = f"import sys\nimport azlic.app\ndef fail(words): raise RuntimeError({NAME!r})\n"
    code += "import azlic.__main__\nazlic.__main__.command_line = fail\nsys.argv = ['azlic']\nazlic.__main__.run()"
    told = subprocess.run([sys.executable, "-c", code], env={"AZLIC_DEBUG": debug}, capture_output=True, check=False)
    assert told.returncode == 3 and b"RuntimeError" in told.stderr
    assert {found for found in leaks(told.stderr) if not (debug and found.startswith("'FORGED"))} == set()


@pytest.mark.long
def test_a_terminal_gets_colours_and_nothing_of_a_name(tmp_path: Path) -> None:
    folder = tmp_path / NAME
    folder.mkdir()
    site = Site(folder)
    site.install(folder=folder / NAME)
    environment = os.environ | {"AZLIC_TRUST": str(site.trust.folder), "AZLIC_LICENSES": str(folder / NAME)}
    for words in (
        ("verify", folder / NAME),
        ("verify", folder / NAME, folder),
        ("status",),
        ("config", "show"),
        ("alerts",),
    ):
        ours, theirs = pty.openpty()
        process = subprocess.Popen([PROGRAM, *words], stdout=theirs, stderr=theirs, env=environment, cwd=folder)
        os.close(theirs)
        shown = read_all(ours)
        process.wait()
        plain = shown.replace(b"\r\n", b"\n")
        for colour in (b"\x1b[31m", b"\x1b[32m", b"\x1b[33m", b"\x1b[34m", b"\x1b[1m", b"\x1b[0m"):
            plain = plain.replace(colour, b"")
        assert (b"\x1b[0m" in shown or words[0] == "config") and leaks(plain.replace(b"\\\n", b"")) == [], words
    site.close()


def read_all(terminal: int) -> bytes:
    content = b""
    while True:
        try:
            content += os.read(terminal, 65536)
        except OSError:  # the other end is closed
            os.close(terminal)
            return content


@pytest.mark.long
@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (("watch", "output", "--rescan", "1"), 2),
        (("serve", "--listen", "127.0.0.1:0"), 1),
        (("issuer", "serve", "--listen", "127.0.0.1:0", "--database", "issuer.db", "--keys", "issuer-keys"), 1),
        (("engine", "read", "eula=accept", f"Mounts:License={NAME}", "Mounts:Output=output"), 1),
        (("verify", "license", NAME, "--watch", "--json"), 2),
        (("verify", "license", NAME, "--watch"), 2),
    ],
    ids=lambda words: " ".join(words[:2]) if isinstance(words, tuple) else "",
)
def test_what_runs_for_long_logs_nothing_of_a_name(tmp_path: Path, words: tuple[str, ...], lines: int) -> None:
    folder = tmp_path / NAME
    folder.mkdir()
    site = Site(folder)
    site.install()
    site.add_resource()
    site.ingest()
    usage = site.output / NAME / "0123456789ab" / f"usage-{NAME}.jsonl"
    usage.parent.mkdir(parents=True)
    usage.write_bytes(NAME.encode(errors="ignore") + b"\n")
    environment = os.environ | {"AZLIC_TRUST": str(site.trust.folder), "AZLIC_DATABASE": str(folder / "azlic.db")}
    with subprocess.Popen(
        [PROGRAM, *words], env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(lines)]
        process.terminate()
        told += process.stdout.readlines()
    assert b"".join(told) and leaks(b"".join(told)) == []
    site.close()
