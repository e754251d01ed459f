"""`azlic doctor`: words, fields, exit status, --fix."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pydantic.v1  # noqa: F401 - FastAPI loads it late, and it cannot be loaded while the clock is frozen
import pytest

from licensing.doctor import examination
from licensing.doctor.finding import KINDS
from tests.azlic.conftest import Answer, Cli
from tests.frozen import clock_at
from tests.licensing.another_user import UID, root_only
from tests.licensing.doctor.patient import STRONG
from tests.site import Site

PAGE = Path(__file__).parents[3] / "docs" / "doctor.md"


@pytest.fixture(autouse=True)
def strong(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that nothing is missing from, whatever this one is; and no container around the tests."""
    monkeypatch.setattr(examination, "examine_machine", lambda _root: STRONG)
    monkeypatch.setattr("licensing.doctor.folders.in_a_container", lambda _known, _root: False)


@pytest.fixture(autouse=True)
def healthy(site: Site) -> Iterator[None]:
    site.install()
    (site.output / "read/0123456789ab").mkdir(parents=True)
    (site.output / "read/0123456789ab/usage-2026-03-01.jsonl").touch()
    if os.geteuid() == 0:
        for path in (site.output, *site.output.rglob("*")):
            os.chown(path, UID, UID)
        os.chown(site.license, 0, UID)
        os.chown(site.license / "license.dat", 0, UID)
        site.license.chmod(0o750)
        (site.license / "license.dat").chmod(0o640)
    with clock_at(site.now):
        yield


def doctor(cli: Cli, *words: object) -> Answer:
    return cli("doctor", "--license", "license", "--output", "output", *words)


@root_only
def test_a_healthy_site_is_status_0(cli: Cli) -> None:
    answer = doctor(cli)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith("Doctor: nothing is wrong\n")
    for said in ("License ", "actually tried, as user 65532:65532", "ids are not shifted", "SQLite"):
        assert said in answer.out


@root_only
def test_a_finding_is_told_with_its_reason_and_its_command(cli: Cli, site: Site) -> None:
    os.chown(site.output, 0, 0)
    answer = doctor(cli)
    assert answer.status == 1
    assert answer.out.startswith("Doctor: 1 thing is wrong\n\nERROR      access ")
    assert f"Fix             chown -h 65532:65532 {site.output}\n" in answer.out
    assert "Why" in answer.out


@root_only
def test_only_a_command_may_be_wider_than_a_terminal(cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shutil.rmtree(site.output)
    (site.license / ("l" * 100 + ".dat")).touch()
    for line in doctor(cli).out.splitlines():
        assert len(line) <= 80 or "Fix " in line


@root_only
def test_json_names_its_schema_and_holds_the_command(cli: Cli, site: Site) -> None:
    os.chown(site.output, 0, 0)
    told = json.loads(doctor(cli, "--json").out)
    assert next(iter(told)) == "schema" and told["schema"] == "azlic.doctor/v1"
    assert (told["status"], told["access"], told["user"]) == (1, "tried", {"uid": UID, "gid": UID})
    (finding,) = told["findings"]
    assert (finding["code"], finding["level"], finding["safe"]) == ("access", "error", True)
    assert finding["command"] == f"chown -h 65532:65532 {site.output}"
    assert finding["why"] == KINDS["access"].why
    assert told["facts"]["license"].startswith("valid")


@root_only
def test_fix_mends_what_is_safe_and_examines_again(cli: Cli, site: Site) -> None:
    shutil.rmtree(site.output)
    answer = doctor(cli, "--fix", "--yes")
    assert answer.status == 0
    assert f"done  install -d -m 0750 -o 65532 -g 65532 {site.output}" in answer.err
    assert answer.out.startswith("Doctor: nothing is wrong\n")
    assert (site.output.stat().st_uid, site.output.stat().st_mode & 0o777) == (UID, 0o750)


@root_only
def test_fix_in_json_tells_what_was_run(cli: Cli, site: Site) -> None:
    os.chown(site.output, 0, 0)
    told = json.loads(doctor(cli, "--fix", "--yes", "--json").out)
    (mended,) = told["mended"]
    assert (mended["code"], mended["failure"], told["findings"]) == ("access", None, [])


@root_only
@pytest.mark.parametrize(("said", "status"), [("n\n", 1), ("y\n", 0), ("", 1)])
def test_fix_asks_first(cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch, said: str, status: int) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO(said))
    os.chown(site.output, 0, 0)
    assert doctor(cli, "--fix").status == status
    assert site.output.stat().st_uid == (0 if status else UID)


@root_only
def test_fix_without_anything_to_mend_says_so(cli: Cli) -> None:
    answer = doctor(cli, "--fix", "--yes")
    assert answer.status == 0 and "no command was found that is safe to run" in answer.err


@root_only
def test_the_user_is_a_setting_and_an_option(cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor(cli, "--user", "1000:1000").status == 1
    monkeypatch.setenv("AZLIC_NONROOT", "1000:1000")
    assert f"chown -hR 1000:1000 {site.output}" in doctor(cli).out
    assert doctor(cli, "--user", f"{UID}:{UID}").status == 0


@pytest.mark.parametrize("value", ["nonroot", "65532", "1:2:3"])
def test_a_setting_that_is_no_user_is_status_2(cli: Cli, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("AZLIC_NONROOT", value)
    answer = doctor(cli)
    assert answer.status == 2 and "AZLIC_NONROOT: nonroot is not of the form UID:GID" in answer.err


def test_a_user_this_host_does_not_know_is_status_2(cli: Cli) -> None:
    answer = doctor(cli, "--user", "nobody-here")
    assert answer.status == 2 and "has no user 'nobody-here'" in answer.err


@root_only
def test_a_fresh_folder_is_held_against_the_ledger(cli: Cli, site: Site) -> None:
    assert cli("ingest", "output").status == 0
    fresh = site.folder / "fresh"
    fresh.mkdir()
    os.chown(fresh, UID, UID)
    answer = cli("doctor", "--license", "license", "--output", "fresh")
    assert "output-fresh" in answer.out and answer.status == 0
    assert "output-fresh" not in doctor(cli).out


@root_only
def test_a_ledger_that_may_not_be_looked_at_is_missed_only_where_it_was_named(
    cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    too_long = "long" * 100  # as a folder that is closed to this user would, it makes the system refuse
    monkeypatch.setenv("AZLIC_DATABASE", too_long)
    shutil.rmtree(site.output / "read")
    assert doctor(cli).status == 0
    assert doctor(cli, "--database", too_long).status == 3


@root_only
def test_a_ledger_is_only_missed_where_it_was_named(cli: Cli, site: Site) -> None:
    assert doctor(cli).status == 0
    answer = doctor(cli, "--database", "nowhere.db")
    assert answer.status == 3 and "there is no database at" in " ".join(answer.out.split())
    (site.folder / "azlic.db").write_text("no database at all")
    shutil.rmtree(site.output / "read")
    assert doctor(cli).status == 0


@root_only
def test_an_adopted_license_is_known_from_the_ledger(cli: Cli, site: Site) -> None:
    (site.license / "license.dat").write_bytes(b"\x01opaque")
    assert "license-opaque" in doctor(cli).out
    assert cli("adopt", "license", "--container", "read", "--expires", "2030-01-01").status == 0
    answer = doctor(cli)
    assert answer.status == 0 and "stated by the operator" in " ".join(answer.out.split())
    (site.license / "license.dat").write_bytes(b"\x01other")
    answer = doctor(cli)
    assert answer.status == 1 and "license-changed" in answer.out


@root_only
def test_a_running_container_is_asked_where_its_address_is_given(cli: Cli, site: Site) -> None:
    with site.start_engine() as client:
        told = json.loads(doctor(cli, "--json", "--url", client.base_url).out)
    assert told["facts"]["container"].endswith(": NonMetered, read")
    assert doctor(cli, "--url", client.base_url).status == 3
    assert doctor(cli, "--url", "not an address").status == 2


def test_the_page_lists_every_finding_there_is() -> None:
    listed = re.findall(r"^\| `([a-z0-9-]+)` \| (error|warning|unexamined) \|", PAGE.read_text(), flags=re.MULTILINE)
    assert listed == [(code, kind.level.value) for code, kind in KINDS.items()]
