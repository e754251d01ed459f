import logging
import os
import sqlite3
import stat
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta

import pytest
import stamina
from fastapi import Response
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner

from licensing.core.errors import AzlicError, BadCall, NoGoodLicense
from licensing.delivery.client import LONGEST_WAIT_SECONDS
from licensing.delivery.denial import Denial, DenialCode
from licensing.delivery.downloading import ATTEMPTS, Denied, Order, download
from licensing.delivery.installing import install
from licensing.delivery.response import LONGEST_RETRY_AFTER, retry_after_seconds
from licensing.signing.document import LICENSE_TYPE
from licensing.signing.envelope import MAX_ENVELOPE_BYTES, seal
from licensing.verdict.verdict import Status
from tests.licensing.another_user import UID, as_another_user, reachable_folder, root_only
from tests.licensing.orders import KEY, Answers, an_order, as_license, fetch, files, sealed
from tests.site import START, Site, a_license, a_plan

CLOSED_PORT = "http://127.0.0.1:9/plant-read"


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    """The waits are computed and told, and none is waited for."""
    with stamina.set_testing(True, attempts=ATTEMPTS):
        yield


def busy(retry_after: str | None = None) -> Response:
    return Response("come back later", 503, {} if retry_after is None else {"Retry-After": retry_after})


def test_a_license_is_installed_where_its_container_looks_for_it(site: Site) -> None:
    site.add_resource()
    with site.license_server() as server:
        assert site.download(server).status is Status.VALID
    assert list(files(site)) == ["license.dat"]
    assert site.verify().may_run


def test_a_second_download_takes_the_place_of_the_first(site: Site) -> None:
    site.add_resource()
    with site.license_server() as server:
        serials = [verdict.license.serial for verdict in (site.download(server), site.download(server))
                   if verdict.license]  # fmt: skip
    assert serials == [1, 2]
    assert list(files(site)) == ["license.dat"]


def test_a_license_that_begins_later_is_installed_ahead_of_time(site: Site) -> None:
    with Answers(sealed(site, not_before=START + timedelta(days=1))).served() as endpoint:
        assert fetch(site, an_order(endpoint)).status is Status.NOT_YET_VALID
    assert list(files(site)) == ["license.dat"]


@root_only
def test_what_root_installs_its_container_can_read(site: Site) -> None:
    os.chown(site.license, UID, UID)
    with Answers(sealed(site)).served() as endpoint:
        fetch(site, an_order(endpoint))
    found = (site.license / "license.dat").stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (UID, 0o640)


DENIALS: dict[str, tuple[Callable[[Site], object], dict[str, str], DenialCode]] = {
    "a key of nobody": (lambda _: None, {"api_key": "nobody"}, DenialCode.INVALID),
    "a container of another kind": (lambda _: None, {"container_type": "speech-to-text"}, DenialCode.MISMATCH),
    "not approved": (lambda site: site.add_resource("new", approved=False), {}, DenialCode.UNAUTHORIZED),
    "no plan in force": (
        lambda site: site.add_resource("new", plan=a_plan(ends_at=START)), {}, DenialCode.OUT_OF_QUOTA
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", DENIALS)
def test_a_denial_comes_through_with_its_code_and_what_to_do(site: Site, case: str) -> None:
    arrange, changes, code = DENIALS[case]
    site.add_resource()
    arrange(site)
    with site.license_server() as server, pytest.raises(Denied) as denied:
        site.download(server, list(site.api_keys)[-1], **changes)
    assert (denied.value.denial.code, denied.value.exit_status) == (code, 1)
    assert str(denied.value).startswith(f"{code}: ")
    assert denied.value.hint
    assert files(site) == {}


def test_the_key_of_another_resource_is_a_mismatch(site: Site) -> None:
    site.add_resource()
    site.add_resource("other-read")
    with site.license_server() as server, pytest.raises(Denied, match=r"^Mismatch: "):
        site.download(server, api_key=site.api_keys["other-read"][0])


def test_a_busy_issuer_is_asked_again_after_the_time_it_names(site: Site) -> None:
    site.wait_seconds = 0.02
    site.add_resource()
    told: list[tuple[DenialCode, int, float]] = []
    with closing(sqlite3.connect(site.folder / "issuer.db", isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")

        def waiting(denial: Denial, attempt: int, seconds: float) -> None:
            told.append((denial.code, attempt, seconds))
            if attempt == 2:
                other.execute("ROLLBACK")

        with site.license_server() as server:
            order = an_order(f"{server}/plant-read", api_key=site.api_keys["plant-read"][0])
            assert fetch(site, order, waiting).status is Status.VALID
    assert told == [(DenialCode.BUSY, 1, 5.0), (DenialCode.BUSY, 2, 5.0)]


def test_a_real_issuer_that_stays_busy_is_given_up_with_the_time_it_names(site: Site) -> None:
    site.wait_seconds = 0.02
    site.add_resource()
    told: list[tuple[DenialCode, int, float]] = []
    with closing(sqlite3.connect(site.folder / "issuer.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with site.license_server() as server, pytest.raises(Denied) as denied:
            order = an_order(f"{server}/plant-read", api_key=site.api_keys["plant-read"][0])
            fetch(site, order, lambda denial, attempt, seconds: told.append((denial.code, attempt, seconds)))
    assert told == [(DenialCode.BUSY, attempt, 5.0) for attempt in (1, 2, 3, 4)]
    assert denied.value.message == "BillingEndpointBusy: the issuer is busy with other downloads (asked 5 times)"
    assert denied.value.hint == "try again after 5 s, as the issuer asks"
    assert (denied.value.exit_status, files(site)) == (3, {})


def test_a_real_issuer_whose_store_fails_is_unknown_and_asked_again(site: Site) -> None:
    site.add_resource()
    with closing(sqlite3.connect(site.folder / "issuer.db")) as other:
        other.execute("DROP TABLE issuer_resource_key")
    told: list[DenialCode] = []
    with site.license_server() as server, pytest.raises(Denied) as denied:
        fetch(site, an_order(f"{server}/plant-read"), lambda denial, *_: told.append(denial.code))
    assert told == [DenialCode.UNKNOWN] * (ATTEMPTS - 1)
    assert denied.value.message.startswith("Unknown: the issuer cannot answer now") and denied.value.exit_status == 3


@pytest.mark.parametrize("status", [502, 504])
@pytest.mark.parametrize("retry_after", ["7", "Sun, 01 Mar 2026 08:00:07 GMT"])
def test_a_gateway_that_does_not_reach_the_issuer_could_not_connect(site: Site, status: int, retry_after: str) -> None:
    waits: list[float] = []
    answers = Answers(Response("no route", status, {"Retry-After": retry_after}))
    with answers.served() as endpoint, pytest.raises(Denied, match=rf"^CouldNotConnect: .*{status}") as denied:
        fetch(site, an_order(endpoint), lambda _denial, _attempt, seconds: waits.append(seconds))
    assert waits == [7.0] * (ATTEMPTS - 1)
    assert denied.value.hint == "try again after 7 s, as the issuer asks"


def test_a_time_to_wait_that_is_longer_than_any_is_told_at_the_end(site: Site) -> None:
    with Answers(busy("86400")).served() as endpoint, pytest.raises(Denied) as denied:
        fetch(site, an_order(endpoint))
    assert denied.value.hint == "try again after 86400 s, as the issuer asks"


@pytest.mark.parametrize("asked", ["9" * 400, "9" * 20 + ".5", "Mon, 01 Mar 9999 08:00:00 GMT"])
def test_no_time_to_wait_is_beyond_a_day(site: Site, asked: str) -> None:
    with Answers(busy(asked)).served() as endpoint, pytest.raises(Denied) as denied:
        fetch(site, an_order(endpoint))
    assert denied.value.hint == "try again after 86400 s, as the issuer asks"


def waits_for(site: Site, answer: Response) -> list[float]:
    """The seconds waited between the answers of an issuer that gives one answer for ever."""
    waits: list[float] = []
    answers = Answers(answer)
    with answers.served() as endpoint, pytest.raises(Denied):
        fetch(site, an_order(endpoint), lambda _denial, _attempt, seconds: waits.append(seconds))
    assert answers.asked == ATTEMPTS
    return waits


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("Sun, 01 Mar 2026 08:00:07 GMT", 7.0),
        ("Sun, 01 Mar 2026 07:00:00 GMT", 0.0),
        ("1.5", 1.5),
        ("86400", LONGEST_WAIT_SECONDS),
        ("9" * 400, LONGEST_WAIT_SECONDS),
        ("Mon, 01 Mar 2027 08:00:00 GMT", LONGEST_WAIT_SECONDS),
    ],
)
def test_both_forms_of_retry_after_are_kept_within_a_bound(site: Site, retry_after: str, seconds: float) -> None:
    assert waits_for(site, busy(retry_after)) == [seconds] * (ATTEMPTS - 1)


@pytest.mark.parametrize("retry_after", [None, "soon", "-5", "1.5.1", "Sun, 01 Mar 99999999999 08:00:07 GMT"])
def test_without_a_time_to_wait_the_waits_double(site: Site, retry_after: str | None) -> None:
    assert waits_for(site, busy(retry_after)) == [0.25, 0.5, 1.0, 2.0]


@given(st.text(st.characters(codec="latin-1")) | st.from_regex(r"Mon, \d+ Jan \d+ \d+:\d+:\d+ [+-]\d+", fullmatch=True))
def test_any_retry_after_is_a_time_or_none(value: str) -> None:
    seconds = retry_after_seconds(value, START)
    assert seconds is None or 0 <= seconds <= LONGEST_RETRY_AFTER


def test_the_number_of_tries_is_bounded_and_the_last_answer_is_told(site: Site) -> None:
    answers = Answers(busy(), busy(), Response("broken", 500))
    with answers.served() as endpoint, pytest.raises(Denied, match=r"^Unknown: the issuer answered 500") as denied:
        fetch(site, an_order(endpoint))
    assert (answers.asked, denied.value.denial.code) == (ATTEMPTS, DenialCode.UNKNOWN)


def test_a_denial_that_waiting_cannot_change_is_not_tried_again(site: Site) -> None:
    answers = Answers(Response('{"code": "OutOfQuota", "message": "no plan"}', 403))
    with answers.served() as endpoint, pytest.raises(Denied, match=r"^OutOfQuota: no plan$"):
        fetch(site, an_order(endpoint))
    assert answers.asked == 1


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (429, b"slow down", DenialCode.BUSY),
        (503, b'{"code": "OutOfQuota", "message": "under a status that is not its own"}', DenialCode.BUSY),
        (500, b'{"code": "Unknown", "message": "broken"}', DenialCode.UNKNOWN),
        (404, b"nothing here", DenialCode.UNKNOWN),
        (302, b"", DenialCode.UNKNOWN),
        (403, b"[" * 60_000, DenialCode.UNKNOWN),
        (403, b'{"code": ["Mismatch"], "message": 7}', DenialCode.UNKNOWN),
        (403, b"\xff\xfe", DenialCode.UNKNOWN),
    ],
    ids=["too many", "wrong status", "unknown", "not found", "elsewhere", "nested deep", "other types", "no text"],
)
def test_an_answer_in_another_language_has_a_code_too(site: Site, status: int, body: bytes, code: DenialCode) -> None:
    with Answers(Response(body, status)).served() as endpoint, pytest.raises(Denied) as denied:
        fetch(site, an_order(endpoint))
    assert denied.value.denial.code is code


def test_the_issuers_words_cannot_steer_the_terminal(site: Site) -> None:
    answer = Response(b'{"code": "Mismatch", "message": "\\u001b[2J' + b"x" * 1000 + b'"}', 403)
    with Answers(answer).served() as endpoint, pytest.raises(Denied) as denied:
        fetch(site, an_order(endpoint))
    assert str(denied.value).isprintable()
    assert len(str(denied.value)) < 400


@pytest.mark.parametrize("endpoint", [CLOSED_PORT, "https://127.0.0.1:9/x", "https://a..b/x", f"https://{'a' * 99}/x"])
def test_where_nobody_answers_it_could_not_connect(site: Site, endpoint: str) -> None:
    with pytest.raises(Denied, match=r"^CouldNotConnect: ") as denied:
        fetch(site, an_order(endpoint))
    assert denied.value.denial.code is DenialCode.COULD_NOT_CONNECT


def test_a_server_that_speaks_no_tls_is_not_asked_again(site: Site) -> None:
    told: list[int] = []
    with site.license_server() as server, pytest.raises(Denied, match=r"^CouldNotConnect: ") as denied:
        order = an_order(f"{server.replace('http:', 'https:')}/plant-read")
        fetch(site, order, lambda _denial, attempt, _seconds: told.append(attempt))
    assert (told, denied.value.exit_status) == ([], 3)
    assert "may not speak TLS" in denied.value.hint


@pytest.mark.parametrize("status", [302, 400, 404, 405])
def test_what_another_try_cannot_change_is_not_asked_again(site: Site, status: int) -> None:
    answers = Answers(Response("not here", status))
    with answers.served() as endpoint, pytest.raises(Denied, match=r"^Unknown: ") as denied:
        fetch(site, an_order(endpoint))
    assert (answers.asked, denied.value.exit_status) == (1, 3)
    assert "endpoint" in denied.value.hint


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("Invalid", 1),
        ("Mismatch", 1),
        ("ContainerUseUnauthorized", 1),
        ("OutOfQuota", 1),
        ("BillingEndpointBusy", 3),
        ("CouldNotConnect", 3),
        ("Unknown", 3),
    ],
)
def test_a_no_is_status_1_and_no_answer_status_3(code: str, status: int) -> None:
    assert Denied(Denial(DenialCode(code), "so it is")).exit_status == status


def test_a_file_in_place_of_the_license_folder_is_said_so(site: Site) -> None:
    site.license.rmdir()
    site.license.touch()
    with pytest.raises(AzlicError, match="license is not a folder"):
        fetch(site, an_order(CLOSED_PORT))


def stranger(_site: Site) -> Response:
    return as_license(seal(a_license().to_bytes(), LICENSE_TYPE, CryptoSigner.generate_ed25519()))


SPEECH = {"type": "speech-to-text", "repositories": ["r"], "version_from": "3", "version_below": "4"}
NO_GOOD: dict[str, tuple[Callable[[Site], Response], str]] = {
    "too large": (lambda _: as_license(b" " * (MAX_ENVELOPE_BYTES + 1)), "larger than any license"),
    "no license": (lambda _: as_license(b"<html>Sign in to the hotel's network</html>"), "is opaque"),
    "nothing": (lambda _: as_license(b""), "is malformed"),
    "another document": (lambda site: as_license(seal(b"{}", "text/plain", site.signer)), "another type"),
    "another container": (lambda site: sealed(site, serial=2, container=SPEECH), "is wrong-container"),
    "another image": (lambda site: sealed(site, serial=2, container=SPEECH | {"type": "read", "version_below": "3.1"}),
                      "is wrong-image"),
    "ended": (lambda site: sealed(site, serial=2, issued_at=START - timedelta(2), not_before=START - timedelta(2),
                                  expires_at=START), "is expired"),
    "an unknown signer": (stranger, "is untrusted"),
}  # fmt: skip


@pytest.mark.parametrize("case", NO_GOOD)
def test_what_is_no_good_license_leaves_everything_as_it_was(site: Site, case: str) -> None:
    answer, reason = NO_GOOD[case]
    site.install()
    before = files(site)
    with Answers(answer(site)).served() as endpoint, pytest.raises(AzlicError, match=reason) as refused:
        fetch(site, an_order(endpoint))
    assert refused.value.exit_status == 1
    assert files(site) == before


def test_an_unknown_signer_is_told_with_the_command_that_trusts_it(site: Site) -> None:
    with Answers(stranger(site)).served() as endpoint, pytest.raises(AzlicError) as refused:
        fetch(site, an_order(endpoint))
    assert "azlic trust add" in refused.value.hint


@pytest.mark.parametrize("host", ["0.0.0.0", "127.1", "0x7f000001"])  # noqa: S104 - all lead to this very machine
def test_http_to_anywhere_but_the_loopback_is_refused_before_anybody_is_asked(site: Site, host: str) -> None:
    answers = Answers(sealed(site))
    with answers.served() as endpoint, pytest.raises(BadCall, match="in the clear"):
        fetch(site, an_order(endpoint.replace("127.0.0.1", host)))
    assert answers.asked == 0


def test_http_to_another_machine_is_taken_where_it_is_allowed(site: Site) -> None:
    with Answers(sealed(site)).served() as endpoint:
        order = an_order(endpoint.replace("127.0.0.1", "0.0.0.0"))  # noqa: S104 - leads to this very machine
        assert fetch(site, order, allow_plain_http=True).may_run


@pytest.mark.parametrize("rest", [f"{KEY}@a/x", f"me:{KEY}@a/x", f"a/x?key={KEY}", f"a/x#{KEY}"])
def test_an_endpoint_carries_no_secret(site: Site, rest: str) -> None:
    with pytest.raises(BadCall, match="the endpoint at a contains more than a path") as refused:
        fetch(site, an_order(f"https://{rest}"))
    assert KEY not in refused.value.message


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_http_to_the_loopback_is_taken(site: Site, host: str) -> None:
    with Answers(sealed(site)).served() as endpoint:
        assert fetch(site, an_order(endpoint.replace("127.0.0.1", host))).may_run


@pytest.mark.parametrize(
    "endpoint",
    ["", "issuer.example/plant", "ftp://issuer.example/x", "https://", "https://a\nb/x", "https://a:99999/x",
     "https://xn--zz--/x", "file:///etc/passwd"],
)  # fmt: skip
def test_what_is_no_endpoint_is_a_bad_call(site: Site, endpoint: str) -> None:
    with pytest.raises(BadCall, match="is not an endpoint"):
        fetch(site, an_order(endpoint))


@pytest.mark.parametrize("wrong", [{"container_version": "latest"}, {"container_type": ""}, {"site": "a\nb"}])
def test_an_order_that_cannot_be_sent_is_a_bad_call(site: Site, wrong: dict[str, str]) -> None:
    with pytest.raises(BadCall, match=next(iter(wrong))):
        fetch(site, an_order(CLOSED_PORT, **wrong))


def test_a_missing_license_folder_is_an_error_before_anybody_is_asked(site: Site) -> None:
    site.license.rmdir()
    answers = Answers(sealed(site))
    with answers.served() as endpoint, pytest.raises(AzlicError, match="there is no license folder") as refused:
        fetch(site, an_order(endpoint))
    assert (refused.value.hint, answers.asked) == (f"mkdir -p {site.license}", 0)


@root_only
@pytest.mark.parametrize("mode", [0o555, 0o444])
def test_a_folder_that_cannot_be_written_is_an_error_and_keeps_its_license(site: Site, mode: int) -> None:
    new = bytes(sealed(site, serial=2).body)
    with reachable_folder() as folder:
        site.license = folder / "license"
        before = site.install().read_bytes()
        site.license.chmod(mode)
        answer = as_another_user(
            lambda: install(new, site.license, container="read", version="3.2.0", trust=site.trust, as_of=site.now)
        )
        assert answer.startswith("AzlicError: ") and "could not be written: Permission denied" in answer
        assert files(site) == {"license.dat": before}


def test_a_license_that_cannot_take_its_place_leaves_no_temporary_file(site: Site) -> None:
    (site.license / "license.dat").mkdir()
    with Answers(sealed(site)).served() as endpoint, pytest.raises(AzlicError, match="Is a directory"):
        fetch(site, an_order(endpoint))
    assert [path.name for path in site.license.iterdir()] == ["license.dat"]


def hostile(endpoint: str) -> list[Order]:
    """Orders that fail, each in a place of its own."""
    return [
        an_order(endpoint),
        an_order(CLOSED_PORT),
        an_order("http://issuer.example/x"),
        an_order(endpoint, container_version="latest"),
        *(
            an_order(endpoint, api_key=key)
            for key in (f"{KEY}\n", f"{KEY}\r\nX: y", f" {KEY}", f"{KEY}é", f"{KEY} {KEY}")
        ),
    ]


@pytest.mark.parametrize(
    "answer",
    [Response("no", 500), Response('{"code": "Invalid", "message": "no"}', 401), Response(b" " * 70_000), busy("1")],
    ids=["broken", "denied", "too large", "busy"],
)
def test_the_key_is_in_no_error_no_repr_and_no_log(
    site: Site, answer: Response, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[str] = []

    def waiting(denial: Denial, *_: object) -> None:
        told.append(repr(denial))

    with Answers(answer).served() as endpoint:
        for order in hostile(endpoint):
            with pytest.raises(AzlicError) as refused:
                fetch(site, order, waiting)
            told += [repr(order), repr(refused.value), refused.value.hint, *traceback.format_exception(refused.value)]
    assert told and caplog.text
    assert KEY not in "".join(told) + caplog.text + "".join(str(vars(record)) for record in caplog.records)


def test_each_clock_reading_is_the_callers(site: Site) -> None:
    readings: list[datetime] = []

    def clock() -> datetime:
        readings.append(site.now)
        return site.now

    with Answers(sealed(site)).served() as endpoint:
        verdict = download(an_order(endpoint), site.license, trust=site.trust, clock=clock)
    assert verdict.as_of == START
    assert readings == [START]


@pytest.mark.parametrize(("serial", "status"), [(1, "superseded"), (2, "conflicting")])
def test_an_older_license_never_takes_the_place_of_a_newer_one(site: Site, serial: int, status: str) -> None:
    site.install(a_license(serial=2))
    before = files(site)
    came = sealed(site, serial=serial, grace_days=1)
    refusal = f"is {status} and was not installed"
    with Answers(came).served() as endpoint, pytest.raises(NoGoodLicense, match=refusal):
        fetch(site, an_order(endpoint))
    assert files(site) == before
