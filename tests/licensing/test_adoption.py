"""Licenses that azlic cannot read: adopted as stated, and held against that."""

import base64
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner

from licensing.adoption import FileState, OperatorStatement, adopt, list_adopted, remove
from licensing.core.errors import AzlicError, BadCall, NoGoodLicense
from licensing.db.database import open_ledger, reading, writing
from licensing.history.read import read_memory, read_seen
from licensing.history.remember import advance
from licensing.signing.document import LICENSE_TYPE
from licensing.signing.envelope import MAX_ENVELOPE_BYTES, seal
from licensing.verdict.seen import CLOCK_TOLERANCE, AdoptedLicense, Seen, WitnessKind
from licensing.verdict.verdict import NOT_ASKED, Cause, Status, Verdict
from licensing.verification import verify
from licensing.verification.adopted import MAX_OPAQUE_BYTES, STEPS, of_our_form
from licensing.verification.mounts import place_of
from licensing.verification.renewal import renewal_starts_at
from tests.licensing.another_user import as_another_user, reachable_folder, root_only
from tests.site import START, Site, a_license

END = datetime(2027, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
OPAQUE = b"\x00\x01 what Microsoft writes"
IMAGE = "mcr.microsoft.com/azure-cognitive-services/vision/read:3.2-model-2022-04-30"


class Keeper:
    """A site whose operator adopts licenses."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.path = str(site.folder / "azlic.db")
        self.file = site.license / "license.dat"
        self.put(OPAQUE)

    def put(self, content: bytes) -> None:
        self.file.write_bytes(content)

    def adopt(self, path: Path | None = None, *, yes: bool = False, **stated: Any) -> AdoptedLicense:
        fields: dict[str, Any] = {"container": "read", "expires_at": END} | stated
        statement = OperatorStatement(**fields)
        with writing(self.site.ledger) as connection:
            where = path or self.site.license
            return adopt(connection, where, statement, now=self.site.now, stated_by="ada", yes=yes).entry

    def verify(self, at: datetime | None = None, **asked: Any) -> Verdict:
        """As ``azlic verify`` does it: the memory is read anew."""
        seen = read_memory(self.path)
        return verify(
            self.site.license,
            trust=self.site.trust,
            as_of=at or self.site.now,
            seen=seen.at_a_named_instant() if at else seen,
            **asked,
        )


@pytest.fixture
def keeper(site: Site) -> Keeper:
    return Keeper(site)


def test_it_is_opaque_until_it_is_adopted_and_then_valid_as_stated(keeper: Keeper) -> None:
    assert keeper.verify().status is Status.OPAQUE
    entry = keeper.adopt(image=IMAGE, resource="plant-read", downloaded_at=START - DAY)
    verdict = keeper.verify()
    assert (verdict.status, verdict.stated, verdict.license, verdict.key_id) == (Status.VALID, entry, None, None)
    assert (entry.digest, entry.size, entry.stated_by) == (sha256(OPAQUE).digest(), len(OPAQUE), "ada")
    assert verdict.detail == "the license runs until 2027-01-01T00:00:00Z, stated by the operator"


def test_each_step_that_can_be_asked_is_and_the_others_say_that_they_are_not(keeper: Keeper) -> None:
    keeper.adopt(image=IMAGE)
    checks = keeper.verify(container="read", image=IMAGE).checks
    assert [check.number for check in checks] == list(range(1, 16))
    assert {check.number for check in checks if check.passed} == {1, 2, 3, *STEPS}
    assert {check.detail for check in checks if check.passed is None} == {NOT_ASKED}
    assert all("stated by the operator" in checks[number - 1].detail for number in (10, 11, 15))


@pytest.mark.parametrize(
    ("at", "status", "days"),
    [
        (END - 60 * DAY - TICK, Status.VALID, 60),
        (END - 60 * DAY, Status.EXPIRING, 60),
        (END - 60 * DAY + TICK, Status.EXPIRING, 59),
        (END - TICK, Status.EXPIRING, 0),
        (END, Status.EXPIRED, 0),
        (END + TICK, Status.EXPIRED, -1),
    ],
)
def test_the_end_that_was_stated_is_exclusive_and_warned_of(
    keeper: Keeper, at: datetime, status: Status, days: int
) -> None:
    keeper.adopt()
    verdict = keeper.verify(at)
    assert (verdict.status, verdict.may_run, verdict.days_left) == (status, status is not Status.EXPIRED, days)
    assert "stated by the operator" in verdict.detail


def test_an_end_is_kept_to_the_millisecond_and_never_later_than_stated(keeper: Keeper) -> None:
    assert keeper.adopt(expires_at=END + 1999 * TICK).expires_at == END + 1000 * TICK
    assert keeper.verify(END + 999 * TICK).may_run and not keeper.verify(END + 1000 * TICK).may_run


def test_the_dates_and_the_renewal_come_from_the_stated_end(keeper: Keeper) -> None:
    keeper.adopt()
    verdict = keeper.verify()
    assert (verdict.expires_at, verdict.warn_from) == (END, END - 60 * DAY)
    assert renewal_starts_at(verdict, 90) == END - 90 * DAY
    assert verdict.changes_at == END - 60 * DAY
    assert keeper.verify(END - DAY).changes_at == END and keeper.verify(END).changes_at is None


@pytest.mark.parametrize(
    ("asked", "status", "cause"),
    [
        ({}, Status.VALID, None),
        ({"container": "read"}, Status.VALID, None),
        ({"container": "speech-to-text"}, Status.WRONG_CONTAINER, None),
        ({"image": IMAGE}, Status.VALID, None),
        ({"image": IMAGE + "@sha256:" + "0" * 64}, Status.VALID, None),
        ({"image": "plant.registry:5000/" + IMAGE.partition("/")[2]}, Status.VALID, None),
        ({"image": IMAGE.replace("04-30", "04-3")}, Status.WRONG_IMAGE, None),
        ({"image": IMAGE.replace("2022", "2021")}, Status.WRONG_IMAGE, None),
        ({"image": IMAGE.rpartition(":")[0]}, Status.WRONG_IMAGE, None),
        ({"image": "azlic/read:3.2-model-2022-04-30"}, Status.WRONG_IMAGE, Cause.OTHER_REPOSITORY),
        ({"version": "3.2-model-2022-04-30"}, Status.VALID, None),
        ({"version": "3.2"}, Status.WRONG_IMAGE, None),
    ],
)
def test_container_and_image_are_held_against_what_was_stated(
    keeper: Keeper, asked: dict[str, Any], status: Status, cause: Cause | None
) -> None:
    keeper.adopt(image=IMAGE)
    verdict = keeper.verify(**asked)
    assert (verdict.status, verdict.cause) == (status, cause)
    assert "stated by the operator" in verdict.detail and verdict.stated is not None


@pytest.mark.parametrize(
    ("stated", "asked", "status"),
    [
        ("x/read:1@sha256:" + "a" * 64, "x/read:2@sha256:" + "a" * 64, Status.VALID),
        ("x/read:1@sha256:" + "a" * 64, "x/read:1@sha256:" + "b" * 64, Status.WRONG_IMAGE),
        ("x/read@sha256:" + "a" * 64, "x/read:1", Status.WRONG_IMAGE),
        ("x/read", "x/read:latest", Status.VALID),
    ],
)
def test_where_both_name_a_digest_it_decides(keeper: Keeper, stated: str, asked: str, status: Status) -> None:
    keeper.adopt(image=stated)
    assert keeper.verify(image=asked).status is status


def test_an_image_that_was_not_stated_is_not_compared(keeper: Keeper) -> None:
    keeper.adopt()
    assert keeper.verify(image="any/image:1").may_run


@pytest.mark.parametrize(("ahead", "status"), [(timedelta(), Status.VALID), (TICK, Status.CLOCK_SUSPECT)])
def test_a_clock_turned_back_makes_a_stated_end_say_nothing(keeper: Keeper, ahead: timedelta, status: Status) -> None:
    keeper.adopt()
    with writing(keeper.site.ledger) as connection:
        advance(connection, WitnessKind.RECORD, START + DAY, "june.jsonl")
    seen = read_memory(keeper.path)
    at = START + DAY - CLOCK_TOLERANCE - ahead
    verdict = verify(keeper.site.license, trust=keeper.site.trust, as_of=at, seen=seen)
    assert verdict.status is status and "stated by the operator" in verdict.detail
    assert keeper.verify(at).status is Status.VALID, "a named instant asks no clock"


def test_adopting_is_a_witness_of_the_time(keeper: Keeper) -> None:
    keeper.adopt()
    keeper.site.sleep(days=-1)
    assert keeper.verify().status is Status.CLOCK_SUSPECT


def test_a_changed_installed_file_is_an_alarm(keeper: Keeper) -> None:
    keeper.adopt()
    for content in (OPAQUE + b"\n", OPAQUE[:-1], b"", b"{}", bytes(MAX_OPAQUE_BYTES + 1)):
        keeper.put(content)
        verdict = keeper.verify()
        assert (verdict.status, verdict.cause, verdict.stated) == (Status.OPAQUE, Cause.ADOPTED_CHANGED, None)
        assert "has changed since it was adopted at 2026-03-01T08:00:00Z" in verdict.detail
    keeper.put(OPAQUE)
    assert keeper.verify().may_run


def test_a_download_with_other_bytes_is_no_alarm_until_it_is_installed(keeper: Keeper, tmp_path: Path) -> None:
    keeper.adopt()
    again = tmp_path / "again"
    again.mkdir()
    (again / "license.dat").write_bytes(OPAQUE[::-1])
    seen = read_memory(keeper.path)
    fresh = verify(again, trust=keeper.site.trust, as_of=START, seen=seen)
    assert (fresh.status, fresh.cause) == (Status.OPAQUE, None) and keeper.verify().may_run
    (again / "license.dat").replace(keeper.file)
    assert keeper.verify().cause is Cause.ADOPTED_CHANGED
    with pytest.raises(BadCall, match="has changed since") as no:
        keeper.adopt(expires_at=END + 365 * DAY)
    assert "--yes" in no.value.hint
    assert keeper.verify().cause is Cause.ADOPTED_CHANGED
    keeper.adopt(expires_at=END + 365 * DAY, yes=True)
    assert keeper.verify(END).status is Status.VALID


def test_one_that_went_missing_or_is_closed_is_told_as_of_any_license(keeper: Keeper) -> None:
    keeper.adopt()
    keeper.file.unlink()
    assert keeper.verify().status is Status.MISSING
    keeper.file.mkdir()
    assert keeper.verify().cause is Cause.NOT_A_FILE


def ours(site: Site, **changes: object) -> bytes:
    return site.install(a_license(**changes)).read_bytes()


def ended(site: Site) -> bytes:
    return ours(site, issued_at=START - DAY, not_before=START - DAY, expires_at=START)


OURS: dict[str, Callable[[Site], bytes]] = {
    "whole": ours,
    "by a stranger": lambda _: seal(a_license().to_bytes(), LICENSE_TYPE, CryptoSigner.generate_ed25519()),
    "another document": lambda site: seal(b"{}", "text/plain", site.signer),
    "torn": lambda site: ours(site)[:-40],
    "changed": lambda site: ours(site).replace(b"e", b"f", 1),
    "ended": ended,
    "too large": lambda site: ours(site) + b" " * MAX_ENVELOPE_BYTES,
    "encoded again": lambda site: base64.encodebytes(ours(site)),
    "encoded again and torn": lambda site: base64.encodebytes(ours(site))[:-7],
}


@pytest.mark.parametrize("how", OURS)
def test_a_license_of_ours_is_never_adopted_and_never_helped_by_an_entry(keeper: Keeper, how: str) -> None:
    content = OURS[how](keeper.site)
    keeper.put(content)
    with pytest.raises(BadCall, match="can read itself"):
        keeper.adopt()
    plain = keeper.site.verify(seen=Seen())
    keeper.put(OPAQUE)
    entry = keeper.adopt()._replace(digest=sha256(content).digest(), size=len(content))
    keeper.put(content)
    forged = Seen(adopted={place_of(keeper.file): entry})
    helped = keeper.site.verify(seen=forged)
    assert (helped.status, helped.cause) == (plain.status, plain.cause)
    assert helped.may_run is (how == "whole") and helped.stated is None


@given(st.binary(max_size=200).filter(lambda content: b"payload" not in content))
def test_no_bytes_of_anothers_are_taken_for_ours(content: bytes) -> None:
    assert not of_our_form(content)


def test_a_license_of_ours_is_known_however_much_of_it_is_left(site: Site) -> None:
    content = ours(site)
    assert all(of_our_form(content[:end]) for end in range(20, len(content)))


def test_json_that_is_no_envelope_may_be_anothers_license(keeper: Keeper) -> None:
    keeper.put(b'{"license": "AAAA"}')
    assert keeper.verify().status is Status.OPAQUE
    keeper.adopt()
    assert keeper.verify().status is Status.VALID


@pytest.mark.parametrize("size", [1, MAX_ENVELOPE_BYTES + 1, MAX_OPAQUE_BYTES])
def test_a_license_up_to_the_cap_is_adopted(keeper: Keeper, size: int) -> None:
    keeper.put(b"\x01" * size)
    keeper.adopt()
    assert keeper.verify().may_run


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (b"\x01" * (MAX_OPAQUE_BYTES + 1), NoGoodLicense, "larger than 1048576 bytes"),
        (b"", NoGoodLicense, "is empty"),
        (None, AzlicError, "there is no license to adopt"),
    ],
)
def test_what_no_license_is_is_refused(
    keeper: Keeper, content: bytes | None, error: type[Exception], words: str
) -> None:
    keeper.file.unlink() if content is None else keeper.put(content)
    with pytest.raises(error, match=words):
        keeper.adopt()
    assert read_memory(keeper.path).adopted == {}


def test_a_folder_or_a_pipe_in_its_place_is_refused_at_once(keeper: Keeper) -> None:
    keeper.file.unlink()
    os.mkfifo(keeper.file)
    with pytest.raises(AzlicError, match="cannot be read"):
        keeper.adopt()


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({"container": "toaster"}, "no container type 'toaster'"),
        ({"image": "No Image"}, "not the name of an image"),
        ({"image": IMAGE, "container": "speech-to-text"}, "is an image of read, not of speech-to-text"),
        ({"resource": "a\x1b[31m"}, "unprintable characters"),
        ({"resource": ""}, "is empty"),
        ({"resource": "x" * 201}, "too long"),
        ({"expires_at": START}, "is in the past"),
        ({"expires_at": datetime(9995, 1, 1, tzinfo=UTC)}, "is invalid"),
        ({"downloaded_at": START}, "cannot have been downloaded"),
        ({"downloaded_at": END}, "cannot have been downloaded"),
    ],
)
def test_a_statement_that_cannot_be_meant_is_refused(keeper: Keeper, stated: dict[str, Any], words: str) -> None:
    with pytest.raises(BadCall, match=words):
        keeper.adopt(**stated)
    assert read_memory(keeper.path).adopted == {}


def test_an_end_in_the_past_has_to_be_meant(keeper: Keeper) -> None:
    keeper.adopt(expires_at=START, yes=True)
    assert keeper.verify().status is Status.EXPIRED


def test_stating_the_same_again_changes_nothing(keeper: Keeper) -> None:
    first = keeper.adopt()
    keeper.site.sleep(days=1)
    assert keeper.adopt() == first
    with pytest.raises(BadCall, match="you now state something else"):
        keeper.adopt(expires_at=END + DAY)
    assert keeper.adopt(expires_at=END + DAY, yes=True).adopted_at == START + DAY
    assert len(read_memory(keeper.path).adopted) == 1


def test_two_licenses_are_told_apart(keeper: Keeper) -> None:
    other = keeper.site.folder / "other"
    other.mkdir()
    (other / "license.dat").write_bytes(OPAQUE)
    keeper.adopt()
    keeper.adopt(other / "license.dat", container="speech-to-text", expires_at=START + DAY)
    seen = read_memory(keeper.path)
    verdict = verify(other, trust=keeper.site.trust, as_of=START, seen=seen)
    assert (verdict.container_type, verdict.status) == ("speech-to-text", Status.EXPIRING)
    assert (keeper.verify().container_type, keeper.verify().status) == ("read", Status.VALID)
    with reading(keeper.site.ledger) as connection:
        assert [one.entry.container_type for one in list_adopted(connection)] == ["speech-to-text", "read"]


def test_the_inventory_tells_how_each_file_stands(keeper: Keeper) -> None:
    keeper.adopt()

    def state() -> FileState:
        with reading(keeper.site.ledger) as connection:
            (one,) = list_adopted(connection)
        return one.file

    assert state() is FileState.UNCHANGED
    for content in (b"x", bytes(MAX_OPAQUE_BYTES + 1)):
        keeper.put(content)
        assert state() is FileState.CHANGED
    keeper.file.unlink()
    assert state() is FileState.MISSING
    keeper.file.mkdir()
    assert state() is FileState.UNREADABLE


@pytest.mark.parametrize("name", [".", "license.dat"])
def test_an_entry_is_taken_out_and_its_file_stays(keeper: Keeper, name: str) -> None:
    keeper.adopt()
    with writing(keeper.site.ledger) as connection:
        remove(connection, keeper.site.license / name)
    assert keeper.verify().status is Status.OPAQUE and keeper.file.read_bytes() == OPAQUE
    with pytest.raises(BadCall, match="no license was adopted"), writing(keeper.site.ledger) as connection:
        remove(connection, keeper.site.license)


@pytest.mark.parametrize("name", ["license.dat", "carried.bin"])
def test_a_folder_that_is_gone_can_be_taken_out(keeper: Keeper, name: str) -> None:
    file = keeper.file.rename(keeper.site.license / name)
    keeper.adopt(file)
    file.unlink()
    keeper.site.license.rmdir()
    with writing(keeper.site.ledger) as connection:
        remove(connection, keeper.site.license if name == "license.dat" else file)
    assert read_memory(keeper.path).adopted == {}


def test_a_place_is_the_same_by_whatever_way_it_is_named(keeper: Keeper) -> None:
    link = keeper.site.folder / "link"
    link.symlink_to(keeper.site.license)
    keeper.adopt(link)
    assert keeper.verify().may_run
    seen = read_memory(keeper.path)
    for path in (link, link / "license.dat", keeper.site.license / ".." / "license"):
        assert verify(path, trust=keeper.site.trust, as_of=START, seen=seen).may_run


def test_a_license_that_is_a_link_keeps_its_place_when_it_is_pointed_elsewhere(keeper: Keeper) -> None:
    for name, content in (("one", OPAQUE), ("two", OPAQUE), ("three", b"\x01")):
        (keeper.site.folder / name).write_bytes(content)
    keeper.file.unlink()
    keeper.file.symlink_to(keeper.site.folder / "one")
    keeper.adopt()
    for name, status in (("two", Status.VALID), ("three", Status.OPAQUE)):
        keeper.file.unlink()
        keeper.file.symlink_to(keeper.site.folder / name)
        assert keeper.verify().status is status
    assert keeper.verify().cause is Cause.ADOPTED_CHANGED


def test_another_process_reads_it_again(keeper: Keeper) -> None:
    entry = keeper.adopt(image=IMAGE, downloaded_at=START - DAY)
    keeper.site.close()
    fresh = open_ledger(keeper.path)
    with reading(fresh) as connection:
        assert read_seen(connection).adopted == {place_of(keeper.file): entry} == read_memory(keeper.path).adopted
    fresh.dispose()


@root_only
def test_a_mount_that_nobody_can_write_to_is_enough(site: Site) -> None:
    with reachable_folder() as folder:
        (folder / "license").mkdir()
        (folder / "license/license.dat").write_bytes(OPAQUE)
        (folder / "license").chmod(0o555)
        ledger = folder / "ledger"
        ledger.mkdir()
        ledger.chmod(0o777)
        open_ledger(str(ledger / "azlic.db"), create=True).dispose()  # the schema's history may be root's alone
        (ledger / "azlic.db").chmod(0o666)

        def adopted_by_another() -> str:
            engine = open_ledger(str(ledger / "azlic.db"))
            with writing(engine) as connection:
                adopt(connection, folder / "license", OperatorStatement("read", END), now=START, stated_by="x")
            seen = read_memory(str(ledger / "azlic.db"))
            return verify(folder / "license", trust=site.trust, as_of=START, seen=seen).status

        assert as_another_user(adopted_by_another) == "valid"
        assert [path.name for path in (folder / "license").iterdir()] == ["license.dat"]


@root_only
def test_a_ledger_that_cannot_be_read_leaves_it_opaque_and_says_why(site: Site) -> None:
    with reachable_folder() as folder:
        (folder / "license.dat").write_bytes(OPAQUE)
        engine = open_ledger(str(folder / "azlic.db"), create=True)
        with writing(engine) as connection:
            adopt(connection, folder, OperatorStatement("read", END), now=START, stated_by="x")
        engine.dispose()
        (folder / "azlic.db").chmod(0o600)

        def told() -> str:
            seen = read_memory(str(folder / "azlic.db")).at_a_named_instant()
            verdict = verify(folder, trust=site.trust, as_of=START, seen=seen)
            return json.dumps([verdict.status, *verdict.warnings])

        status, warning = json.loads(as_another_user(told))
    assert status == "opaque"
    assert warning.startswith("cannot tell whether it was adopted: the ledger") and "cannot be read by" in warning


def test_our_own_container_does_not_start_on_a_statement(keeper: Keeper) -> None:
    keeper.adopt()
    refused = keeper.site.container()
    assert isinstance(refused, Verdict) and refused.status is Status.OPAQUE
