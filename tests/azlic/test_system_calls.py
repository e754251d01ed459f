"""Every command that writes, killed at its system calls from outside, on a disk that is full, and on one that fails.

A few of the calls of each here; scripts/soak kills has all of them, over and over.
"""

import shutil
from collections.abc import Iterator

import pytest

from tests.azlic.conftest import Cli
from tests.azlic.killing import COMMANDS, Folder, Matrix, a_site
from tests.azlic.system_calls import STRIKES, Call, Missed, sample

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
SEVERAL_FILES = (
    "trust add", "trust update", "site init", "issuer init", "issuer rotate", "seal", "install", "adopt", "backup",
    "restore", "export", "accept", "units", "rules", "close", "issuer resource key",
)  # fmt: skip
OF_EACH = 8


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cli, Folder]]:
    folder = tmp_path_factory.mktemp("calls")
    with a_site(folder / "site") as cli:
        yield cli, Folder(folder / "site", folder / "pristine")


def test_an_update_of_the_trust_store_is_whole_or_not_at_all(ready: tuple[Cli, Folder]) -> None:
    matrix = Matrix(*ready, "trust update")
    assert [struck(matrix, how, 2) for how in STRIKES] == [2, 2, 2]


@pytest.mark.long
@pytest.mark.parametrize("command", SEVERAL_FILES)
def test_what_writes_several_files_is_whole_or_not_at_all(ready: tuple[Cli, Folder], command: str) -> None:
    matrix = Matrix(*ready, command)
    assert sum(struck(matrix, how, OF_EACH) for how in STRIKES) > OF_EACH


@pytest.mark.long
@pytest.mark.parametrize("how", STRIKES)
def test_what_else_writes_is_whole_or_not_at_all(ready: tuple[Cli, Folder], how: str) -> None:
    others = [command for command in COMMANDS if command not in SEVERAL_FILES]
    mine = others[list(STRIKES).index(how) :: len(STRIKES)]
    assert sum(struck(Matrix(*ready, command), how, 3) for command in mine) > len(mine)


def struck(matrix: Matrix, how: str, size: int) -> int:
    """Strike a command at so many of its calls; gives how many there were."""
    strike, done = STRIKES[how], 0
    for call in sample(strike.places(matrix), size):
        done += _strike(matrix, how, call)
    return done


def _strike(matrix: Matrix, how: str, call: Call) -> int:
    try:
        fault = STRIKES[how].fault(matrix, call)
    except Missed:
        return 0
    assert fault is None, (how, fault)
    return 1
