"""`azlic adopt` and `azlic adopted`; what verify says of an adopted license."""

import json
from pathlib import Path

import pytest

from azlic.render.verdict import verdict_text
from azlic.render.verdicts import verdict_line
from licensing.containers import CONTAINER_TYPES
from licensing.history.read import read_memory
from licensing.verification import verify
from licensing.verification.renewal import LEAD_DAYS
from tests.azlic.conftest import Cli
from tests.site import START, Site

IMAGE = "mcr.microsoft.com/azure-cognitive-services/translator/text-translation:1.0"
STATED = ("--container", "text-translation", "--expires", "2030-01-01")
AT = ("--at", "2029-06-01")


@pytest.fixture(autouse=True)
def opaque(site: Site) -> Path:
    file = site.license / "license.dat"
    file.write_bytes(b"\x01 opaque")
    return file


def test_a_session_from_opaque_to_renewed(cli: Cli, opaque: Path) -> None:
    assert "azlic adopt" in " ".join(cli("verify", "license").out.split())
    answer = cli("adopt", "license", *STATED, "--image", IMAGE, "--resource", "plant", "--downloaded", "2026-01-01")
    assert (answer.status, answer.err) == (0, f"azlic: made a new ledger at {opaque.parent.parent}/azlic.db\n")
    assert answer.out.startswith(f"adopted: {opaque}\n") and "(stated by the operator)" in answer.out
    answer = cli("verify", "license", *AT)
    assert answer.status == 0
    assert answer.out.startswith("License for Text translation: VALID (stated by the operator)\n")
    for said in (
        *("Stated    by the operator (", "Ends      license     2030-01-01T00:00:00Z (214 days left)"),
        *("Resource  plant", "Download  2026-01-01", " 5 -- signature    skipped: nothing in it can be read"),
    ):
        assert said in answer.out
    assert "EXPIRED (stated by the operator)" in cli("verify", "license", "--at", "2030-01-01").out
    opaque.write_bytes(b"\x01 another")
    answer = cli("verify", "license")
    assert answer.status == 1 and "If it was renewed, state what it is now: azlic adopt." in answer.out
    assert cli("adopted", "list").status == 1
    assert cli("adopt", "license", *STATED).status == 2
    answer = cli("adopt", "license", "--container", "text-translation", "--expires", "2031-01-01", "--yes")
    assert answer.out.startswith(f"renewed: {opaque}\n") and "stated to end at 2030-01-01T00:00:00Z" in answer.out
    assert cli("verify", "license", "--at", "2030-01-01").status == 0
    assert cli("adopted", "list").status == 0


def test_a_renewal_keeps_image_and_resource_unless_they_are_stated_anew(cli: Cli, opaque: Path) -> None:
    named = ("--image", IMAGE, "--resource", "plant", "--downloaded", "2026-01-01")
    assert f"  image {IMAGE}\n  resource plant\n" in cli("adopt", "license", *STATED, *named).out
    assert cli("adopt", "license", *STATED).out.startswith("already known, nothing was changed")
    opaque.write_bytes(b"\x01 another")
    renewed = cli("adopt", "license", "--container", "text-translation", "--expires", "2031-01-01", "--yes")
    assert f"  image {IMAGE} (as before)\n  resource plant (as before)\n" in renewed.out
    stated = json.loads(cli("verify", "license", "--json", *AT).out)["stated"]
    assert (stated["image"], stated["resource"], stated["downloaded_at"]) == (IMAGE, "plant", None)
    assert cli("verify", "license", "--image", IMAGE.replace(":1.0", ":2.0"), *AT).status == 1
    anew = ("--expires", "2031-01-01", "--resource", "hall", "--yes", "--json")
    changed = json.loads(cli("adopt", "license", "--container", "text-translation", *anew).out)["stated"]
    assert (changed["image"], changed["resource"]) == (IMAGE, "hall")
    other = cli("adopt", "license", "--container", "read", "--expires", "2031-01-01", "--yes")
    assert f"image {IMAGE} no longer stated" in other.out and "resource hall no longer stated" in other.out


def test_json_holds_the_statement_and_its_dates(cli: Cli, opaque: Path) -> None:
    told = json.loads(cli("adopt", "license", *STATED, "--json").out)
    assert (told["schema"], told["changed"], told["replaced"]) == ("azlic.adoption/v1", True, None)
    again = json.loads(cli("adopt", "license", *STATED, "--json").out)
    assert again == told | {"changed": False}
    verdict = json.loads(cli("verify", "license", "--json", *AT).out)
    assert verdict["stated"] == told["stated"] and verdict["license"] is None
    assert verdict["stated"]["expires_at"] == verdict["expires_at"] == "2030-01-01T00:00:00Z"
    assert (verdict["status"], verdict["days_left"]) == ("valid", 214)
    assert (verdict["warn_from"], verdict["renewal_starts_at"]) == ("2029-11-02T00:00:00Z",) * 2
    listed = json.loads(cli("adopted", "list", "--json").out)
    assert listed["schema"] == "azlic.adopted/v1"
    (one,) = listed["adopted"]
    assert (one["path"], one["file"], one["stated"]) == (str(opaque), "unchanged", told["stated"])


def test_a_license_of_ours_states_nothing(cli: Cli, site: Site) -> None:
    site.install()
    assert json.loads(cli("verify", "license", "--json", "--at", "2026-06-01").out)["stated"] is None
    answer = cli("adopt", "license", *STATED)
    assert answer.status == 2 and "azlic verify license" in answer.err


def test_in_a_table_a_star_says_that_it_was_stated(cli: Cli, site: Site) -> None:
    cli("adopt", "license", *STATED)
    site.install(folder=site.folder / "ours")
    told = cli("verify", "license", "ours", *AT).out
    assert "valid *   214  2030-01-01  2029-11-02  text-translation  license\n" in told
    assert "\n* stated by the operator: azlic cannot read these licenses\n" in told
    assert "2 licenses: 1 expired, 1 valid." in told
    assert "*" not in cli("verify", "ours", "ours/../ours2", *AT).out


def test_a_line_of_a_log_says_that_it_was_stated(cli: Cli, site: Site) -> None:
    cli("adopt", "license", *STATED)
    seen = read_memory(str(site.folder / "azlic.db")).at_a_named_instant()
    line = verdict_line(verify(site.license, trust=site.trust, as_of=START, seen=seen))
    assert f"Z valid (stated by the operator) {site.license}: the license runs until" in line


@pytest.mark.parametrize("container", CONTAINER_TYPES)
def test_no_line_is_wider_than_a_terminal(
    cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch, container: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    cli("adopt", "license", "--container", container, "--expires", "2030-01-01", "--resource", "x" * 200)
    seen = read_memory(str(site.folder / "azlic.db"))
    for asked in (None, "no-such-container"):
        verdict = verify(site.license, trust=site.trust, as_of=START, container=asked, seen=seen)
        assert max(map(len, verdict_text(verdict, lead_days=LEAD_DAYS).splitlines())) <= 80


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("license", "--container", "text-translation"), 2, "--expires"),
        (("license", "--container", "toaster", "--expires", "2030-01-01"), 2, "toaster"),
        (("license", "--container", "read", "--expires", "soon"), 2, "is not a date"),
        (("license", "--container", "read", "--expires", "2020-01-01"), 2, "is in the past"),
        (("license", *STATED, "--image", "azlic/read:3.2"), 2, "is an image of read"),
        (("nowhere", *STATED), 3, "there is no license to adopt"),
    ],
)
def test_what_cannot_be_adopted_is_said(cli: Cli, words: tuple[str, ...], status: int, said: str) -> None:
    answer = cli("adopt", *words)
    assert answer.status == status and said in answer.err and "Traceback" not in answer.err


def test_removing_asks_first(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    cli("adopt", "license", *STATED)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert cli("adopted", "remove", "license").status == 1
    assert "text-translation" in cli("adopted", "list").out
    answer = cli("adopted", "remove", "license", "--yes")
    assert answer.status == 0 and "stated to end at 2030-01-01T00:00:00Z" in answer.out
    assert "no license was adopted" in cli("adopted", "list").out
    assert cli("adopted", "remove", "license", "--yes").status == 2


def test_nothing_was_adopted_where_there_is_no_ledger(cli: Cli) -> None:
    assert cli("adopted", "list").status == 3
    assert cli("verify", "license", *AT).status == 1


def test_remembering_an_adopted_license_remembers_the_time_only(cli: Cli, site: Site) -> None:
    cli("adopt", "license", *STATED)
    assert cli("verify", "license", "--record").status == 0
    seen = read_memory(str(site.folder / "azlic.db"))
    assert seen.accepted == {} and [witness.kind for witness in seen.witnesses] == ["evaluation"]


def test_no_plan_is_taken_from_a_statement(cli: Cli) -> None:
    cli("adopt", "license", *STATED)
    answer = cli("plan", "import", "license")
    assert answer.status == 1 and "stated by the operator" in answer.err
