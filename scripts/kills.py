"""Kill every command that writes, at random system calls, and look whether anything is half done: one table at the end.

Resumable: what was done is kept in a file, and the next run goes on behind it.
"""

import argparse
import contextlib
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.azlic.killing import COMMANDS, Folder, Matrix, a_site
from tests.azlic.system_calls import STRIKES, Missed, Strike

_A_TURN = 50


@dataclass
class Tally:
    """How often each command was struck, and what was half done afterwards."""

    done: Counter[str]
    half: list[tuple[str, str]] = field(default_factory=list)

    def table(self, commands: Sequence[str], how: str) -> Iterator[str]:
        """A line for each command, and one for all."""
        width = max(map(len, commands))
        halves = Counter(command for command, _ in self.half)
        yield f"{'command':{width}}  {how}  half states"
        for command in commands:
            yield f"{command:{width}}  {self.done[command]:{len(how)},}  {halves[command]:11}"
        yield f"{'all':{width}}  {self.done.total():{len(how)},}  {halves.total():11}"


def main() -> None:
    """Strike until the count or the time is reached, then say what was done to which command."""
    parser = argparse.ArgumentParser(prog="scripts/soak kills", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="how often to strike (default 10,000)")
    parser.add_argument("--minutes", type=float, default=600, help="at most this long")
    parser.add_argument("--seed", type=int, default=1, help="where the random choices begin (default 1)")
    parser.add_argument("--with", dest="strike", choices=STRIKES, default="kill", help="what to do (default kill)")
    parser.add_argument("--commands", nargs="*", choices=COMMANDS, metavar="COMMAND", default=list(COMMANDS))
    parser.add_argument("--resume", type=Path, metavar="FILE", help="keep what was done here, and go on from it")
    args = parser.parse_args()
    kept = json.loads(args.resume.read_text()) if args.resume and args.resume.exists() else {}
    tally, struck = Tally(Counter(kept)), list(args.commands)
    choose, deadline = random.Random(f"{args.seed} {tally.done.total()}"), time.monotonic() + 60 * args.minutes
    with tempfile.TemporaryDirectory() as folder, a_site(Path(folder, "site")) as cli:
        place = Folder(Path(folder, "site"), Path(folder, "pristine"))
        while struck and tally.done.total() < args.count and time.monotonic() < deadline:
            command = min(struck, key=lambda name: (tally.done[name], choose.random()))
            before, turn = tally.done[command], min(_A_TURN, args.count - tally.done.total())
            for fault in strikes(Matrix(cli, place, command), STRIKES[args.strike], choose):
                tally.done[command] += 1
                if fault:
                    tally.half.append((command, fault))
                    print(f"{command}: {fault}", flush=True)
                if tally.done[command] - before >= turn or time.monotonic() > deadline:
                    break
            if tally.done[command] == before:
                struck.remove(command)  # it makes no such call
            if args.resume:
                args.resume.write_text(json.dumps(tally.done, indent=1))
            told = f"{command}: {tally.done[command]}"
            print(f"{tally.done.total()} of {args.count}, {len(tally.half)} half states; {told}", flush=True)
    print("", *tally.table(args.commands, args.strike), sep="\n")
    raise SystemExit(1 if tally.half else 0)


def strikes(matrix: Matrix, strike: Strike, choose: random.Random) -> Iterator[str | None]:
    """Strike a command for ever, each of its calls once before any is struck again; gives what was half done."""
    calls = strike.places(matrix)
    while calls:
        for call in choose.sample(calls, len(calls)):
            with contextlib.suppress(Missed):
                yield strike.fault(matrix, call)


if __name__ == "__main__":
    main()
