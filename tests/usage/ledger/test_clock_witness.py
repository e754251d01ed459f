from datetime import timedelta

import pytest

from licensing.db.database import reading
from licensing.history.read import read_seen
from licensing.verdict.seen import Seen, WitnessKind
from tests.site import START, Site

pytestmark = pytest.mark.databases("sqlite", "postgresql")


def seen(site: Site) -> Seen:
    with reading(site.ledger) as connection:
        return read_seen(connection)


def test_usage_records_are_witnesses_against_a_clock_that_was_turned_back(site: Site) -> None:
    site.install()
    with site.start_engine() as client:
        client.post("/count/3")
        site.sleep(hours=20)
        client.post("/count/2")
    site.sleep(hours=-20)
    site.ingest()
    mark = seen(site).high_water
    assert mark is not None
    assert (mark.kind, mark.instant) == (WitnessKind.RECORD, START + timedelta(hours=20))
    assert mark.source.endswith(".jsonl")
    assert site.verify(seen=seen(site)).status == "clock-suspect"


def test_an_ingest_is_itself_a_witness(site: Site) -> None:
    site.ingest()
    assert [(witness.kind, witness.instant) for witness in seen(site).witnesses] == [(WitnessKind.EVALUATION, START)]


def test_a_suspect_clock_loses_no_record(site: Site) -> None:
    site.install()
    site.sleep(days=40)
    site.ingest()
    site.sleep(days=-40)
    with site.start_engine() as client:
        client.post("/count/3")
    assert site.ingest().new == 1
