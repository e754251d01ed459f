"""Cut the connections of the official Speech SDK at random places, and hold what is billed to what was delivered."""

import argparse
import random
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

from tests.engines.speech.cutting import listen_through_cuts
from tests.engines.speech.process import license_for_good, recorded, running
from tests.engines.speech.recordings import as_wav, recording, transcripts
from tests.site import Site

WIDTH = 18


def main() -> None:
    """Play recordings to a container, as a process with records of its own, until enough connections were cut."""
    parser = argparse.ArgumentParser(prog="scripts/soak speech", description=__doc__)
    parser.add_argument("--cuts", type=int, default=100, help="how many connections to cut (default 100)")
    parser.add_argument("--seed", type=int, default=1, help="where the random choices begin (default 1)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wrong = play(license_for_good(Site(Path(folder))), random.Random(args.seed), args.cuts)
    sys.exit(f"{wrong} recordings were not billed as they were delivered" if wrong else 0)


def play(site: Site, chance: random.Random, most: int) -> int:
    """A line for each recording; how many were billed wrong."""
    cut = wrong = 0
    print(f"{'recording':{WIDTH}} | cuts | delivered |    billed")
    with running(site) as (_, address):
        while cut < most:
            name = chance.choice(list(transcripts()))
            file = site.folder / "played.wav"
            file.write_bytes(as_wav(recording(name)))
            before = recorded(site.output)
            told, cuts = listen_through_cuts(address, file, chance, most=min(4, most - cut))
            delivered, billed = Decimal(told.ends[-1]) / 10**7, recorded(site.output) - before
            print(f"{name:{WIDTH}} | {cuts:4} | {delivered:7.3f} s | {billed:7.3f} s", flush=True)
            cut += cuts
            wrong += delivered != billed
    print(f"{cut} connections were cut; in all {recorded(site.output):f} seconds were billed")
    return wrong


if __name__ == "__main__":
    main()
