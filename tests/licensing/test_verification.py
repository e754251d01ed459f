import base64
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
from licensing.document import LICENSE_TYPE
from licensing.envelope import MAX_ENVELOPE_BYTES, seal
from licensing.errors import AzlicError
from licensing.trust import TrustStore
from licensing.verdict import Cause, Status, Verdict
from licensing.verification import verify
from tests.licensing.another_user import as_another_user, reachable_folder, root_only
from tests.site import START, Site, a_license

END = datetime(2027, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
STEPS = 10


def put(site: Site, content: bytes) -> None:
    (site.license / "license.dat").write_bytes(content)


def by_a_stranger(site: Site) -> None:
    put(site, seal(a_license().to_bytes(), LICENSE_TYPE, CryptoSigner.generate_ed25519()))


def of_a_later_version(site: Site) -> None:
    fields = json.loads(a_license().to_bytes()) | {"colour": "red"}
    put(site, seal(json.dumps(fields).encode(), LICENSE_TYPE, site.signer))


REFUSALS: dict[str, tuple[Callable[[Site], object], int, Status, str]] = {
    "no license": (lambda _site: None, 1, Status.MISSING, "The provided license path was not found"),
    "no folder": (lambda site: site.license.rmdir(), 1, Status.MISSING, "there is no such folder"),
    "a folder in its place": (
        lambda site: (site.license / "license.dat").mkdir(), 2, Status.UNREADABLE, "not a regular file"
    ),
    "a link to nowhere": (
        lambda site: (site.license / "license.dat").symlink_to("gone"), 2, Status.UNREADABLE, "leads nowhere"
    ),
    "a byte too many": (lambda site: put(site, bytes(MAX_ENVELOPE_BYTES + 1)), 2, Status.MALFORMED, "larger than"),
    "an empty file": (lambda site: put(site, b""), 3, Status.MALFORMED, "is not a license"),
    "something else": (lambda site: put(site, b"{}"), 3, Status.MALFORMED, "is not a license"),
    "another document": (
        lambda site: put(site, seal(b"{}", "text/plain", site.signer)), 4, Status.MALFORMED, "'text/plain'"
    ),
    "an unknown signer": (by_a_stranger, 5, Status.UNTRUSTED, "no trusted key"),
    "an unknown field": (of_a_later_version, 6, Status.MALFORMED, "colour"),
    "another container": (
        lambda site: site.install(a_license(container={"type": "speech-to-text", "repositories": ["r"],
                                                       "version_from": "3.2", "version_below": "4"})),
        7, Status.WRONG_CONTAINER, "container type 'speech-to-text', this container is 'read'",
    ),
    "another image": (
        lambda site: site.install(a_license(container={"type": "read", "repositories": ["r"],
                                                       "version_from": "3.0", "version_below": "3.2"})),
        8, Status.WRONG_IMAGE, "3.0 up to, not including, 3.2, this image is '3.2.0'",
    ),
    "not begun": (
        lambda site: site.install(a_license(not_before=START + TICK)), 9, Status.NOT_YET_VALID,
        "begins at 2026-03-01T08:00:00.000001Z",
    ),
    "ended": (
        lambda site: site.install(a_license(issued_at=START - 2 * TICK, not_before=START - TICK, expires_at=START)),
        10, Status.EXPIRED, "ended at 2026-03-01T08:00:00Z",
    ),
}  # fmt: skip


def read_verdict(site: Site) -> Verdict:
    return verify(site.license, trust=site.trust, as_of=site.now, container="read", version="3.2.0")


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
    assert (verdict.license is not None) is (number > 6)
    assert (verdict.key_id is not None) is (number > 6)


def test_every_step_has_its_refusal() -> None:
    assert {number for _, number, _, _ in REFUSALS.values()} == set(range(1, STEPS + 1))


def test_the_steps_are_those_of_the_module_text() -> None:
    told = re.findall(r"^ ?(\d+)\. (\S+(?: \S+)?) ", verification.__doc__ or "", re.MULTILINE)
    assert told == [(str(number), name) for number, name, _ in verification._STEPS]
    assert [number for number, _, _ in verification._STEPS] == list(range(1, STEPS + 1))


def test_a_good_license_passes_every_step(site: Site) -> None:
    site.install()
    verdict = read_verdict(site)
    assert [(check.number, check.passed) for check in verdict.checks] == [(n, True) for n in range(1, STEPS + 1)]
    assert verdict.license == a_license()
    assert verdict.key_id == site.trust.held().keys[0].key_id


def test_a_container_and_an_image_are_compared_only_where_they_are_named(site: Site) -> None:
    site.install()
    verdict = verify(site.license, trust=site.trust, as_of=site.now)
    assert verdict.may_run
    assert "no container named" in verdict.checks[6].detail
    assert "no image named" in verdict.checks[7].detail


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
    assert "passed over: " in verdict.checks[4].detail and "broken.pem is not" in verdict.checks[4].detail


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


CAUSES: dict[str, tuple[Callable[[Site], object], Status, Cause]] = {
    "an unknown key": (by_a_stranger, Status.UNTRUSTED, Cause.UNKNOWN_KEY),
    "changed after it was signed": (changed_after_it_was_signed, Status.UNTRUSTED, Cause.CHANGED),
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
    verdict = site.verify()
    assert (verdict.status, verdict.cause) == (status, cause)


def test_a_path_in_a_detail_stands_there_once(site: Site) -> None:
    (site.license / "license.dat").symlink_to("gone")
    for path in (site.license, site.license / "license.dat"):
        detail = verify(path, trust=site.trust, as_of=site.now).detail
        assert detail == f"{site.license / 'license.dat'}: it is a link that leads nowhere"


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
from licensing.trust import TrustStore
from licensing.verification import verify
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
