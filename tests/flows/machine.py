"""A machine on which azlic is run as an operator runs it: each command in a process of its own."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.forks import Service, run_forked

AZLIC = Path(sys.executable).with_name("azlic")


def run_anew(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command as an operator does."""
    return subprocess.run(
        [str(AZLIC), *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


class Machine:
    """A machine with a folder of its own; between two of them only files are carried.

    ``anew`` has each command's program started anew; else it is a fork of this process.
    """

    def __init__(self, folder: Path, *, anew: bool = False, **settings: str) -> None:
        self.folder = folder
        self._anew = anew
        folder.mkdir()
        (folder / "azlic.toml").touch()
        places = {"DATABASE": "azlic.db", "TRUST": "trust.d", "CONFIG": "azlic.toml", "SITE_KEYS": "keys"}
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("AZLIC_")}
        self.environment |= {f"AZLIC_{name}": str(folder / place) for name, place in places.items()}
        self.environment |= {"AZLIC_ISSUER_KEYS": str(folder / "keys")} | settings

    def run(self, line: str, *statuses: int) -> str:
        """What a command prints; where it may end with others than 0, these and what it says about that."""
        run = run_anew if self._anew else run_forked
        done = run(line.split(), self.folder, self.environment)
        assert done.returncode in (statuses or (0,)), (line, done.stdout, done.stderr)
        return done.stdout + done.stderr if statuses else done.stdout

    @contextlib.contextmanager
    def serve(self, line: str, ready: str) -> Iterator[str]:
        """A command that goes on until it is told to end; gives the rest of the line in which it says it is ready."""
        if not self._anew:
            forked = Service(line.split(), self.folder, self.environment)
            try:
                said = next((said for said in forked.stderr if ready in said), "")
                assert said, f"{line} ended"
                yield said.partition(ready)[2].strip()
            finally:
                status, rest = forked.end()
            assert status == 0, rest
            return
        command = [str(AZLIC), *line.split()]
        with subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stderr=subprocess.PIPE, text=True
        ) as service:
            assert service.stderr is not None
            try:
                said = next((said for said in service.stderr if ready in said), "")
                assert said, f"{line} ended"
                yield said.partition(ready)[2].strip()
            finally:
                service.terminate()
                service.communicate(timeout=60)
        assert service.returncode == 0

    def carry(self, name: str, to: "Machine", as_: str | None = None) -> None:
        shutil.copy(self.folder / name, to.folder / (as_ or Path(name).name))
