"""`azlic check`: a monitoring plugin, and metrics for a textfile collector."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.azlic.conftest import Cli, run_damaged
from tests.frozen import clock_at
from tests.site import START, Site, a_license
from tests.usage.lines import a_line
from tests.usage.mount import Mount

LINE = re.compile(r"AZLIC (OK|WARNING|CRITICAL|UNKNOWN) - [^|\n]+( \| [^|\n]+)?\n")
FIGURE = re.compile(r"('[^'=]+'|[^ '=]+)=-?[0-9.]+%?;[0-9:]*;[0-9:]*;?[0-9]*")


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch, site: Site) -> Iterator[None]:
    monkeypatch.setenv("AZLIC_LICENSES", str(site.license))
    site.ledger.dispose()
    with clock_at(START):
        yield


def until(site: Site, month: int, day: int = 1) -> None:
    site.install(a_license(expires_at=datetime(2026, month, day, tzinfo=UTC)))


@pytest.mark.parametrize(
    ("ends", "status", "word"),
    [((12, 31), 0, "OK"), ((5, 15), 0, "OK"), ((4, 1), 1, "WARNING"), ((3, 3), 2, "CRITICAL")],
    ids=["far", "a notice", "a warning", "a few days"],
)
def test_the_status_is_that_of_the_worst_alert(
    cli: Cli, site: Site, ends: tuple[int, int], status: int, word: str
) -> None:
    until(site, *ends)
    answer = cli("check")
    assert (answer.status, answer.err) == (status, "")
    assert LINE.fullmatch(answer.out) and answer.out.startswith(f"AZLIC {word} - ")


def test_the_figures_are_performance_data(cli: Cli, site: Site) -> None:
    site.install()
    site.enter_plan()
    figures = cli("check").out.partition(" | ")[2].strip()
    assert " ".join(match[0] for match in FIGURE.finditer(figures)) == figures
    assert "first_end=305;60:;7:" in figures and "'read-2026 used'=0.0%;90;100;0" in figures


def test_an_absent_license_has_no_figure_that_could_be_taken_for_an_end(cli: Cli, site: Site) -> None:
    """gardener #190: an error that was exported as 0 read as "expired 19,600 days ago"."""
    answer = cli("check", "--prometheus", "azlic.prom")
    assert answer.status == 2 and "first_end" not in answer.out
    told = (site.folder / "azlic.prom").read_text()
    assert f'azlic_license_absent{{path="{site.license}"}} 1.0' in told
    assert f'azlic_license_state{{path="{site.license}",state="missing"}} 1.0' in told
    assert "azlic_license_expires" not in told


def test_what_was_taken_note_of_does_not_count(cli: Cli, site: Site) -> None:
    until(site, 4)
    assert cli("check").status == 1
    cli("alerts", "ack", f"license-expiring:{site.license}", "--until", "2026-03-09")
    assert cli("check").status == 0


@pytest.mark.parametrize("words", [("--nonsense",), ("--database",), ("extra",)], ids=" ".join)
def test_a_wrong_command_line_is_unknown_and_no_warning(cli: Cli, site: Site, words: tuple[str, ...]) -> None:
    """Monitoring plugins: 1 and 2 mean WARNING and CRITICAL, so nothing else may leave with them."""
    answer = cli("check", *words)
    assert answer.status == 3 and answer.out.startswith("AZLIC UNKNOWN - ") and LINE.fullmatch(answer.out)


@pytest.mark.usefixtures("cli")
def test_an_error_nobody_foresaw_is_unknown(tmp_path: Path) -> None:
    answer = run_damaged(tmp_path, r"RuntimeError('two | lines\nof it')", "check")
    assert (answer.status, answer.out) == (3, "AZLIC UNKNOWN - RuntimeError: two / lines of it\n")


def test_settings_that_cannot_be_read_are_unknown(cli: Cli, site: Site) -> None:
    (site.folder / "azlic.toml").write_text("nonsense = 1\n")
    assert cli("check").status == 3


def test_a_ledger_that_cannot_be_read_is_unknown_unless_something_is_critical(cli: Cli, site: Site) -> None:
    site.install()
    (site.folder / "azlic.db").write_bytes(b"no ledger" * 200)
    assert cli("check").status == 3
    until(site, 3, 2)
    assert cli("check").status == 2


def test_a_trust_store_that_is_no_folder_is_unknown(cli: Cli, site: Site) -> None:
    site.install()
    assert cli("check", "--trust", site.public_key).status == 3


def test_help_is_help(cli: Cli) -> None:
    assert cli("check", "--help").status == 0


def test_nothing_is_written_and_sqlalchemy_is_not_loaded(cli: Cli, mount: Mount) -> None:
    mount.site.install()
    mount.write([a_line("a")])
    mount.ingest()
    mount.ledger.dispose()
    before = {path: path.read_bytes() for path in mount.site.folder.iterdir() if path.is_file()}
    assert cli("check").status == 0
    assert {path: path.read_bytes() for path in mount.site.folder.iterdir() if path.is_file()} == before
    program = (
        "import sys; sys.argv=['azlic','check']; from azlic.__main__ import main; main();"
        "sys.exit(not {'sqlalchemy', 'rich', 'msgspec', 'usage.records', 'importlib.metadata'}.isdisjoint(sys.modules))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


@pytest.fixture
def mount(site: Site) -> Mount:
    return Mount(site)


def written(cli: Cli, site: Site) -> Path:
    cli("check", "--prometheus", "azlic.prom")
    return site.folder / "azlic.prom"


def test_metrics_are_whole_readable_to_all_and_end_with_a_newline(cli: Cli, site: Site) -> None:
    """client_golang #489, ns8-core #820: a temporary file's 0600 kept the collector out."""
    site.install()
    mask = os.umask(0o077)
    try:
        path = written(cli, site)
    finally:
        os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o644
    assert path.read_bytes().endswith(b"\n")
    assert [entry.name for entry in site.folder.iterdir() if ".prom" in entry.name] == ["azlic.prom"]


def test_no_sample_has_a_time_stamp(cli: Cli, mount: Mount) -> None:
    mount.site.install()
    mount.site.enter_plan()
    mount.write([b"bad", a_line("a")])
    mount.ingest()
    mount.ledger.dispose()
    samples = [line for line in written(cli, mount.site).read_text().splitlines() if not line.startswith("#")]
    assert samples and [line for line in samples if not re.fullmatch(r"\w+(\{.*\})? [0-9.e+-]+", line)] == []


def test_ends_are_absolute_and_states_have_series_of_their_own(cli: Cli, site: Site) -> None:
    ends = datetime(2026, 3, 10, tzinfo=UTC)
    site.install(a_license(expires_at=ends, grace_days=5))
    told = written(cli, site).read_text()
    labels = f'{{container="read",path="{site.license}"}}'
    (end,) = re.findall(rf"^azlic_license_expires_timestamp_seconds{re.escape(labels)} (.*)$", told, re.MULTILINE)
    assert float(end) == ends.timestamp()
    states = re.findall(r'^azlic_license_state\{path="[^"]*",state="([^"]*)"\} 1.0$', told, re.MULTILINE)
    assert states == ["valid"]
    assert "azlic_last_run_timestamp_seconds" in told


def test_a_file_the_collector_would_not_read_is_refused(cli: Cli, site: Site) -> None:
    answer = cli("check", "--prometheus", "azlic.txt")
    assert answer.status == 3 and "reads only *.prom" in answer.out


def test_a_folder_that_cannot_be_written_is_unknown_and_leaves_the_old_file(cli: Cli, site: Site) -> None:
    assert cli("check", "--prometheus", "nowhere/azlic.prom").status == 3


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool (Debian: prometheus) is not installed")
def test_promtool_finds_no_fault_with_the_metrics(cli: Cli, mount: Mount) -> None:
    mount.site.install()
    mount.site.enter_plan()
    mount.write([b"bad", a_line("a")])
    mount.ingest()
    mount.ledger.dispose()
    with written(cli, mount.site).open() as metrics:
        told = subprocess.run(
            ["promtool", "check", "metrics"], stdin=metrics, capture_output=True, text=True, check=False
        )
    assert (told.returncode, told.stderr) == (0, "")
