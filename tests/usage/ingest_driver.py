"""An ingest as a process of its own, in small steps: ``python -m tests.usage.ingest_driver LEDGER FOLDER``.

Says on stdout how far it is after every commit, and at its end the receipt as JSON.
"""

import dataclasses
import json
import sys
from pathlib import Path

import usage.ingest
import usage.sources
from licensing.database import open_database
from tests.site import START


def run(ledger: str, folder: str) -> None:
    usage.sources.BLOCK_BYTES = 512 * 1024
    usage.ingest.COMMIT_BYTES = 1
    receipt = usage.ingest.ingest(
        open_database(ledger, create=True),
        [Path(folder)],
        now=START,
        progress=lambda done, total: print(f"{done} of {total}", flush=True),
    )
    print(json.dumps(dataclasses.asdict(receipt)), flush=True)


if __name__ == "__main__":
    run(*sys.argv[1:])
