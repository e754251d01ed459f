"""Bytes from outside, damaged in every way: a command answers in words, in few steps, with little memory.

The list of what comes in is held against what the code reads.
"""

import ast
import os
import random
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
from fastapi import FastAPI

from tests.azlic.conftest import Answer, Cli
from tests.azlic.hostile import leaks
from tests.azlic.killing import Folder, a_site, filled, name
from tests.azlic.outside import DOORS, ELSEWHERE, Door, damages, lay_what_is_read
from tests.certificates import Authority
from tests.licensing.orders import as_license
from tests.serving import serving

ROOT = Path(__file__).parents[2]
FLOORS = ("licensing", "usage", "engines", "azlic")
READS = frozenset(
    {"read_capped", "read_file", "open_regular", "read_body", "read_bytes", "read_text", "aiter_raw", "iter_raw"}
)
"""The calls by which bytes of somebody else come in."""
OUR_OWN = {
    "licensing/core/files.py": "what these calls are made of",
    "licensing/adoption.py:file_state": "its digest counts, and nothing of it is read",
    "azlic/commands/issuer/trust.py": "a rotation that the command has just written",
    "azlic/monitoring/ready_made/__init__.py:fill_rules": "templates inside the package",
    "azlic/web/pages/templates.py": "files inside the package",
    "engines/server/swagger.py": "files inside the package",
}
LONGEST_ANSWER = 60_000
MEMORY = 200 * 2**20


class Place:
    """A site whose doors are open, and the steps that each command takes where nothing is damaged."""

    def __init__(self, cli: Cli, folder: Path) -> None:
        self.cli, self.folder = cli, folder
        lay_what_is_read(folder, cli)
        journal = folder / "azlic.db-journal"
        self._journal = journal.read_bytes()
        journal.unlink()
        self.site = Folder(folder, folder.with_name("pristine"))
        self.ran: set[str] = set()
        self._usual: dict[Door, int] = {}

    def fault(self, door: Door, seed: int) -> str | None:
        """What is wrong with how a command takes damaged bytes."""
        if door not in self._usual:
            self._lay(door)
            self._usual[door] = self._counted(door)[1]
        content = damages(door, self._lay(door), random.Random(f"{door.what} {seed}"))
        (self.folder / door.file).write_bytes(content)
        answer, steps = self._counted(door)
        said = answer.out + answer.err
        wrong = []
        if answer.status not in {0, 1, 2, 3}:
            wrong.append(f"status {answer.status}")
        if "Traceback" in said or "unexpected error" in said or "Error:" in said:
            wrong.append("an error that nobody foresaw")
        if found := leaks(answer.err):
            wrong.append(f"{found} came out")
        if len(said) > LONGEST_ANSWER:
            wrong.append(f"{len(said)} characters of answer")
        if steps > 10 * self._usual[door] + 300 * len(content) + 100_000:
            wrong.append(f"{steps} steps instead of {self._usual[door]}, for {len(content)} bytes")
        return f"{door.what} ({' '.join(door.words)}), seed {seed}: {wrong}: {said[-400:]!r}" if wrong else None

    def _lay(self, door: Door) -> Path:
        self.site.put_back()
        if door.file == "azlic.db-journal":
            (self.folder / door.file).write_bytes(self._journal)
        return self.folder

    def run_well(self, door: Door) -> Answer:
        """The command where nothing is damaged."""
        self._lay(door)
        return self._counted(door)[0]

    def _counted(self, door: Door) -> tuple[Answer, int]:
        """Run a command with little memory, and count the functions that it calls."""
        steps = 0

        def count(frame: FrameType, event: str, _: object) -> None:
            nonlocal steps
            steps += event in {"call", "c_call"}
            if event == "call" and (code := frame.f_code).co_filename.startswith(_ROOT):
                self.ran.add(f"{code.co_filename[len(_ROOT) :]}:{code.co_name}")

        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        used = int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")
        words = filled(door.words)
        resource.setrlimit(resource.RLIMIT_DATA, (used + MEMORY, hard))
        sys.setprofile(count)
        try:
            answer = self.cli(*words)
        finally:
            sys.setprofile(None)
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
        return answer, steps


_ROOT = f"{ROOT}/"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("outside") / "site"
    app = FastAPI()
    app.add_api_route("/license", lambda: as_license((folder / "carried.dat").read_bytes()), methods=["POST"])
    with a_site(folder) as cli, serving(app, tls=Authority(folder, "ca").server("127.0.0.1")) as url:
        name(folder, {"{issuer by TLS}": url})
        yield Place(cli, folder)


def functions_that_read() -> Iterator[str]:
    for path in (path for floor in FLOORS for path in sorted((ROOT / floor).rglob("*.py"))):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                calls = [one.func for one in ast.walk(function) if isinstance(one, ast.Call)]
                names = {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls}
                if names & READS:
                    yield f"{path.relative_to(ROOT)}:{function.name}"


def is_elsewhere(function: str) -> bool:
    return any(function.startswith(place) for place in (*ELSEWHERE, *OUR_OWN))


@pytest.mark.long
def test_every_place_where_bytes_come_in_is_a_door_or_damaged_elsewhere(place: Place) -> None:
    told = {door.what: answer for door in DOORS if "unexpected" in (answer := place.run_well(door)).err}
    assert told == {}
    assert sorted(one for one in set(functions_that_read()) - place.ran if not is_elsewhere(one)) == []
    assert [test for test in ELSEWHERE.values() if not (ROOT / test).exists()] == []


def test_damaged_bytes_are_taken_or_refused_in_words(place: Place) -> None:
    assert [fault for door in DOORS[::7] for seed in range(2) if (fault := place.fault(door, seed))] == []


@pytest.mark.long
def test_bytes_damaged_in_every_way_are_taken_or_refused_in_words(place: Place) -> None:
    assert [fault for door in DOORS for seed in range(2, 22) if (fault := place.fault(door, seed))] == []
