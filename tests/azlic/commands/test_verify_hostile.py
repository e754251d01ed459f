"""`azlic verify` on hostile license files, as an operator meets them: a "no" in words, and nothing on stderr."""

import subprocess
import sys
from itertools import islice
from pathlib import Path

from tests.azlic.conftest import Cli
from tests.licensing.mutations import AS_OF, Target, every_truncation, thrown


def test_no_file_makes_the_command_line_do_more_than_say_no(cli: Cli, tmp_path: Path) -> None:
    target = Target(tmp_path / "hostile")
    for _, content in [*thrown(140), *islice(every_truncation(), 0, None, 200)]:
        expected = target.verdict(content).may_run
        answer = cli("verify", target.file.parent, "--trust", target.trust.folder, "--at", AS_OF.isoformat())
        assert (answer.status, answer.err) == (0 if expected else 1, "")


def test_one_hostile_file_among_many_spoils_no_line_of_another(cli: Cli, tmp_path: Path) -> None:
    target = Target(tmp_path / "hostile")
    files = [*thrown(280)]
    for number, (_, content) in enumerate(files):
        folder = tmp_path / "many" / f"{number}"
        folder.mkdir(parents=True)
        (folder / "license.dat").write_bytes(content)
    answer = cli("verify", tmp_path / "many", "--trust", target.trust.folder, "--at", AS_OF.isoformat())
    assert (answer.status, answer.err) == (1, "")
    valid = sum(target.verdict(content).may_run for _, content in files)
    assert f"{len(files)} licenses: " in answer.out and f", {valid} valid." in answer.out


def test_a_process_of_its_own_prints_no_traceback(tmp_path: Path) -> None:
    target = Target(tmp_path)
    azlic = Path(sys.executable).with_name("azlic")
    words = ("--trust", target.trust.folder, "--at", AS_OF.isoformat())
    for _, content in thrown(14):
        expected = target.verdict(content).may_run
        done = subprocess.run([azlic, "verify", target.file, *words], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0 if expected else 1, "")
