"""A container killed in front of any step on the disk: what it answered for is written, once, and it goes on."""

import itertools
import json
from contextlib import closing
from datetime import timedelta

from tests.licensing.sudden_death import die_at_every_step
from tests.site import METER, START
from tests.usage.mount import Mount
from usage.records.recorder import Recorder


def test_no_record_that_was_answered_for_is_lost_or_counted_twice(mount: Mount) -> None:
    output, containers, answered = mount.site.output, itertools.count(), mount.site.folder / "answered"
    container = ""

    def begin() -> None:
        nonlocal container
        container = f"{next(containers):012x}"

    def work() -> None:
        labels = {"container_type": "read", "container_version": "3.2.0", "container_id": container}
        with closing(Recorder(output, service="read", **labels)) as recorder, answered.open("a") as told:
            for hours in (0, 1, 24, 25):
                record = recorder.append(METER, 1, at=START + timedelta(hours=hours), api_type="vision.read")
                told.write(f"{record.id}\n")
                told.flush()

    deaths = 0
    for _ in die_at_every_step(begin, work):
        deaths += 1
        work()
    lines = [line for file in output.rglob("*.jsonl") for line in file.read_bytes().splitlines()]
    written = [json.loads(line)["id"] for line in lines]
    assert len(set(written)) == len(written) and set(answered.read_text().split()) <= set(written)
    receipt = mount.ingest()
    assert (receipt.new, receipt.findings, receipt.quarantined, receipt.pending_bytes) == (len(written), 0, 0, 0)
    assert deaths > 10
