"""The hand-over as a site and head office run it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from azlic.settings import load_settings
from licensing.db.store_kind import StoreKind
from tests.azlic.conftest import Cli
from tests.site import Site
from tests.tables import put_tables
from tests.usage.lines import a_line

AT_OFFICE = ("--database", "office.db", "--keys", "office-keys")
EXPORT = ("export", "-o", "march.azlic")
ACCEPT = ("accept", "march.azlic", "-o", "march.ack", *AT_OFFICE)
ACKNOWLEDGE = ("acknowledge", "march.ack", "--head-office", "office-keys/site.pem")


@pytest.fixture
def handing(cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """A site with two records, and a head office where it is enrolled."""
    monkeypatch.setenv("AZLIC_SITE", "hall 7")
    monkeypatch.setenv("AZLIC_SITE_KEYS", "site-keys")
    path = site.output / "read" / "0123456789ab" / "usage-2026-03-01.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(a_line("a") + b"\n" + a_line("b", 2) + b"\n")
    put_tables(site.database, StoreKind.SITE, 0o640)
    put_tables(str(site.folder / "office.db"), StoreKind.SITE, 0o640)
    for words in (
        ("ingest", "output"),
        ("site", "init"),
        ("site", "init", "--keys", "office-keys"),
        ("handing-sites", "add", "hall 7", "site-keys/site.pem", "--database", "office.db"),
    ):
        answer = cli(*words)
        assert answer.status == 0, answer
    return cli


def test_a_walk_from_the_export_to_the_acknowledgement(handing: Cli) -> None:
    steps = [EXPORT, ("inspect", "march.azlic"), ACCEPT, ACKNOWLEDGE, ("handing-sites", "list", *AT_OFFICE[:2])]
    told = [handing(*words) for words in steps]
    assert [answer.status for answer in told] == [0] * 5, told
    for answer, words in zip(
        told,
        (
            "bring the acknowledgement back",
            "2026-03: 2 records",
            "2 new, 0 known already",
            "is acknowledged",
            "batch 1",
        ),
        strict=True,
    ):
        assert words in answer.out
        assert max(map(len, answer.out.splitlines())) <= 80, answer.out
    assert "the same bytes again" in " ".join(handing(*EXPORT).out.split())
    assert "It was accepted before" in handing(*ACCEPT).out
    assert "as before" in handing(*ACKNOWLEDGE).out


def test_each_answer_has_a_schema(handing: Cli) -> None:
    exported = json.loads(handing(*EXPORT, "--json").out)
    assert (exported["schema"], exported["again"], exported["manifest"]["records"]) == ("azlic.export/v1", False, 2)
    inspected = json.loads(handing("inspect", "march.azlic", "--json").out)
    assert inspected["schema"] == "azlic.export/v1" and inspected["manifest"] == exported["manifest"]
    assert inspected["totals"][0]["quantity"] == "3"
    accepted = json.loads(handing(*ACCEPT, "--json").out)
    assert (accepted["schema"], accepted["new"], accepted["again"]) == ("azlic.accepted-export/v1", 2, False)
    taken = json.loads(handing(*ACKNOWLEDGE, "--json").out)
    assert (taken["schema"], taken["acknowledgement"]) == ("azlic.acknowledgement/v1", accepted["acknowledgement"])
    (known,) = json.loads(handing("handing-sites", "list", *AT_OFFICE[:2], "--json").out)["sites"]
    assert (known["name"], known["size"], known["key_id"]) == ("hall 7", 1, exported["key_id"])


def test_the_checkpoint_of_an_acknowledgement_is_where_the_next_export_begins(handing: Cli, site: Site) -> None:
    handing(*EXPORT)
    handing(*ACCEPT)
    (site.folder / "seen").write_text(json.loads(handing(*ACKNOWLEDGE, "--json").out)["checkpoint"])
    nothing = handing("export", "--since", "seen", "-o", "next.azlic")
    assert nothing.status == 2 and "nothing new after that checkpoint" in nothing.err


def test_what_was_accepted_stands_in_head_offices_report(handing: Cli) -> None:
    handing(*EXPORT, "--holds", "totals")
    assert handing(*ACCEPT).status == 0
    assert "hall 7" in handing("report", "2026-03", "--database", "office.db").out


def test_a_conflict_is_loud(handing: Cli, site: Site) -> None:
    handing(*EXPORT)
    (site.folder / "other").mkdir()
    (site.folder / "other" / "usage-2026-03-01.jsonl").write_bytes(a_line("a", 7) + b"\n")
    handing("ingest", "other", "--database", "office.db")
    accepted = handing(*ACCEPT)
    assert accepted.status == 1 and "1 conflicts" in accepted.out
    assert (site.folder / "march.ack").exists()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("export", "-o", "no/march.azlic"), 3, "no/march.azlic could not be written"),
        ((*EXPORT, "--month", "march"), 2, "'march' is not a month"),
        ((*EXPORT, "--month", "2026-03"), 2, "2026-03 is not closed"),
        ((*EXPORT, "--since", "none"), 3, "none cannot be read"),
        ((*EXPORT, "--since", "azlic.toml"), 3, "azlic.toml is not a checkpoint"),
        ((*EXPORT, "--keys", "none"), 3, "this site has no key in none"),
        (("inspect", "azlic.toml"), 1, "azlic.toml: it is not a ZIP file"),
        (("inspect", "none"), 3, "the export none cannot be read"),
        (("inspect", "none", "--key", "none"), 3, "the public key none cannot be read"),
        (("accept", "azlic.toml", "-o", "x.ack", *AT_OFFICE), 1, "it is not a ZIP file"),
        (("accept", "none", "-o", "x.ack", *AT_OFFICE), 3, "the export none cannot be read"),
        (("acknowledge", "none", *ACKNOWLEDGE[2:]), 3, "the acknowledgement none cannot be read"),
        (("acknowledge", "azlic.toml", *ACKNOWLEDGE[2:]), 1, "azlic.toml: "),
        (("acknowledge", "none", "--head-office", "none"), 3, "the public key none cannot be read"),
        (("handing-sites", "add", "hall 8", "site-keys/site.pem", *AT_OFFICE[:2]), 2, "already the key of site hall 7"),
        (("handing-sites", "add", "hall 7", "office-keys/site.pem", *AT_OFFICE[:2]), 2, "hall 7 has another key"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(handing: Cli, words: tuple[str, ...], status: int, said: str) -> None:
    refused = handing(*words)
    assert (refused.status, said in refused.err) == (status, True), refused.err
    assert "\n  try: " in refused.err


def test_head_offices_key_has_a_setting(tmp_path: Path) -> None:
    settings = load_settings({"AZLIC_CONFIG": os.devnull, "AZLIC_HEAD_OFFICE": "/etc/office.pem"})
    assert settings.head_office == Path("/etc/office.pem")


def test_the_auditors_script_agrees(handing: Cli, site: Site) -> None:
    handing(*EXPORT)
    script = Path(__file__).parents[3] / "scripts" / "verify_export.py"
    command = [sys.executable, "-P", str(script), "march.azlic", "site-keys/site.pem"]
    told = subprocess.run(command, cwd=site.folder, capture_output=True, text=True, check=True).stdout
    assert told.startswith("sound: export 1 of hall 7, made ")
