"""A command that only shows something writes nothing, and shows it to whoever may read: docs/commands.md."""

import contextlib
import hashlib
import io
import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

import usage.plans.azure_decode  # noqa: F401 - its models are made before a test stops the clock
from azlic.__main__ import main
from azlic.app import command_line
from tests.azlic.conftest import Cli
from tests.frozen import clock_at
from tests.licensing.another_user import as_another_user, reachable_folder, root_only
from tests.site import Site, a_license
from tests.test_promises import commands
from tests.usage.lines import a_line

DOCUMENTED = (Path(__file__).parent.parent.parent / "docs" / "commands.md").read_text()
EVERY = {" ".join(words) for words in commands(get_command(command_line([])))}
ISSUER = ("--database", "issuer.db")
READING: dict[str, tuple[str, ...]] = {
    "verify": ("license",),
    "adopted list": (),
    "trust list": (),
    "clock status": (),
    "config show": (),
    "status": (),
    "containers": (),
    "tags": ("tags.txt",),
    "run": ("read",),
    "diagnose": ("--offline", "--license", "license", "--output", "output"),
    "doctor": ("--license", "license", "--output", "output", "--database", "azlic.db"),
    "quarantine list": (),
    "findings list": (),
    "sources list": (),
    "records list": (),
    "corrections list": (),
    "plan list": (),
    "plan show": ("plant-2026",),
    "plan rule list": ("plant-2026",),
    "report": ("2026-03",),
    "inspect": ("march.azlic", "--key", "site-keys/site.pem"),
    "handing-sites list": (),
    "check": (),
    "calendar": (),
    "issuer resource list": ISSUER,
    "issuer container list": ISSUER,
    "issuer issued": ISSUER,
    "issuer revoked": ISSUER,
    "issuer content-keys": ISSUER,
    "issuer site list": ISSUER,
    "issuer audit": ISSUER,
    "issuer usage": ("--ledger", "azlic.db"),
}
SERVING = {"serve"}
"""It runs until it is told to end; test_serve holds that its ledger is only read."""


def documented() -> set[str]:
    return set(re.findall(r"`([a-z -]+)`", DOCUMENTED.partition("|---|---|")[2].partition("\n\n")[0]))


def test_every_command_is_documented_as_writing_or_is_tried_here() -> None:
    assert documented() - {"alerts"} < EVERY
    assert (documented() - {"alerts"}) | set(READING) | SERVING == EVERY
    assert not documented() & set(READING)


@pytest.fixture
def site() -> Iterator[Site]:
    """A site that another user may look at, with something to tell for every command."""
    with reachable_folder() as folder:
        site = Site(folder)
        site.install(a_license())
        site.add_resource()
        usage = site.output / "read" / "0123456789ab" / "usage-2026-03-01.jsonl"
        usage.parent.mkdir(parents=True)
        usage.write_bytes(a_line("a") + b"\nnot a record\n")
        (folder / "tags.txt").write_text("3.2.0\n3.1.0\n")
        yield site


@pytest.fixture
def kept(cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The same, its usage in the ledger, two weeks later: an answer that moves the clock's mark would be seen."""
    monkeypatch.setenv("AZLIC_SITE", "hall-7")
    monkeypatch.setenv("AZLIC_SITE_KEYS", str(site.folder / "site-keys"))
    monkeypatch.setenv("AZLIC_LICENSES", str(site.license))
    with clock_at("2026-03-02"):
        for words in (
            ("ingest", "output"),
            ("plan", "import", "license"),
            ("site", "init"),
            ("export", "-o", "march.azlic"),
        ):
            assert cli(*words).status in (0, 1), words
    with clock_at("2026-03-16"):
        yield site


def digest(folder: Path) -> dict[str, str]:
    """Every file with its content and its time of change, every folder with its entries."""
    return {
        str(path): f"{path.lstat().st_mtime_ns} "
        + (hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "")
        for path in (folder, *sorted(folder.rglob("*")))
    }


def told() -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        status = main()
    return f"{status} {out.getvalue()}"


@root_only
@pytest.mark.parametrize("form", ["words", "json"])
def test_a_command_that_reads_changes_nothing_and_needs_no_right_to_write(
    cli: Cli, kept: Site, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, wrong = digest(kept.folder), []
    for path in (kept.folder, *kept.folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    for command, more in READING.items():
        words = (*command.split(), *more, *(["--json"] if form == "json" and _has_json(cli, command) else []))
        status = cli(*words).status  # also loads what another user may not
        monkeypatch.setattr("sys.argv", ["azlic", *words])
        answer = as_another_user(told)
        if not answer.startswith(f"{status} ") or (status == 3 and command not in ("check",)):
            wrong.append(f"{words}: {status} as root, else {answer}")
        if digest(kept.folder) != before:
            wrong.append(f"{words} changed something")
            break
    assert wrong == []


def _has_json(cli: Cli, command: str) -> bool:
    return "--json" in cli(*command.split(), "--help").out


@root_only
def test_alerts_and_audit_answer_a_user_who_may_not_write(
    cli: Cli, kept: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words in (("alerts",), ("audit",)):
        status = cli(*words).status
        before = digest(kept.folder)
        for path in (kept.folder, *kept.folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        monkeypatch.setattr("sys.argv", ["azlic", *words])
        assert as_another_user(told).startswith(f"{status} ")
        assert digest(kept.folder) == before


LEADS_ON = "azlic.db-journal beside it is taken back: azlic report"
"""`azlic check` has one line: it names the alert that says so."""


def leave_a_hot_journal(ledger: Path) -> None:
    """A copy of the ledger and its journal, taken while somebody writes, as a killed writer leaves them."""
    copy = ledger.with_name("copy.db")
    with contextlib.closing(sqlite3.connect(ledger, isolation_level=None)) as writer:
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute(
            "CREATE TABLE grown AS WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n WHERE i < 2000)"
            " SELECT randomblob(500) FROM n"
        )
        shutil.copy(ledger, copy)
        shutil.copy(f"{ledger}-journal", f"{copy}-journal")
        writer.execute("ROLLBACK")
    copy.rename(ledger)
    Path(f"{copy}-journal").rename(f"{ledger}-journal")


@root_only
def test_what_a_killed_writer_left_is_told_in_words_that_lead_on(
    cli: Cli, kept: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_sites = {name: more for name, more in READING.items() if not name.startswith("issuer")}
    reading = of_sites | {"alerts": (), "audit": (), "checkpoint": ()}
    for command, more in reading.items():
        cli(*command.split(), *more)  # loads what another user may not
    leave_a_hot_journal(kept.folder / "azlic.db")
    before, wrong, told_of = digest(kept.folder), [], set()
    for path in (kept.folder, *kept.folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    for command, more in reading.items():
        monkeypatch.setattr("sys.argv", ["azlic", *command.split(), *more])
        answer = as_another_user(told)
        if LEADS_ON in " ".join(answer.split()):
            told_of.add(command)
        elif command != "check" and re.search("^3|readonly|disk I/O|malformed|unable to open|unexpected", answer):
            wrong.append(f"{command}: {answer}")
    assert wrong == [] and digest(kept.folder) == before
    assert told_of >= {
        "report",
        "status",
        "plan list",
        "clock status",
        "sources list",
        "alerts",
        "audit",
        "findings list",
    }
    for path in (kept.folder, *kept.folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for command, more in {**reading, "backup": ("kept.db",)}.items():
        if command in told_of | {"backup"}:
            leave_a_hot_journal(kept.folder / "azlic.db")
            done = cli(*command.split(), *more)
            assert LEADS_ON not in " ".join((done.out + done.err).split()), f"{command}: whoever may write goes on"


@pytest.mark.parametrize("words", [("report", "2026-03"), ("alerts",), ("audit",)], ids=" ".join)
def test_an_answer_does_not_move_the_clocks_mark(cli: Cli, kept: Site, words: tuple[str, ...]) -> None:
    def marks() -> str:
        return cli("clock", "status").out

    before = marks()
    assert "Answer given    2026-03-02" in before
    cli(*words)
    assert marks() == before
