import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner

from licensing import verification
from licensing.containers import READ
from licensing.core.errors import AzlicError
from licensing.signing.document import LICENSE_TYPE, License
from licensing.signing.envelope import MAX_ENVELOPE_BYTES, seal
from licensing.trust.store import TrustStore
from licensing.verdict.seen import CLOCK_TOLERANCE, AcceptedLicense, Seen, Witness, WitnessKind
from licensing.verdict.verdict import Cause, Status, Verdict
from licensing.verification import verify
from licensing.verification.adopted import MAX_OPAQUE_BYTES
from tests.licensing.another_user import as_another_user, reachable_folder, root_only
from tests.site import LICENSE_ID, START, Site, a_license

END = datetime(2027, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
STEPS = 15


def put(site: Site, content: bytes) -> None:
    (site.license / "license.dat").write_bytes(content)


def by_a_stranger(site: Site) -> None:
    put(site, seal(a_license().to_bytes(), LICENSE_TYPE, CryptoSigner.generate_ed25519()))


def of_a_later_version(site: Site) -> None:
    fields = json.loads(a_license().to_bytes()) | {"colour": "red"}
    put(site, seal(json.dumps(fields).encode(), LICENSE_TYPE, site.signer))


SEEN: dict[Path, Seen] = {}
"""What each site of these tests has seen before."""


def accept(site: Site, serial: int, license_: License) -> None:
    site.install(license_)
    SEEN[site.folder] = Seen(accepted={LICENSE_ID: AcceptedLicense(serial, bytes(32))})


def witnessed(site: Site, instant: datetime) -> None:
    site.install()
    SEEN[site.folder] = Seen((Witness(WitnessKind.RECORD, instant, "june.jsonl"),))


REFUSALS: dict[str, tuple[Callable[[Site], object], int, Status, str]] = {
    "no license": (lambda _site: None, 1, Status.MISSING, "The provided license path was not found"),
    "no folder": (lambda site: site.license.rmdir(), 1, Status.MISSING, "there is no such folder"),
    "a folder in its place": (
        lambda site: (site.license / "license.dat").mkdir(), 2, Status.UNREADABLE, "not a regular file"
    ),
    "a link to nowhere": (
        lambda site: (site.license / "license.dat").symlink_to("gone"), 2, Status.UNREADABLE, "broken link"
    ),
    "a byte too many": (lambda site: put(site, b"x" * (MAX_OPAQUE_BYTES + 1)), 2, Status.MALFORMED, "larger than"),
    "a large one of ours": (
        lambda site: put(site, b" " * MAX_ENVELOPE_BYTES + site.install().read_bytes()), 3, Status.MALFORMED, "larger"
    ),
    "a large one in no format that azlic can read": (
        lambda site: put(site, b"x" * (MAX_ENVELOPE_BYTES + 1)), 3, Status.OPAQUE, "no format that azlic can read"
    ),
    "nothing but zeros": (lambda site: put(site, bytes(4096)), 3, Status.MALFORMED, "is not a license"),
    "an empty file": (lambda site: put(site, b""), 3, Status.MALFORMED, "is not a license"),
    "an unknown format": (lambda site: put(site, b"\x00\x01opaque"), 3, Status.OPAQUE, "no format that azlic can read"),
    "another's JSON": (lambda site: put(site, b'{"alg": "RS256"}'), 3, Status.OPAQUE, "no format that azlic can read"),
    "another's list": (lambda site: put(site, b"[1, 2]"), 3, Status.OPAQUE, "no format that azlic can read"),
    "bytes behind a brace": (lambda site: put(site, b"{\x00\x01opaque"), 3, Status.OPAQUE, "no format that azlic can"),
    "another's JSON in base64": (
        lambda site: put(site, base64.b64encode(b'{"alg": "RS256"}')), 3, Status.OPAQUE, "no format that azlic can read"
    ),
    "one of ours, torn": (
        lambda site: put(site, site.install().read_bytes()[:-40]), 3, Status.MALFORMED, "is not a license"
    ),
    "another document": (
        lambda site: put(site, seal(b"{}", "text/plain", site.signer)), 4, Status.MALFORMED, "'text/plain'"
    ),
    "an unknown signer": (by_a_stranger, 5, Status.UNTRUSTED, "no trusted key"),
    "an unknown field": (of_a_later_version, 6, Status.MALFORMED, "colour"),
    "another container": (
        lambda site: site.install(a_license(container={"type": "speech-to-text", "repositories": ["r"],
                                                       "version_from": "3.2", "version_below": "4"})),
        10, Status.WRONG_CONTAINER, "container type 'speech-to-text', this container is 'read'",
    ),
    "another image": (
        lambda site: site.install(a_license(container={"type": "read", "repositories": READ.repositories,
                                                       "version_from": "3.0", "version_below": "3.2"})),
        11, Status.WRONG_IMAGE, "3.0 up to, not including, 3.2, this image is '3.2.0'",
    ),
    "another repository": (
        lambda site: site.install(a_license(container={"type": "read", "repositories": ["r"],
                                                       "version_from": "3.2", "version_below": "4"})),
        11, Status.WRONG_IMAGE, "for images of r, this one is of 'mcr.microsoft.com/",
    ),
    "another instance": (
        lambda site: site.install(a_license(instances=["line-1", "line-2"])), 12, Status.WRONG_INSTANCE,
        "for instance 'line-1' or 'line-2', this is 'line-3'",
    ),
    "another site": (
        lambda site: site.install(a_license(site="plant-b")), 12, Status.WRONG_INSTANCE, "for site 'plant-b', this is"
    ),
    "an older serial": (lambda site: accept(site, 3, a_license(serial=2)), 9, Status.SUPERSEDED, "serial 2"),
    "other bytes under one serial": (
        lambda site: accept(site, 2, a_license(serial=2)), 9, Status.CONFLICTING, "the same serial 2"
    ),
    "issued in the future": (
        lambda site: site.install(a_license(issued_at=START + CLOCK_TOLERANCE + TICK)), 13, Status.CLOCK_SUSPECT,
        "the license was issued at 2026-03-01T08:05:00.000001Z",
    ),
    "a clock turned back": (
        lambda site: witnessed(site, START + CLOCK_TOLERANCE + TICK), 13, Status.CLOCK_SUSPECT,
        "a usage record already showed 2026-03-01T08:05:00.000001Z (june.jsonl)",
    ),
    "not begun": (
        lambda site: site.install(a_license(not_before=START + TICK)), 14, Status.NOT_YET_VALID,
        "begins at 2026-03-01T08:00:00.000001Z",
    ),
    "ended": (
        lambda site: site.install(a_license(issued_at=START - 2 * TICK, not_before=START - TICK, expires_at=START)),
        15, Status.EXPIRED, "ended at 2026-03-01T08:00:00Z",
    ),
}  # fmt: skip


def read_verdict(site: Site) -> Verdict:
    return verify(
        site.license,
        trust=site.trust,
        as_of=site.now,
        container="read",
        image=f"{READ.repositories[1]}:3.2.0",
        site="plant-a",
        instance="line-3",
        seen=SEEN.get(site.folder, Seen()),
    )


@pytest.mark.parametrize("case", REFUSALS)
def test_each_step_refuses_under_its_number_and_ends_the_walk(site: Site, case: str) -> None:
    arrange, number, status, words = REFUSALS[case]
    arrange(site)
    verdict = read_verdict(site)
    assert (verdict.status, verdict.may_run) == (status, False)
    assert [check.passed for check in verdict.checks] == [True] * (number - 1) + [False] + [None] * (STEPS - number)
    assert {check.detail for check in verdict.checks[number:]} <= {"not reached"}
    assert words in verdict.detail
    assert verdict.detail == verdict.checks[number - 1].detail


@pytest.mark.parametrize("case", REFUSALS)
def test_nothing_of_a_license_is_shown_before_its_signature_was_checked(site: Site, case: str) -> None:
    arrange, number, _, _ = REFUSALS[case]
    arrange(site)
    verdict = read_verdict(site)
    assert (verdict.license is not None) is (number > 7)
    assert (verdict.key_id is not None) is (number > 7)


def test_every_step_has_its_refusal() -> None:
    by_documents = {7, 8}  # those need an issuer who says more: tests below
    assert {number for _, number, _, _ in REFUSALS.values()} | by_documents == set(range(1, STEPS + 1))


def test_the_steps_are_those_of_the_module_text() -> None:
    told = re.findall(r"^ ?(\d+)\. (\S+(?: \S+){0,2})  ", verification.__doc__ or "", re.MULTILINE)
    assert told == [(str(number), name) for number, name, _ in verification._STEPS]
    assert [number for number, _, _ in verification._STEPS] == list(range(1, STEPS + 1))


def test_a_good_license_passes_every_step(site: Site) -> None:
    site.install()
    verdict = read_verdict(site)
    assert [(check.number, check.passed) for check in verdict.checks] == [(n, True) for n in range(1, STEPS + 1)]
    assert verdict.license == a_license()
    assert verdict.key_id == site.trust.load().keys[0].key_id


def test_a_container_and_an_image_are_compared_only_where_they_are_named(site: Site) -> None:
    site.install()
    verdict = verify(site.license, trust=site.trust, as_of=site.now)
    assert verdict.may_run
    assert "no container named" in verdict.checks[9].detail
    assert "no image named" in verdict.checks[10].detail


@pytest.mark.parametrize(
    ("at", "status"),
    [
        (START - TICK, Status.NOT_YET_VALID),
        (START, Status.VALID),
        (END - timedelta(days=60) - TICK, Status.VALID),
        (END - timedelta(days=60), Status.EXPIRING),
        (END - TICK, Status.EXPIRING),
        (END, Status.GRACE),
        (END + timedelta(days=7) - TICK, Status.GRACE),
        (END + timedelta(days=7), Status.EXPIRED),
    ],
)
def test_every_date_is_kept_to_the_microsecond(site: Site, at: datetime, status: Status) -> None:
    site.install(a_license(grace_days=7))
    assert site.verify(at).status is status


def test_without_grace_the_license_ends_at_its_expiry(site: Site) -> None:
    site.install()
    assert [site.verify(END - TICK).status, site.verify(END).status] == [Status.EXPIRING, Status.EXPIRED]


@pytest.mark.parametrize("days", [0, 1, 400])
def test_the_caller_says_from_when_it_is_expiring(site: Site, days: int) -> None:
    site.install()
    warn_from = END - timedelta(days=days)
    found = [
        verify(site.license, trust=site.trust, as_of=at, expiring_days=days).status
        for at in (max(START, warn_from - TICK), max(START, warn_from))
    ]
    assert found == {0: ["valid", "expired"], 1: ["valid", "expiring"], 400: ["expiring", "expiring"]}[days]


def test_a_license_may_be_named_by_its_file(site: Site) -> None:
    file = site.install().rename(site.folder / "carried.bin")
    elsewhere = TrustStore(site.trust.folder)
    assert verify(file, trust=elsewhere, as_of=site.now).status is Status.UNTRUSTED  # the store is beside the file
    (site.folder / "usb").mkdir()
    assert verify(file.rename(site.folder / "usb" / "x"), trust=elsewhere, as_of=site.now).may_run


@pytest.mark.parametrize("place", [".", "trust.d", "deep/trust.d"])
def test_a_trust_store_inside_the_license_folder_is_refused(site: Site, place: str) -> None:
    site.install()
    inside = TrustStore(site.license / place)
    inside.add(site.public_key)
    verdict = verify(site.license, trust=inside, as_of=site.now)
    assert (verdict.status, verdict.checks[4].passed) == (Status.UNTRUSTED, False)
    assert "trust never comes from the mount" in verdict.detail


def test_a_trust_store_that_is_a_link_into_the_license_folder_is_refused(site: Site) -> None:
    site.install()
    TrustStore(site.license / "trust.d").add(site.public_key)
    (site.folder / "link").symlink_to(site.license / "trust.d")
    assert verify(site.license, trust=TrustStore(site.folder / "link"), as_of=site.now).status is Status.UNTRUSTED


def test_an_empty_trust_store_trusts_nobody(site: Site) -> None:
    site.install()
    verdict = verify(site.license, trust=TrustStore(site.folder / "none"), as_of=site.now)
    assert verdict.status is Status.UNTRUSTED
    assert f"there is no folder {site.folder / 'none'}" in verdict.detail


def test_a_file_among_the_keys_that_is_none_is_passed_over_and_named(site: Site) -> None:
    site.install()
    (site.trust.folder / "broken.pem").touch()
    verdict = site.verify()
    assert verdict.may_run
    assert "ignored: " in verdict.checks[4].detail and "broken.pem is not" in verdict.checks[4].detail


def test_where_the_broken_key_may_be_the_one_that_is_missing_there_is_no_verdict(site: Site) -> None:
    by_a_stranger(site)
    (site.trust.folder / "broken.pem").touch()
    with pytest.raises(AzlicError, match=r"broken\.pem"):
        site.verify()


def test_a_file_in_place_of_the_trust_store_is_an_error(site: Site) -> None:
    site.install()
    (site.folder / "key").touch()
    with pytest.raises(AzlicError, match="key is not a folder"):
        verify(site.license, trust=TrustStore(site.folder / "key"), as_of=site.now)


def changed_after_it_was_signed(site: Site) -> None:
    sealed = json.loads(site.install().read_bytes())
    sealed["payload"] = base64.b64encode(a_license(grace_days=366).to_bytes()).decode()
    put(site, json.dumps(sealed).encode())


def in_base64(site: Site) -> None:
    put(site, base64.encodebytes(site.install().read_bytes()))


CAUSES: dict[str, tuple[Callable[[Site], object], Status, Cause]] = {
    "an unknown key": (by_a_stranger, Status.UNTRUSTED, Cause.UNKNOWN_KEY),
    "changed after it was signed": (changed_after_it_was_signed, Status.UNTRUSTED, Cause.CHANGED),
    "base64 of base64": (in_base64, Status.MALFORMED, Cause.ENCODED_AGAIN),
    "another repository": (
        lambda site: site.install(a_license(container={"type": "read", "repositories": ["r"],
                                                       "version_from": "3.2", "version_below": "4"})),
        Status.WRONG_IMAGE, Cause.OTHER_REPOSITORY,
    ),
    "another site": (lambda site: site.install(a_license(site="b")), Status.WRONG_INSTANCE, Cause.OTHER_SITE),
    "issued later": (
        lambda site: site.install(a_license(issued_at=START + timedelta(days=1))),
        Status.CLOCK_SUSPECT, Cause.ISSUED_LATER,
    ),
    "a folder": (lambda site: (site.license / "license.dat").mkdir(), Status.UNREADABLE, Cause.NOT_A_FILE),
    "a named pipe": (lambda site: os.mkfifo(site.license / "license.dat"), Status.UNREADABLE, Cause.NOT_A_FILE),
    "a link to nowhere": (
        lambda site: (site.license / "license.dat").symlink_to("gone"), Status.UNREADABLE, Cause.LINK_TO_NOWHERE
    ),
    "a link to itself": (
        lambda site: (site.license / "license.dat").symlink_to("license.dat"), Status.UNREADABLE, Cause.LINK_TO_NOWHERE
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CAUSES)
def test_what_has_to_be_mended_in_different_ways_has_different_causes(site: Site, case: str) -> None:
    arrange, status, cause = CAUSES[case]
    arrange(site)
    verdict = read_verdict(site)
    assert (verdict.status, verdict.cause) == (status, cause)


def test_a_path_in_a_detail_stands_there_once(site: Site) -> None:
    (site.license / "license.dat").symlink_to("gone")
    for path in (site.license, site.license / "license.dat"):
        detail = verify(path, trust=site.trust, as_of=site.now).detail
        assert detail == f"{site.license / 'license.dat'}: it is a broken link"


def test_expiring_days_without_end_warn_from_the_beginning(site: Site) -> None:
    site.install()
    assert verify(site.license, trust=site.trust, as_of=site.now, expiring_days=10**12).status is Status.EXPIRING


@root_only
@pytest.mark.parametrize("closed", ["license", "license/license.dat"])
def test_a_license_that_this_user_may_not_read_is_unreadable(site: Site, closed: str) -> None:
    with reachable_folder() as folder:
        site.install(folder=folder / "license")
        (folder / closed).chmod(0)
        trust = TrustStore(folder / "trust.d")
        trust.add(site.public_key)
        verdict = as_another_user(lambda: verify(folder / "license", trust=trust, as_of=site.now))
        named = as_another_user(lambda: verify(folder / "license/license.dat", trust=trust, as_of=site.now).detail)
    assert "passed=False, detail='" in verdict and "<Cause.CLOSED: 'closed'>" in verdict
    assert "license/license.dat: Permission denied" in verdict
    assert named == f"{folder / 'license/license.dat'}: Permission denied"


def everything_about(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    return {
        str(path): (found.st_mtime_ns, found.st_ctime_ns, found.st_ino, path.read_bytes() if path.is_file() else b"")
        for path in [folder, *folder.rglob("*")]
        for found in [path.stat()]
    }


def test_a_read_only_mount_is_enough_and_stays_as_it_is(site: Site) -> None:
    site.install().chmod(0o444)
    site.license.chmod(0o555)
    before = everything_about(site.folder)
    assert site.verify().may_run
    assert everything_about(site.folder) == before


@root_only
def test_a_reader_without_any_rights_to_write_gets_the_same_verdict(site: Site) -> None:
    with reachable_folder() as folder:
        site.install(folder=folder / "license").chmod(0o444)
        (folder / "license").chmod(0o555)
        trust = TrustStore(folder / "trust.d")
        trust.add(site.public_key)
        assert as_another_user(lambda: verify(folder / "license", trust=trust, as_of=site.now).status) == "valid"


ALONE = """
import os, sys

def refuse(event, args):
    if event.startswith("socket."):
        raise RuntimeError(f"{event} was asked for")
    if event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR):
        raise RuntimeError(f"{args[0]} was opened to write")

sys.addaudithook(refuse)
from datetime import datetime
from pathlib import Path
from licensing.trust.store import TrustStore
from licensing.verification import verify
from licensing.verification.adopted import MAX_OPAQUE_BYTES
verdict = verify(Path(sys.argv[1]), trust=TrustStore(Path(sys.argv[2])), as_of=datetime.fromisoformat(sys.argv[3]))
print(verdict.status)
import socket
for attempt in (socket.socket, lambda: open(sys.argv[1] + "/new", "w")):
    try:
        attempt()
    except RuntimeError as error:
        print(error)
"""


def test_no_socket_is_opened_and_nothing_is_written(site: Site) -> None:
    site.install()
    command = [sys.executable, "-B", "-c", ALONE, str(site.license), str(site.trust.folder), site.now.isoformat()]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "valid",
        "socket.__new__ was asked for",
        f"{site.license}/new was opened to write",
    ]


def as_seen(site: Site, *witnesses: tuple[WitnessKind, datetime], **known: AcceptedLicense) -> Verdict:
    marks = tuple(Witness(kind, instant, "somewhere") for kind, instant in witnesses)
    accepted = {LICENSE_ID: known["accepted"]} if known else {}
    return site.verify(seen=Seen(marks, accepted))


@pytest.mark.parametrize("kind", WitnessKind)
def test_a_clock_may_stand_behind_a_witness_by_the_tolerance_and_no_more(site: Site, kind: WitnessKind) -> None:
    site.install()
    edge = START + CLOCK_TOLERANCE
    found = [as_seen(site, (kind, at)).status for at in (START, edge, edge + TICK)]
    assert found == [Status.VALID, Status.VALID, Status.CLOCK_SUSPECT]


def test_the_newest_witness_decides(site: Site) -> None:
    site.install()
    late = START + timedelta(days=3)
    verdict = as_seen(site, (WitnessKind.RECORD, START), (WitnessKind.LICENSE, late), (WitnessKind.EVALUATION, START))
    assert (verdict.status, verdict.cause) == (Status.CLOCK_SUSPECT, Cause.CLOCK_BEHIND)
    assert "a license already showed 2026-03-04T08:00:00Z" in verdict.detail


def test_a_suspect_clock_is_told_before_an_end_that_it_would_hide(site: Site) -> None:
    site.install()
    assert site.verify(END, seen=Seen((Witness(WitnessKind.RECORD, END + timedelta(days=1), "x"),))).status == (
        Status.CLOCK_SUSPECT
    )


def test_where_an_instant_is_named_no_clock_is_in_question(site: Site) -> None:
    site.install()
    verdict = site.verify(START + timedelta(days=1), seen=None)
    assert verdict.may_run
    assert verdict.checks[12].detail == "skipped: an instant was given"


@pytest.mark.parametrize(
    ("serial", "same_bytes", "status"),
    [
        (1, False, Status.VALID),
        (2, True, Status.VALID),
        (2, False, Status.CONFLICTING),
        (3, False, Status.SUPERSEDED),
    ],
    ids=["a newer one", "the same", "other bytes", "an older one"],
)
def test_a_serial_only_rises(site: Site, serial: int, same_bytes: bool, status: Status) -> None:
    license_ = a_license(serial=2)
    site.install(license_)
    digest = hashlib.sha256(license_.to_bytes()).digest() if same_bytes else bytes(32)
    assert as_seen(site, accepted=AcceptedLicense(serial, digest)).status is status


def test_the_same_license_sealed_anew_is_the_same_license(site: Site) -> None:
    file = site.install()
    first = site.verify()
    file.write_bytes(json.dumps(json.loads(file.read_bytes())).encode())
    assert first.payload_digest is not None
    assert as_seen(site, accepted=AcceptedLicense(1, first.payload_digest)).may_run


def test_what_could_not_be_compared_is_a_warning(site: Site) -> None:
    site.install()
    verdict = site.verify(seen=Seen(unread="the ledger cannot be read"))
    assert verdict.may_run
    assert verdict.warnings == ("clock and serial could not be compared: the ledger cannot be read",)


@pytest.mark.parametrize(
    ("image", "status"),
    [
        ("mcr.microsoft.com/azure-cognitive-services/vision/read:3.2-model-2022-04-30", Status.VALID),
        ("plant.registry:5000/azure-cognitive-services/vision/read:3.2.1", Status.VALID),
        ("docker.io/azlic/read:3.2.0", Status.VALID),
        ("azlic/read:3.2.0@sha256:" + "0" * 64, Status.VALID),
        ("azlic/read:4.0.0", Status.WRONG_IMAGE),
        ("azlic/read", Status.WRONG_IMAGE),
        ("azlic/read-evil:3.2.0", Status.WRONG_IMAGE),
    ],
)
def test_an_image_is_compared_by_its_repository_and_its_version(site: Site, image: str, status: Status) -> None:
    site.install()
    assert verify(site.license, trust=site.trust, as_of=site.now, image=image).status is status
