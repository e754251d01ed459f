"""The speech container as a process of its own, with a license that lasts."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from licensing.containers import SPEECH_TO_TEXT
from licensing.signing.document import License, LicensedContainer
from tests.site import Site, a_license, a_plan

Process = subprocess.Popen[str]


def speech_license(**changes: object) -> License:
    """A license for the speech container."""
    container = LicensedContainer(
        type="speech-to-text", repositories=SPEECH_TO_TEXT.repositories, version_from="5", version_below="6"
    )
    return a_license(**({"container": container} | changes))


def license_for_good(site: Site) -> Site:
    """Let a speech container run at this site, whatever the day is."""
    ends = datetime(9000, 1, 1, tzinfo=UTC)
    plan = a_plan(ends_at=ends, plan_type="STT", meters=SPEECH_TO_TEXT.meters)
    site.install(speech_license(expires_at=ends, plan=plan))
    return site


@contextmanager
def running(site: Site, *words: str) -> Iterator[tuple[Process, str]]:
    """The command, and the address that it says it listens on."""
    command = [sys.executable, "-m", "azlic", "engine", "speech-to-text", "--trust", str(site.trust.folder), *words]
    mounts = [f"Mounts:License={site.license}", f"Mounts:Output={site.output}", "urls=http://127.0.0.1:0"]
    with subprocess.Popen([*command, "eula=accept", *mounts], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            said = next(line for line in process.stderr if "Now listening on" in line)
            yield process, said.rpartition(" ")[2].strip().replace("http", "ws", 1)
        finally:
            process.kill()
            process.stderr.close()


def recorded(output: Path) -> Decimal:
    """The seconds in the usage files of an output mount."""
    lines = [line for file in output.rglob("usage-*.jsonl") for line in file.read_text().splitlines()]
    return sum((Decimal(str(json.loads(line)["meter"]["quantity"])) for line in lines), Decimal(0))
