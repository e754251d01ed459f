"""Every command that prints, on a rich site, at three widths: no line is too wide, and nothing in it is broken."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from azlic.lines import cells
from licensing.core.text import counted, plural
from tests.azlic.conftest import Cli
from tests.azlic.killing import COMMANDS, SERVING, a_site
from tests.azlic.test_reading_writes_nothing import EVERY, ISSUER
from tests.frozen import clock_at
from tests.site import CONTAINER_ID, Site, a_license
from tests.usage.lines import a_line

PLAN = "disconnected-container-read-plant-hall-7-2026"
LONG_METER = "CognitiveServices.Translator.DocumentTranslation.S1.CharactersTranslated.Disconnected"
LONG_SITE = "plant-north-hall-seven-line-three-inspection"
LONG_FOLDER = "licenses-of-the-northern-plant/hall-seven/" + "read-of-line-three-" * 3
OTHER_IDS = ("fedcba987654", "0a1b2c3d4e5f")
NEVER_BROKEN = (CONTAINER_ID, *OTHER_IDS, PLAN, LONG_SITE)
SHOWN: dict[str, tuple[str, ...]] = {
    "verify": ("license", LONG_FOLDER),
    "adopt": ("opaque", "--container", "text-translation", "--expires", "2027-01-31", "--resource", "r" * 100),
    "adopted list": (),
    "trust list": (),
    "clock status": (),
    "config show": (),
    "status": (),
    "containers": (),
    "tags": ("tags.txt",),
    "doctor": ("--license", "license", "--output", "output"),
    "ingest": ("output",),
    "quarantine list": (),
    "findings list": (),
    "sources list": (),
    "import": ("reading.json", "--source", "translator-of-the-northern-plant", "--month", "2026-03"),
    "plan list": (),
    "plan show": (PLAN,),
    "plan rule list": (),
    "plan add": ("by-hand", "--type", "Speech", "--tier", "T1", "--count", "1", "--quota", "5", "--unit", "Hour",
                 "--start", "2026-01-01", "--end", "2027-01-01", "--period", "year", "--auto-renew"),
    "plan map": (PLAN, LONG_METER, "--units", "1", "--per", "1000"),
    "plan amend": (PLAN, "--units", "1", "--from", "2026-04-02"),
    "plan end": ("by-hand",),
    "report": ("2026-03",),
    "alerts": (),
    "site init": (),
    "checkpoint": (),
    "export": ("-o", "march.azlic"),
    "inspect": ("march.azlic", "--key", "site-keys/site.pem"),
    "handing-sites add": ("hall-9", "site-keys/site.pem"),
    "handing-sites list": (),
    "close": ("2026-03", "--yes", "--accept", "it is known"),
    "correct": ("f0", "--quantity", "2", "--reason", "scanned twice", "--yes"),
    "audit": (),
    "backup": ("copy.db",),
    "units": ("units",),
    "rules": ("rules",),
    "calendar": ("-o", "renewals.ics"),
    "issuer resource list": ISSUER,
    "issuer container list": ISSUER,
    "issuer issued": ISSUER,
    "issuer revoked": ISSUER,
    "issuer content-keys": ISSUER,
    "issuer site list": ISSUER,
    "issuer audit": ISSUER,
}  # fmt: skip
"""Commands in an order in which each has something to tell."""


@pytest.fixture
def rich(cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """Long names everywhere; containers in their normal state; a damaged line, a gap, a conflict."""
    for name, value in (
        ("SITE", LONG_SITE),
        ("SITE_KEYS", "site-keys"),
        ("LICENSES", f"license:{site.folder / LONG_FOLDER}"),
        ("OUTPUTS", "output"),
    ):
        monkeypatch.setenv(f"AZLIC_{name}", value)
    site.install(a_license(plan=a_license().plan.model_copy(update={"name": PLAN})))
    (site.folder / LONG_FOLDER).mkdir(parents=True)
    site.install(a_license(), site.folder / LONG_FOLDER)
    site.add_resource()
    (site.folder / "opaque").mkdir()
    (site.folder / "opaque" / "license.dat").write_bytes(b"\x00opaque")
    (site.folder / "tags.txt").write_text("3.2.0\n3.1.0\n")
    (site.folder / "reading.json").write_text(json.dumps({"meters": [{"name": LONG_METER, "quantity": 1234567}]}))
    for container in (CONTAINER_ID, *OTHER_IDS):
        usage = site.output / "read" / container / "usage-2026-03-01.jsonl"
        usage.parent.mkdir(parents=True)
        lines = [a_line(f"{container[0]}{n}", 123456.5, containerId=container) for n in range(3)]
        lines += [a_line(f"{container[0]}m", 7, containerId=container, meter={"name": LONG_METER, "quantity": 1234567})]
        usage.write_bytes(
            b"\n".join([*lines, a_line("conflict", ord(container[0]), containerId=container)]) + b"\nbad\n"
        )
    assert cli("plan", "import", "license").status == 0  # before the clock is stopped: it loads models
    with clock_at("2026-04-02T08:00:00Z"):
        cli("ingest", "output")
        yield cli


WIDTHS = (60, pytest.param(80, marks=pytest.mark.long), pytest.param(120, marks=pytest.mark.long))
"""Whatever is too wide is so at the narrowest first."""


def is_a_fix(command: str, line: str) -> bool:
    """Whether a line is to be copied as it is, however wide."""
    return command in {"doctor", "diagnose"} and line.lstrip().startswith("Fix")


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal_and_no_id_is_broken(
    rich: Cli, site: Site, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    wrong = []
    for command, more in SHOWN.items():
        answer = rich(*command.split(), *more)
        if answer.status not in (0, 1):
            wrong.append(f"{command}: {answer}")
        text = answer.out
        wrong += [
            f"{command}: {line}" for line in text.splitlines() if cells(line) > width and not is_a_fix(command, line)
        ]
        unfolded = text.replace("\\\n", "")
        for name in NEVER_BROKEN:
            pieces = unfolded.replace("\n", "").replace(" ", "").count(name)
            if pieces != unfolded.count(name):
                wrong.append(f"{command} breaks {name}")
    assert wrong == []


OTHERS = {
    "run": ("read",),
    "diagnose": ("--offline", "--license", "license", "--output", "output"),
    "issuer usage": ("--ledger", "azlic.db"),
    "records list": (),
    "corrections list": (),
    **{name: words for name, words in COMMANDS.items() if name not in SHOWN},
}
"""What is left, as it is typed where the commands are killed."""
OF_ONE_LINE = {"check": "a monitoring system takes one line"}
PARTNERS = {*SERVING, "serve"}
"""They need a partner, or run until they are told to end."""


@pytest.fixture
def ready(tmp_path: Path) -> Iterator[Cli]:
    with a_site(tmp_path / "site") as cli:
        yield cli


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("part", [0, *(pytest.param(n, marks=pytest.mark.long) for n in (1, 2))])
def test_no_other_command_says_anything_that_is_too_wide(
    ready: Cli, monkeypatch: pytest.MonkeyPatch, width: int, part: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    wrong, silent = [], []
    for command in sorted(OTHERS.keys() - OF_ONE_LINE.keys() - PARTNERS)[part::3]:
        answer = ready(*command.split(), *OTHERS[command])
        if not (answer.out or answer.err):
            silent.append(command)
        wrong += [
            f"{command}: {line}"
            for line in answer.out.splitlines()
            if cells(line) > width and not (command == "run" and "docker" in line) and not is_a_fix(command, line)
        ]
    assert (wrong, silent) == ([], [])


def test_every_command_is_tried_here() -> None:
    assert SHOWN.keys() | OTHERS.keys() | PARTNERS == EVERY | {"alerts"}


def test_a_word_in_the_plural_follows_its_number() -> None:
    assert [counted(n, "license") for n in (0, 1, 2, 1234)] == [
        "0 licenses",
        "1 license",
        "2 licenses",
        "1,234 licenses",
    ]
    assert counted(2, "batch", "batches") == "2 batches" and plural(-1, "unit") == "unit"


def test_no_module_makes_a_plural_of_its_own() -> None:
    root = Path(__file__).parents[2]
    own = re.compile(r"if [\w.()]+ == 1 else '|'s' (if|\*)")
    found = [
        f"{path.relative_to(root)}: {line.strip()}"
        for package in ("azlic", "usage", "licensing", "engines")
        for path in (root / package).rglob("*.py")
        for line in path.read_text().splitlines()
        if own.search(line) and path.name != "text.py"
    ]
    assert found == []
