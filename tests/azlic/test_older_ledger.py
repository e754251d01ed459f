"""A ledger that the version before wrote (schema 0003), with closed months, corrections, readings and a hand-over."""

import gzip
import re
import shutil
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path, PurePath
from sqlite3 import connect

import pytest

from licensing.db.database import open_ledger
from licensing.db.store_kind import StoreKind
from licensing.issuer.statements import sign_clock_reset
from migrations import HEAD
from tests.azlic.conftest import Cli
from tests.azlic.test_reading_writes_nothing import DOCUMENTED, READING
from tests.azlic.test_stores import SITE_WORDS
from tests.site import Site, a_license, a_plan
from tests.tables import put_tables
from tests.usage.lines import a_line

VECTORS = Path(__file__).parent.parent / "vectors"


@pytest.fixture
def ledger(site: Site) -> Path:
    return lay_ledger(site)


def lay_ledger(site: Site) -> Path:
    """The committed ledger, where the site's commands look for theirs; the kept checkpoint lies beside it."""
    path = site.folder / "azlic.db"
    path.write_bytes(gzip.decompress((VECTORS / "ledger-0003.db.gz").read_bytes()))
    shutil.copy(VECTORS / "ledger-0003.checkpoint", site.folder / "checkpoint.txt")
    return path


def rows(ledger: Path, query: str) -> list[tuple[object, ...]]:
    with closing(connect(ledger)) as connection:
        return connection.execute(query).fetchall()


ANY_SCHEMA = {"verify", "clock status", "config show"}
"""They ask what the ledger remembers of licenses and of the time, whichever version wrote it, or ask it nothing."""


@pytest.mark.parametrize("command", sorted(READING.keys() & SITE_WORDS.keys() | {"alerts", "audit"}))
def test_a_command_that_reads_says_how_to_bring_it_up_to_date(cli: Cli, ledger: Path, command: str) -> None:
    before = ledger.read_bytes()
    answer = cli(*command.split(), *READING.get(command, ()))
    told = " ".join((answer.out + answer.err).split())
    said = "ledger-unreadable" if command == "check" else "has the older schema 0003"  # one line has no room for more
    assert (said in told) is (command not in ANY_SCHEMA), answer
    assert ledger.read_bytes() == before


def test_a_command_that_reads_gives_it_no_other_status_than_a_bad_call(cli: Cli, ledger: Path) -> None:
    refused = cli("report", "2026-02")
    assert refused.status == 2 and "azlic ingest" in refused.err and "azlic backup" in refused.err


def test_a_backup_from_before_is_a_ledger_of_the_version_that_wrote_it(cli: Cli, ledger: Path) -> None:
    before = ledger.read_bytes()
    made = cli("backup", "kept.db")
    assert made.status == 0 and "53 batches" in made.out, made
    assert ledger.read_bytes() == before
    assert rows(ledger.with_name("kept.db"), "SELECT version_num FROM alembic_version") == [("0003",)]
    assert rows(ledger.with_name("kept.db"), "SELECT * FROM batch") == rows(ledger, "SELECT * FROM batch")
    assert {path.name for path in ledger.parent.glob(".*")} == set()


def test_no_backup_is_made_of_an_older_ledger_that_was_changed(cli: Cli, ledger: Path) -> None:
    with closing(connect(ledger)) as connection, connection:
        connection.execute("DROP TRIGGER record_no_update")
        connection.execute("UPDATE record SET quantity = quantity + 1 WHERE number = 7")
    assert cli("backup", "kept.db").status == 1
    assert not ledger.with_name("kept.db").exists()


PLAN = ("--type", "Read", "--quota", "1", "--unit", "T", "--period", "year")
VECTOR = PurePath("/", "tmp", "vector", "run", "licenses")
WRITING: dict[str, tuple[str, ...]] = {
    "ingest": ("output",),
    "quarantine retry": (),
    "quarantine discard": ("2", "--reason", "a copy"),
    "findings settle": ("1", "--reason", "known"),
    "import": ("report.json", "--source", "hall-2", "--all-time"),
    "sources separate": ("translator-2", "--yes"),
    "sources round": ("translator-2", "--reason", "doubles"),
    "plan import": ("license",),
    "plan add": ("p-2027", *PLAN, "--start", "2027-01-01", "--end", "2028-01-01"),
    "plan amend": ("read-2026", "--units", "1", "--from", "2026-07-01"),
    "plan end": ("read-2026",),
    "plan renew": ("read-2026",),
    "plan rename": ("read-2026", "read"),
    "plan remove": ("read-2026", "--yes"),
    "plan map": ("read-2026", "Sample.Meter"),
    "plan rule add": ("read-2026", "--site", "hall-7"),
    "plan rule remove": ("read-2026", "--site", "hall-7"),
    "close": ("2026-02", "--accept", "known", "--yes"),
    "correct": ("019bb71e-aec0-7000-8000-000000000004", "--quantity", "1", "--reason", "one page", "--yes"),
    "checkpoint": (),
    "export": ("--output", "new.azlic"),
    "accept": ("hall-2.azlic", "--output", "ack.json", "--keys", "site-keys"),
    "handing-sites add": ("hall-3", "site-keys/site.pem"),
    "adopt": ("opaque", "--container", "text-translation", "--expires", "2099-01-01"),
    "adopted remove": (str(VECTOR / "translator"), "--yes"),
    "clock reset": ("reset.json", "--yes"),
    "clock strike": ("--reason", "wrong", "--yes"),
    "alerts ack": ("gap", "--until", "2099-01-01"),
    "alerts forget": (str(VECTOR / "bound"),),
    "notify": (),
    "restore": ("older.db", "--yes"),
    "verify": ("license", "--record"),
}
"""How each command that writes the ledger is tried here."""
ORDINARY = {
    "plan remove": (2, "is closed"),
    "plan rule remove": (2, "has no rule"),
    "quarantine retry": (1, "conflicts"),
    "accept": (1, "hall-2"),
    "clock strike": (2, "nothing to strike"),
}
"""What is refused, or not all well, in a ledger of this version, too."""
ELSEWHERE = {"watch", "pull", "acknowledge"}
"""They need a partner: a signal, a container, a head office."""


def test_every_command_that_writes_the_ledger_is_tried_here() -> None:
    listed = re.search(r"^[|] the ledger [|](.*)[|]$", DOCUMENTED, re.MULTILINE)
    assert listed is not None
    assert set(re.findall(r"`([a-z -]+)`", listed[1])) == set(WRITING) - {"verify"} | ELSEWHERE


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test's folder is kept as it was prepared, for the others."""
    return tmp_path_factory.mktemp("kept") / "site"


@pytest.fixture
def prepared(cli: Cli, site: Site, ledger: Path, monkeypatch: pytest.MonkeyPatch, kept: Path) -> Cli:
    if not kept.exists():
        prepare(cli, site, ledger, monkeypatch)
        shutil.copytree(site.folder, kept, symlinks=True)
        return cli
    shutil.rmtree(site.folder)
    shutil.copytree(kept, site.folder, symlinks=True)
    monkeypatch.chdir(site.folder)
    set_site(site, monkeypatch)
    return cli


def set_site(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZLIC_SITE", "hall-7")
    monkeypatch.setenv("AZLIC_SITE_KEYS", str(site.folder / "site-keys"))


def prepare(cli: Cli, site: Site, ledger: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Make everything that the commands name be there, and good."""
    folder = site.folder
    set_site(site, monkeypatch)
    later = {"starts_at": datetime(2027, 1, 1, tzinfo=UTC), "ends_at": datetime(2028, 1, 1, tzinfo=UTC)}
    site.install(a_license(plan=a_plan("read-2027", **later)))
    site.add_resource()
    reset = sign_clock_reset(
        site.issuer_store, site.public_key.parent, instant=site.now, reason="wrong", site=None, now=site.now, actor="x"
    )
    (folder / "reset.json").write_bytes(reset[1])
    shutil.copy(ledger, folder / "older.db")
    site.output.mkdir(exist_ok=True)
    (folder / "opaque").mkdir()
    (folder / "opaque" / "license.dat").write_bytes(b"opaque")
    (folder / "report.json").write_text('{"apiType": "noop", "serviceName": "noop", "meters": []}')
    (folder / "channels.toml").write_text('[pager]\ncommand = ["true"]')
    (folder / "channels.toml").chmod(0o600)
    (folder / "azlic.toml").write_text('channels = "channels.toml"')
    assert cli("site", "init").status == 0
    monkeypatch.setenv("AZLIC_SITE", "hall-2")
    elsewhere = folder / "elsewhere" / "read" / "0123456789ab" / "usage-2026-03-01.jsonl"
    elsewhere.parent.mkdir(parents=True)
    elsewhere.write_bytes(a_line("a") + b"\n")
    put_tables(str(folder / "other.db"), StoreKind.SITE, 0o640)
    for words in (("ingest", "elsewhere"), ("export", "-o", "hall-2.azlic")):
        assert cli(*words, "--database", "other.db").status == 0, words
    monkeypatch.setenv("AZLIC_SITE", "hall-7")
    return cli


@pytest.mark.parametrize("command", WRITING)
def test_a_command_that_writes_brings_it_up_to_date_and_does_its_work(
    prepared: Cli, site: Site, ledger: Path, command: str
) -> None:
    answer = prepared(*command.split(), *WRITING[command])
    status, told = ORDINARY.get(command, (0, ""))
    assert answer.status == status and told in answer.err + answer.out, answer
    assert rows(ledger, "SELECT version_num FROM alembic_version") == [(HEAD,)]
    audited = prepared("audit", "--against", "checkpoint.txt", "--json")
    assert audited.status == 0, f"what {command} wrote was not booked: {audited}"


def test_brought_up_to_date_it_audits_and_reports_as_it_did(cli: Cli, ledger: Path) -> None:
    open_ledger(str(ledger), upgrade=True).dispose()
    assert rows(ledger, "SELECT kind FROM store") == [("site",)]
    audited = cli("audit", "--against", "checkpoint.txt")
    assert audited.status == 0, audited
    assert "53 batches, 59 records, 2 closed months" in audited.out
    assert "nothing up to batch 53 was changed" in audited.out
    lines = [" ".join(line.split()) for line in cli("report", "2026-02").out.splitlines()]
    assert [line for line in lines if line.startswith("in 2026-02")][:2] == ["in 2026-02 224.5", "in 2026-02 1,050"]


def test_it_is_no_issuers_store_and_keeps_its_schema_when_refused(cli: Cli, ledger: Path) -> None:
    refused = cli("issuer", "init", "--keys", "keys")
    assert refused.status == 3 and "is a site's ledger, not an issuer's store" in refused.err
    assert rows(ledger, "SELECT version_num FROM alembic_version") == [("0003",)]
