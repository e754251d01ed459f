"""What may lie where the ledger should: whoever looks cannot know, and each that is asked says so in the same words."""

import json
import os
import shutil
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

import migrations
from azlic.monitoring.plugin import check_line
from azlic.monitoring.site_state import look_at_site
from azlic.settings import load_settings
from tests.azlic.conftest import Cli
from tests.azlic.web.pages import watched_site
from tests.frozen import clock_at
from tests.licensing.another_user import as_another_user, reachable_folder, root_only
from tests.site import START, Site


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as made:
        made.bind(os.path.relpath(path))


def a_folder(path: Path) -> None:
    path.mkdir()


def a_device(path: Path) -> None:
    path.symlink_to("/dev/null")


def an_endless_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def nothing(_: Path) -> None:
    """A ledger that was deleted."""


def a_link_to_nothing(path: Path) -> None:
    path.symlink_to("gone.db")


def a_link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


def an_empty_file(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("id,quantity\n" * 99)


def half_of_it(path: Path) -> None:
    content = path.with_name("kept.db").read_bytes()
    path.write_bytes(content[: len(content) // 2])


def its_first_kilobyte(path: Path) -> None:
    path.write_bytes(path.with_name("kept.db").read_bytes()[:1024])


def zeroed_pages(path: Path) -> None:
    content = path.with_name("kept.db").read_bytes()
    path.write_bytes(content[:4096] + bytes(len(content) - 4096))


def another_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (text)")


def a_newer_ledger(path: Path) -> None:
    _with_revision(path, f"{int(migrations.HEAD) + 1:04}")


def an_older_ledger_in_name(path: Path) -> None:
    _with_revision(path, "0001")


def _with_revision(path: Path, revision: str) -> None:
    shutil.copy(path.with_name("kept.db"), path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [revision])


def an_issuers_store(path: Path) -> None:
    shutil.copy(path.with_name("kept.db"), path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE store SET kind = 'issuer'")


KINDS: tuple[Callable[[Path], None], ...] = (
    *(a_pipe, a_socket, a_folder, a_device, an_endless_device),
    *(nothing, a_link_to_nothing, a_link_to_itself),
    *(an_empty_file, text, half_of_it, its_first_kilobyte, zeroed_pages),
    *(another_database, a_newer_ledger, an_older_ledger_in_name, an_issuers_store),
)


@pytest.fixture
def ledger(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The place of a ledger that was there."""
    monkeypatch.setenv("AZLIC_LICENSES", str(site.license))
    site.install()
    site.ledger.dispose()
    path = site.folder / "azlic.db"
    path.rename(path.with_name("kept.db"))
    with clock_at(START):
        yield path


def readable(metrics: str) -> list[str]:
    return [line for line in metrics.splitlines() if line.startswith("azlic_ledger_readable")]


def judged(cli: Cli) -> tuple[int, str, list[str], list[tuple[str, str]]]:
    """Status and first words of `check`, what its metrics say, and the alerts."""
    answer = cli("check", "--prometheus", "azlic.prom")
    alerts = json.loads(cli("alerts", "--json").out)["alerts"]
    told = readable(Path("azlic.prom").read_text())
    return answer.status, answer.out.partition(" |")[0], told, [(one["id"], one["severity"]) for one in alerts]


UNKNOWN = (
    3,
    "AZLIC UNKNOWN - 1 alert: ledger-unreadable unreadable",
    ["azlic_ledger_readable 0.0"],
    [("ledger-unreadable", "critical")],
)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_it_is_unknown_to_monitoring_and_one_critical_alert(
    cli: Cli, ledger: Path, kind: Callable[[Path], None]
) -> None:
    kind(ledger)
    assert judged(cli) == UNKNOWN
    status = cli("status")
    assert status.status != 0 and "not known: they stand in the ledger" in status.out


def test_a_ledger_that_another_process_keeps_locked_is_unknown(cli: Cli, ledger: Path) -> None:
    ledger.with_name("kept.db").rename(ledger)
    with closing(sqlite3.connect(ledger, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("UPDATE store SET kind = kind")
        answer = cli("check")
        assert answer.status == 3 and answer.out.startswith("AZLIC UNKNOWN - 1 alert: ledger-unreadable")


def test_the_page_says_the_same(site: Site, ledger: Path) -> None:
    ledger.with_name("kept.db").rename(ledger)
    seen = watched_site(site, site.license)
    assert readable(seen.scrape().text.decode()) == ["azlic_ledger_readable 1.0"]
    seen.ledger.dispose()
    ledger.unlink()
    text(ledger)
    assert readable(seen.scrape().text.decode()) == ["azlic_ledger_readable 0.0"]


@root_only
@pytest.mark.parametrize("closed", ["file", "folder"])
def test_what_this_user_may_not_read_is_unknown(site: Site, ledger: Path, closed: str) -> None:
    with reachable_folder() as folder:
        (folder / "data").mkdir()
        (folder / "azlic.toml").touch()
        shutil.copy(ledger.with_name("kept.db"), folder / "data" / "azlic.db")
        (folder / "data" / "azlic.db").chmod(0o600 if closed == "file" else 0o644)
        (folder / "data").chmod(0o755 if closed == "file" else 0o700)
        line = as_another_user(lambda: check_line_of(folder / "data" / "azlic.db"))
    assert line.startswith("AZLIC UNKNOWN - 1 alert: ledger-unreadable unreadable |"), line


def check_line_of(ledger: Path) -> str:
    named = {
        "AZLIC_LICENSES": "[]",
        "AZLIC_DATABASE": str(ledger),
        "AZLIC_CONFIG": str(ledger.parent.parent / "azlic.toml"),
    }
    settings = load_settings(named)
    state, found = look_at_site(settings, trust=ledger.parent.parent, database=None, now=START)
    return check_line(state, found, lead_days=settings.lead_days)
