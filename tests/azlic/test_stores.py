"""A site's ledger and an issuer's store: every command that opens a database refuses the other kind."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, select, table, text
from typer.main import get_command

from azlic.app import command_line
from licensing.db.database import reading
from licensing.db.store_kind import StoreKind
from licensing.issuer.statements import sign_clock_reset
from tests.azlic.conftest import Answer, Cli
from tests.site import OPERATOR, Site
from tests.tables import put_tables

DATES = ("--start", "2026-01-01", "--end", "2027-01-01")
PLAN = ("--type", "Read", "--quota", "1", "--unit", "T", "--period", "year", *DATES)
RESOURCE_PLAN = ("--plan-type", "Read", "--quota", "1", "--unit", "T", "--period", "year", *DATES)
FILES_ONLY = ("backup", "restore")
IN_ITS_OWN_WORDS = {
    "alerts": "is an issuer's store, not a site's ledger",
    "calendar": "is an issuer's store, not a site's ledger",
    "check": "ledger-unreadable",
    "config show": "settings file",
    "status": "is an issuer's store",
    "doctor": "is an issuer's store, not a site's ledger",
}
"""Commands that look at more than the ledger: what is wrong with it is one of their findings, and no refusal."""
KEYS = ("--keys", "issuer-keys")
SITE_WORDS = {
    "verify": ("license", "--record"),
    "adopt": ("opaque", "--container", "text-translation", "--expires", "2027-01-01"),
    "doctor": ("--json",),
    "ingest": ("output",),
    "watch": ("output",),
    "report": (),
    "close": ("2026-01",),
    "correct": ("record", "--quantity", "1", "--reason", "wrong"),
    "serve": ("--listen", "127.0.0.1:0"),
    "pull": ("http://127.0.0.1:9", "--source", "hall"),
    "import": ("report.json", "--source", "hall", "--all-time"),
    "audit": (),
    "checkpoint": (),
    "backup": ("new.db",),
    "restore": ("backup.db",),
    "export": ("--output", "export.tar"),
    "accept": ("export.tar", "--output", "ack.json", "--keys", "site-keys"),
    "acknowledge": ("ack.json", "--head-office", "site.pem"),
    "check": (),
    "notify": (),
    "calendar": (),
    "adopted list": (),
    "adopted remove": ("opaque", "--yes"),
    "quarantine list": (),
    "quarantine retry": (),
    "quarantine discard": ("1", "--reason", "torn"),
    "findings list": (),
    "findings settle": ("1", "--reason", "known"),
    "plan add": ("p", *PLAN),
    "plan list": (),
    "plan show": ("p",),
    "plan amend": ("p", "--units", "1", "--from", "2026-07-01"),
    "plan end": ("p",),
    "plan remove": ("p", "--yes"),
    "plan rename": ("p", "q"),
    "plan renew": ("p",),
    "plan rule list": (),
    "plan rule add": ("p", "--site", "hall"),
    "plan rule remove": ("p", "--site", "hall"),
    "sources round": ("hall", "--reason", "doubles"),
    "records list": (),
    "corrections list": (),
    "config show": (),
    "status": (),
    "plan map": ("p", "meter"),
    "plan import": ("license",),
    "sources list": (),
    "sources separate": ("hall", "--yes"),
    "clock status": (),
    "clock reset": ("reset.json", "--yes"),
    "clock strike": ("--reason", "wrong", "--yes"),
    "handing-sites add": ("hall", "site.pem"),
    "handing-sites list": (),
    "alerts": ("--json",),
    "alerts ack": ("ledger-unreadable", "--until", "2099-01-01"),
    "alerts forget": ("license",),
}
READS_WITHOUT = {"calendar", "config show"}
"""What they have to say, they can say without a ledger; that it is not there is told with it."""
ISSUER_WORDS = {
    "seal": ("models", "--to", "sealed", "--container", "read"),
    "issuer init": ("--keys", "new-keys"),
    "issuer approve": (),
    "issuer withdraw": ("default",),
    "issuer issued": (),
    "issuer revoke": ("01900000-0000-7000-8000-000000000001", "--reason", "stolen"),
    "issuer revoked": (),
    "issuer content-keys": (),
    "issuer answer": ("request.json", "--output", "answer.dat", "--url", "https://issuer.example", *KEYS),
    "issuer rotate": ("-o", "rotation.json"),
    "issuer revocations": ("-o", "revocations.json"),
    "issuer clock-reset": ("--to", "2026-01-01", "--reason", "wrong", "-o", "new-reset.json"),
    "issuer audit": (),
    "issuer serve": ("--listen", "127.0.0.1:0", "--url", "https://issuer.example", *KEYS),
    "issuer resource add": ("r", "--container", "read", *RESOURCE_PLAN, "--keys-to", "new-api-keys"),
    "issuer resource quota": ("r", "--stop"),
    "issuer resource key": ("r", "--slot", "1", "--keys-to", "new-api-keys"),
    "issuer resource list": (),
    "issuer container add": ("r", "--container", "read"),
    "issuer container set": ("r", "--container", "read", "--grace-days", "3"),
    "issuer container renew-id": ("r", "--container", "read"),
    "issuer container list": (),
    "issuer plan set": ("r", *RESOURCE_PLAN),
    "issuer site add": ("hall", "site.pem", "--resource", "r"),
    "issuer site list": (),
    "issuer site remove": ("hall", "--yes"),
}


def commands(command: object, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The commands that take ``--database``, as the program has them."""
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))
    if any("--database" in parameter.opts for parameter in getattr(command, "params", ())):
        yield " ".join(path)


def content(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Everything in a database, its schema's number too."""
    with reading(engine) as connection:
        return {
            name: sorted(map(tuple, connection.execute(select(text("*")).select_from(table(name)))), key=repr)
            for name in inspect(connection).get_table_names()
        }


@pytest.fixture
def prepared(cli: Cli, site: Site) -> Cli:
    """Everything that the words above name is there, and good."""
    site.install()
    (site.folder / "opaque").mkdir()
    (site.folder / "opaque" / "license.dat").write_bytes(b"opaque")
    (site.folder / "models").mkdir()
    (site.folder / "models" / "model").write_bytes(b"model")
    (site.folder / "report.json").write_text('{"apiType": "noop", "serviceName": "noop", "meters": []}')
    for name in ("export.tar", "ack.json", "request.json"):
        (site.folder / name).write_bytes(b"{}")
    (site.folder / "site.pem").write_bytes(site.public_key.read_bytes())
    (site.folder / "channels.toml").write_text('[pager]\ncommand = ["true"]')
    (site.folder / "channels.toml").chmod(0o600)
    (site.folder / "azlic.toml").write_text('channels = "channels.toml"')
    assert cli("site", "init", "--keys", "site-keys").status == 0
    put_tables(str(site.folder / "good.db"), StoreKind.SITE, 0o640)
    assert cli("ingest", "output", "--database", "good.db").status == 0
    assert cli("backup", "backup.db", "--database", "good.db").status == 0
    return cli


def wrong_answers(cli: Cli, words: Mapping[str, tuple[str, ...]], engine: Engine, refusal: str) -> dict[str, Answer]:
    """Run each command on a database of the other kind; gives the answers that are not the refusal they should be.

    Whatever they answer, nothing in the database may change.
    """
    before = content(engine)
    wrong = {}
    for name, rest in words.items():
        answer = cli(*name.split(), *rest, "--database", target_of(engine))
        said = IN_ITS_OWN_WORDS.get(name, refusal) in " ".join((answer.err + answer.out).split())
        if not said or (answer.status != 3 and name not in IN_ITS_OWN_WORDS):
            wrong[name] = answer
        assert content(engine) == before, name
    return wrong


def target_of(engine: Engine) -> str:
    return (
        str(engine.url.database)
        if engine.dialect.name == "sqlite"
        else engine.url.render_as_string(hide_password=False)
    )


def test_every_command_that_takes_a_database_is_tried_here() -> None:
    assert set(commands(get_command(command_line([])))) == SITE_WORDS.keys() | ISSUER_WORDS.keys()


@pytest.mark.databases("sqlite", "postgresql")
def test_a_command_of_a_site_refuses_an_issuers_store(site: Site, prepared: Cli) -> None:
    site.add_resource()
    store = site.issuer_store
    keys, now = site.public_key.parent, site.now
    _, signed = sign_clock_reset(store, keys, instant=now, reason="wrong", site=None, now=now, actor=OPERATOR)
    (site.folder / "reset.json").write_bytes(signed)
    words = {
        name: rest for name, rest in SITE_WORDS.items() if store.dialect.name == "sqlite" or name not in FILES_ONLY
    }
    assert wrong_answers(prepared, words, store, "is an issuer's store, not a site's ledger") == {}


@pytest.mark.databases("sqlite", "postgresql")
def test_a_command_of_an_issuer_refuses_a_sites_ledger(site: Site, prepared: Cli) -> None:
    assert wrong_answers(prepared, ISSUER_WORDS, site.ledger, "is a site's ledger, not an issuer's store") == {}


def test_no_command_makes_a_ledger_behind_a_mistyped_path(prepared: Cli, site: Site) -> None:
    before = sorted(site.folder.rglob("*.db*"))
    for name, rest in SITE_WORDS.items():
        for path in ("nowhere/azlic.db", "azlik.db"):
            if (name, path) == ("restore", "azlik.db"):
                continue  # it is told to make that one
            answer = prepared(*name.split(), *rest, "--database", path)
            made = sorted(set(site.folder.rglob("*.db*")) - set(before))
            assert not (site.folder / "nowhere").exists() and made == [], name
            assert answer.status != 0 or name in READS_WITHOUT, (name, answer)


def test_no_command_makes_a_ledger_where_something_of_one_is_left(prepared: Cli, site: Site) -> None:
    (site.folder / "lost.db-wal").touch()
    answer = prepared("ingest", "output", "--database", "lost.db")
    assert answer.status == 3 and "lost.db-wal of it is left" in answer.err
    assert not (site.folder / "lost.db").exists()


def test_a_second_ledger_is_made_where_an_empty_file_says_so(cli: Cli, site: Site, tmp_path: Path) -> None:
    site.ledger.dispose()
    for place in ("azlik.db", tmp_path / "elsewhere.db"):
        refused = cli("ingest", "output", "--database", place)
        assert refused.status == 3 and f"there is one at {site.folder / 'azlic.db'}" in refused.err
        (hint,) = re.findall(r"touch (\S+)", refused.err)
        (site.folder / hint).touch()
        assert cli("ingest", "output", "--database", place).status == 0


def test_a_pipe_beside_the_first_ledger_is_not_waited_for(cli: Cli, site: Site) -> None:
    os.mkfifo(site.folder / "pipe")
    assert cli("ingest", "output").status == 0


def test_the_first_making_of_a_ledger_is_said_once(
    prepared: Cli, site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    site.ledger.dispose()
    monkeypatch.setenv("AZLIC_DATABASE", "first.db")
    for path in site.folder.glob("*.db*"):
        path.unlink()
    for said in (True, False):
        answer = prepared("ingest", "output", "--database", "first.db")
        assert answer.status == 0 and ("made a new ledger at first.db" in answer.err) is said
