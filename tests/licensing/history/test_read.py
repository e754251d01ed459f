from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

import migrations
from licensing.db.database import open_ledger, reading, writing
from licensing.history.read import read_memory, read_seen
from licensing.history.remember import (
    EVALUATION_STEP,
    advance,
    remember_at,
    remember_verdict,
    reset_clock,
)
from licensing.verdict.seen import Seen, Witness, WitnessKind
from licensing.verdict.verdict import Status
from tests.licensing.another_user import as_another_user, reachable_folder, root_only
from tests.site import LICENSE_ID, START, NewDatabase, Site, a_license

pytestmark = pytest.mark.databases("sqlite", "postgresql")

DAY = timedelta(days=1)


@pytest.fixture
def ledger(new_database: NewDatabase) -> Iterator[Engine]:
    engine = open_ledger(new_database("memory"), create=True)
    yield engine
    engine.dispose()


def target_of(engine: Engine) -> str:
    sqlite = engine.dialect.name == "sqlite"
    return str(engine.url.database) if sqlite else engine.url.render_as_string(hide_password=False)


def shown(engine: Engine) -> dict[str, object]:
    return {witness.kind.value: witness.instant for witness in read_memory(target_of(engine)).witnesses}


def test_a_site_without_a_ledger_remembers_nothing(tmp_path: Path) -> None:
    assert read_memory(str(tmp_path / "none.db")) == Seen()
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_of_the_older_schema_remembers_nothing(ledger: Engine) -> None:
    with writing(ledger) as connection:
        migrations.downgrade(connection, "0001")
    assert read_memory(target_of(ledger)) == Seen()


def test_a_ledger_from_before_adoption_still_remembers_the_rest(ledger: Engine) -> None:
    with writing(ledger) as connection:
        advance(connection, WitnessKind.RECORD, START, "june.jsonl")
        migrations.downgrade(connection, "0002")
    assert shown(ledger) == {"record": START}


@pytest.mark.parametrize("content", [b"no database at all" * 100, b""], ids=["something else", "an empty file"])
def test_a_ledger_that_is_none_is_told_and_is_no_error(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "azlic.db"
    file.write_bytes(content)
    seen = read_memory(str(file))
    assert (str(file) in seen.unread) is bool(content)
    assert file.read_bytes() == content


@root_only
def test_a_ledger_that_this_user_may_not_read_is_told(site: Site) -> None:
    with reachable_folder() as folder:
        open_ledger(str(folder / "azlic.db"), create=True).dispose()
        (folder / "azlic.db").chmod(0o600)
        told = as_another_user(lambda: read_memory(str(folder / "azlic.db")).unread)
    assert "cannot be read by user" in told


def test_each_kind_of_witness_keeps_the_newest_it_has_shown(ledger: Engine) -> None:
    with writing(ledger) as connection:
        for kind in WitnessKind:
            for days in (0, 2, 1):
                advance(connection, kind, START + days * DAY, f"day {days}")
    found = read_memory(target_of(ledger))
    assert set(found.witnesses) == {Witness(kind, START + 2 * DAY, "day 2") for kind in WitnessKind}
    assert found.high_water is not None and found.high_water.instant == START + 2 * DAY


def test_both_ways_to_read_it_say_the_same(ledger: Engine, site: Site) -> None:
    site.install()
    with writing(ledger) as connection:
        remember_verdict(connection, site.verify(seen=Seen()))
    with reading(ledger) as connection:
        assert read_seen(connection) == read_memory(target_of(ledger)) != Seen()


def test_an_answer_moves_the_mark_only_when_it_is_a_minute_newer(ledger: Engine) -> None:
    for instant in (START, START + EVALUATION_STEP, START + EVALUATION_STEP + timedelta(seconds=1)):
        with writing(ledger) as connection:
            advance(connection, WitnessKind.EVALUATION, instant, "ingest")
        if instant == START + EVALUATION_STEP:
            assert shown(ledger) == {"evaluation": START}
    assert shown(ledger) == {"evaluation": START + EVALUATION_STEP + timedelta(seconds=1)}


def test_a_good_license_is_remembered_by_its_serial_and_its_bytes(ledger: Engine, site: Site) -> None:
    for serial in (2, 3):
        site.install(a_license(serial=serial))
        with writing(ledger) as connection:
            remember_verdict(connection, site.verify(seen=read_memory(target_of(ledger))))
    seen = read_memory(target_of(ledger))
    assert seen.accepted[LICENSE_ID].serial == 3
    assert site.verify(seen=seen).status is Status.VALID
    site.install(a_license(serial=2))
    assert site.verify(seen=seen).status is Status.SUPERSEDED
    site.install(a_license(serial=3, grace_days=9))
    assert site.verify(seen=seen).status is Status.CONFLICTING


def test_an_older_license_is_never_remembered_over_a_newer_one(ledger: Engine, site: Site) -> None:
    for serial in (3, 2):
        site.install(a_license(serial=serial))
        with writing(ledger) as connection:
            remember_verdict(connection, site.verify())
    assert read_memory(target_of(ledger)).accepted[LICENSE_ID].serial == 3


def test_an_ended_license_shows_the_time_and_no_serial(ledger: Engine, site: Site) -> None:
    site.install()
    site.sleep(days=400)
    with writing(ledger) as connection:
        remember_verdict(connection, site.verify(seen=Seen()))
    assert shown(ledger) == {"evaluation": site.now}
    assert read_memory(target_of(ledger)).accepted == {}


def test_once_an_end_was_seen_turning_the_clock_back_revives_nothing(ledger: Engine, site: Site) -> None:
    site.install()
    site.sleep(days=400)
    with writing(ledger) as connection:
        remember_verdict(connection, site.verify(seen=Seen()))
    site.sleep(days=-300)
    assert site.verify(seen=read_memory(target_of(ledger))).status is Status.CLOCK_SUSPECT


def test_a_suspect_clock_shows_nothing(ledger: Engine, site: Site) -> None:
    site.install()
    with writing(ledger) as connection:
        remember_verdict(connection, site.verify(START - DAY, seen=Seen()))
    assert shown(ledger) == {}


def test_a_site_without_a_ledger_is_not_given_one(site: Site) -> None:
    site.install()
    remember_at(str(site.folder / "azlic.db"), site.verify())
    assert not (site.folder / "azlic.db").exists()


def test_a_reset_takes_back_what_is_later_and_works_once(ledger: Engine) -> None:
    with writing(ledger) as connection:
        advance(connection, WitnessKind.RECORD, START + 90 * DAY, "a wrong clock")
        advance(connection, WitnessKind.LICENSE, START - DAY, "a license")
        assert reset_clock(connection, reset_id="one", instant=START, now=START)
    assert shown(ledger) == {"record": START, "license": START - DAY}
    with writing(ledger) as connection:
        advance(connection, WitnessKind.RECORD, START + 90 * DAY, "again")
        assert not reset_clock(connection, reset_id="one", instant=START, now=START)
    assert shown(ledger)["record"] == START + 90 * DAY
