"""Names that the system can hold and UTF-8 cannot: every command takes them, keeps them, and shows them escaped."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from licensing.db.database import reading, writing
from licensing.db.names import file_name, stored_name
from licensing.db.schema import rows_of
from licensing.db.store_kind import StoreKind
from tests.azlic.conftest import Cli
from tests.frozen import clock_at
from tests.site import CONTAINER_ID, START, Site, a_license
from tests.tables import put_tables
from tests.usage.commitments import day
from tests.usage.lines import a_line
from usage.ledger.tables.records import SourceRow

NAMES = {
    "Latin-1": os.fsdecode(b"caf\xe9"),
    "all that is not ASCII": os.fsdecode(bytes(range(128, 256))),
    "a cut character": os.fsdecode("halle-ü".encode()[:-1]),
    "the plane it is kept in": "\U0010dce9 \U0010dc80",
    "both": os.fsdecode(b"\xe9") + "\U0010dce9",
    "a line break": "a\nb\x1b[31m",
    "an emoji": "\N{GRINNING FACE}",
    "like an escape": r"caf\udce9",
}
COMMANDS = (
    "ingest output",
    "verify licenses",
    "verify licenses --record --json",
    "alerts",
    "alerts --json",
    "check",
    "check --prometheus azlic.prom",
    "notify",
    "status",
    "doctor --json",
    "findings list",
    "findings list --json",
    "quarantine list",
    "quarantine list --json",
    "adopted list",
    "adopted list --json",
    "report 2026-03",
    "audit",
    "audit --files",
    "calendar",
    "clock status",
    "clock status --json",
    "close 2026-02 output --json --yes",
)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with clock_at(START):
        yield


@pytest.fixture(params=list(NAMES.values()), ids=list(NAMES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def strange(site: Site, cli: Cli, name: str, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A site whose folders of licenses and usage files have a strange name; some of them are gone since."""
    put_tables(site.database, StoreKind.SITE, 0o640)
    monkeypatch.setenv("AZLIC_LICENSES", str(site.folder / "licenses"))
    licenses = site.folder / "licenses"
    licenses.mkdir()
    (licenses / f"{name}-opaque").mkdir()
    (licenses / f"{name}-opaque" / "license.dat").write_bytes(b"another maker's")
    site.install(folder=licenses / "good")
    site.install(
        a_license(license_id="01900000-0000-7000-8000-0000000000e1", expires_at=day("2026-04-01")), licenses / name
    )
    site.install(folder=licenses / f"{name}-gone")
    for folder, lines in ((name, [a_line("a"), b"bad"]), (f"{name}-gone", [a_line("b")])):
        path = site.output / folder / CONTAINER_ID / "usage-2026-03-01.jsonl"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"".join(line + b"\n" for line in lines))
    pager = site.folder / "channels.toml"
    pager.write_text(f'[page]\ncommand = ["/bin/sh", "-c", "cat > {site.folder}/told.json"]\n')
    pager.chmod(0o600)
    (site.folder / "azlic.toml").write_text(f'channels = "{pager}"\n')
    assert cli("ingest", "output").status == 1
    words = ("--container", "text-translation", "--expires", "2026-12-31")
    assert cli("adopt", licenses / f"{name}-opaque", *words).status == 0
    assert cli("alerts").status == 1
    shutil.rmtree(site.output / f"{name}-gone")
    shutil.rmtree(licenses / f"{name}-gone")
    assert cli("ingest", "output").status == 1
    return cli


def test_every_command_takes_it_and_shows_it_escaped(strange: Cli, site: Site, name: str) -> None:
    wrong: dict[str, object] = {}
    for command in COMMANDS:
        answer = strange(*command.split())
        text = answer.out + answer.err
        if answer.status == 3 or "Unicode" in text or "\x1b" in text or "\udce9" in text:
            wrong[command] = answer
        if "--json" in command:
            assert answer.out.startswith("{"), (command, answer)
            assert not any("\ud800" <= c <= "\udfff" for c in str(json.loads(answer.out)))
    assert wrong == {}
    told = json.loads((site.folder / "told.json").read_text())["alerts"]
    kinds = {alert["kind"] for alert in told}
    assert {"license-missing", "license-expiring", "vanished", "quarantine"} <= kinds
    assert not any("\ud800" <= c <= "\udfff" for c in str(told))


def test_its_alert_is_taken_note_of_and_forgotten(strange: Cli, site: Site, name: str) -> None:
    alerts = json.loads(strange("alerts", "--json").out)["alerts"]
    (gone,) = [alert for alert in alerts if alert["kind"] == "license-missing"]
    assert strange("alerts", "ack", gone["id"], "--until", "2026-12-31").status == 0
    assert strange("alerts", "forget", site.folder / "licenses" / f"{name}-gone").status == 0
    left = {alert["kind"] for alert in json.loads(strange("alerts", "--json").out)["alerts"]}
    assert "license-missing" not in left


def test_what_was_taken_from_it_is_not_taken_again(strange: Cli) -> None:
    assert "0  new records" in strange("ingest", "output").out


@pytest.mark.databases("sqlite", "postgresql")
def test_the_database_gives_back_the_name_byte_for_byte(site: Site) -> None:
    with writing(site.ledger) as connection:
        for name in NAMES.values():
            connection.execute(SourceRow.__table__.insert().values(path=f"/{name}/x"))  # type: ignore[attr-defined]
    with reading(site.ledger) as connection:
        assert [row.path for row in rows_of(connection, SourceRow)] == [f"/{name}/x" for name in NAMES.values()]
        below = [
            row.path
            for name in NAMES.values()
            for row in rows_of(connection, SourceRow, SourceRow.path.startswith(f"/{name}/", autoescape=True))
        ]
        assert below == [f"/{name}/x" for name in NAMES.values()]


def test_names_are_kept_apart(name: str, tmp_path: Path) -> None:
    stored = stored_name(name)
    assert file_name(stored) == name and stored.encode().decode() == stored
    assert len({stored_name(one) for one in NAMES.values()}) == len(NAMES)
    (tmp_path / name).touch()
    assert [file_name(stored_name(path.name)) for path in tmp_path.iterdir()] == [name]
