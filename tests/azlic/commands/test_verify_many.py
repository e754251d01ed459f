"""`azlic verify` on many folders: one line each, the worst first."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from freezegun import freeze_time
from rich.cells import cell_len

from tests.azlic.conftest import Cli
from tests.site import Site, a_license, a_plan

AT = ("--at", "2026-06-01")
SPEECH = {"type": "speech-to-text", "repositories": ["r"], "version_from": "3.2", "version_below": "4"}
LICENSES = {
    "hall-1": a_license(),
    "hall-2": a_license(expires_at=datetime(2026, 6, 30, tzinfo=UTC)),
    "old": a_license(expires_at=datetime(2026, 5, 29, tzinfo=UTC), grace_days=7),
    "gone": a_license(expires_at=datetime(2026, 4, 1, tzinfo=UTC)),
    "speech": a_license(container=SPEECH, plan=a_plan(ends_at=datetime(2026, 12, 1, tzinfo=UTC))),
}

TABLE = """\
As of 2026-06-01T00:00:00Z, the worst first; dates are UTC.

STATUS     DAYS  ENDS        RENEW BY    CONTAINER       PATH
malformed     -  -           -           -               licenses/broken
expired     -61  2026-04-01  2026-01-31  read            licenses/gone
grace        -3  2026-05-29  2026-03-30  read            licenses/old
expiring     29  2026-06-30  2026-05-01  read            licenses/hall-2
valid       214  2027-01-01  2026-11-02  read            licenses/hall-1
valid       214  2027-01-01  2026-10-02  speech-to-text  licenses/speech

Where grace or the commitment ends on another day:
GRACE ENDS  COMMITMENT ENDS  PATH
-           2027-01-01       licenses/gone
2026-06-05  2027-01-01       licenses/old
-           2027-01-01       licenses/hall-2
-           2026-12-01       licenses/speech

6 licenses: 1 malformed, 1 expired, 1 grace, 1 expiring, 2 valid.
2 may not run.
No license in licenses/backup
"""


@pytest.fixture
def licenses(site: Site) -> Path:
    """A folder of six licenses in every standing, and one subfolder without any."""
    folder = site.folder / "licenses"
    folder.mkdir()
    for name, license_ in LICENSES.items():
        site.install(license_, folder / name)
    (folder / "broken").mkdir()
    (folder / "broken/license.dat").write_bytes(b'{"payload')
    (folder / "backup").mkdir()
    return folder


def test_a_folder_of_licenses_is_a_table_with_the_worst_on_top(cli: Cli, licenses: Path) -> None:
    answer = cli("verify", licenses.name, *AT)
    assert (answer.status, answer.out, answer.err) == (1, TABLE, "")


def test_where_all_may_run_the_status_is_0(cli: Cli, licenses: Path) -> None:
    answer = cli("verify", "licenses/hall-1", "licenses/hall-2", "licenses/old", *AT)
    assert answer.status == 0
    assert answer.out.endswith("\n\n3 licenses: 1 grace, 1 expiring, 1 valid.\nAll may run.\n")


def test_a_path_that_is_not_there_is_a_line_of_its_own(cli: Cli, licenses: Path) -> None:
    answer = cli("verify", "licenses/hall-1", "nowhere", *AT)
    assert answer.status == 1
    assert [line.split()[0] for line in answer.out.splitlines()[3:5]] == ["missing", "valid"]


def test_subfolders_without_a_license_are_named_but_not_without_end(cli: Cli, licenses: Path) -> None:
    for number in range(7):
        (licenses / f"empty{number}").mkdir()
    told = cli("verify", "licenses", *AT).out.splitlines()[-6:]
    assert told[0] == "No license in licenses/backup" and told[-2:] == [
        "No license in licenses/empty3",
        "and in 3 more subfolders",
    ]


def test_the_same_path_twice_is_one_line(cli: Cli, licenses: Path) -> None:
    answer = cli("verify", "licenses/hall-1", licenses / "hall-1", "licenses/hall-1/license.dat", *AT)
    assert answer.out.endswith("1 license: 1 valid.\nIt may run.\n")


def test_an_unreadable_trust_store_is_no_answer_about_any(cli: Cli, licenses: Path, site: Site) -> None:
    (site.folder / "key").touch()
    answer = cli("verify", licenses, "--trust", "key", *AT)
    assert (answer.status, answer.out) == (3, "")
    assert "key is not a folder" in answer.err


def test_a_named_container_is_asked_of_each(cli: Cli, licenses: Path) -> None:
    answer = cli("verify", "licenses/hall-1", "licenses/speech", "--container", "read", *AT)
    assert answer.status == 1 and "wrong-container" in answer.out


def test_json_holds_what_each_path_alone_would_print(cli: Cli, licenses: Path) -> None:
    answer = cli("verify", "licenses", "--json", *AT)
    told = json.loads(answer.out)
    assert (answer.status, next(iter(told)), told["schema"]) == (1, "schema", "azlic.verdicts/v1")
    assert told["summary"] == {
        "licenses": 6,
        "may_run": 4,
        "worst": "malformed",
        "statuses": {"malformed": 1, "expired": 1, "grace": 1, "expiring": 1, "valid": 2},
    }
    assert (told["as_of"], told["without_license"]) == ("2026-06-01T00:00:00Z", ["licenses/backup"])
    alone = [json.loads(cli("verify", one["path"], "--json", *AT).out) for one in told["verdicts"]]
    assert told["verdicts"] == alone


def test_no_line_is_wider_than_80_cells_whatever_a_folder_is_called(
    cli: Cli, licenses: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    odd = (os.fsdecode(b"x\xff"), "\x1b[2J\nvalid", "名" * 60, "end-" * 40 + "Z")
    for name in odd:
        site.install(a_license(grace_days=7, container=SPEECH | {"type": "c" * 200}), licenses / name)
    answer = cli("verify", licenses, "--container", "read", *AT)
    lines = answer.out.splitlines()
    assert max(map(cell_len, lines)) <= 80 and all(line.isprintable() for line in lines)
    assert sum(line.startswith("wrong-container") for line in lines) == 1 + len(odd)
    unfolded = answer.out.replace("\\\n", "")
    assert all(shown in unfolded for shown in (r"x\udcff", r"\x1b[2J\nvalid", "名" * 60, "end-" * 40 + "Z"))


def test_a_terminal_is_told_how_far_along_a_long_verification_is(
    cli: Cli, licenses: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("verify", licenses, *AT).err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with freeze_time(auto_tick_seconds=1):  # whenever anybody looks, a second has gone by
        told = cli("verify", licenses, *AT)
    assert told.err == "".join(f"\rverified {done} of 6" for done in range(6)) + "\r\x1b[K"
    assert told.out == TABLE.replace("licenses/", f"{licenses}/") or "..." in told.out


def test_a_thousand_licenses_are_all_there(cli: Cli, licenses: Path, site: Site) -> None:
    content = (licenses / "hall-1/license.dat").read_bytes()
    for number in range(1000):
        (licenses / f"n{number}").mkdir()
        (licenses / f"n{number}/license.dat").write_bytes(content)
    answer = cli("verify", licenses, *AT)
    assert "1,006 licenses: 1 malformed, 1 expired, 1 grace, 1 expiring, 1,002 valid." in answer.out
