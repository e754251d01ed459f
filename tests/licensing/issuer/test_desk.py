import base64
import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from licensing.core.errors import AzlicError, BadCall, NoGoodLicense
from licensing.db.database import reading, writing
from licensing.delivery.denial import Denial, DenialCode
from licensing.delivery.protocol import LicenseRequest
from licensing.delivery.request import REQUEST_TYPE, HeldLicense
from licensing.issuer.audit import read_audit_log
from licensing.issuer.book import create_issuer, list_issued
from licensing.issuer.desk import (
    CLOCK_SKEW,
    MAX_DAYS,
    WHAT_TO_DO,
    Answer,
    answer_request,
    check_base_url,
    read_request,
)
from licensing.issuer.issue import Issuer
from licensing.issuer.sites import add_site, remove_site
from licensing.issuer.tables import AnsweredRequestRow, AuditLineRow, DownloadRow, ResourceContainerRow, SubscriptionRow
from licensing.signing.document import LICENSE_TYPE
from licensing.signing.envelope import MAX_ENVELOPE_BYTES, seal
from tests.licensing.desk import NAME, URL, Desk
from tests.site import LICENSE_ID, Site, a_license

pytestmark = pytest.mark.databases("sqlite", "postgresql")

TICK = timedelta(seconds=1)


@pytest.fixture
def desk(site: Site) -> Desk:
    return Desk(site)


def allow(site: Site, *instances: str) -> None:
    """Let the resource's licenses be for these instances only."""
    with writing(site.issuer_store) as connection:
        connection.execute(update(ResourceContainerRow).values(instances=json.dumps(instances)))


def approve(site: Site, at: str | None) -> None:
    """Approve every subscription, or none any more."""
    with writing(site.issuer_store) as connection:
        connection.execute(update(SubscriptionRow).values(approved_at=at))


def test_a_signed_request_gets_the_license_that_a_download_would_get(desk: Desk, site: Site) -> None:
    answer = desk.given(desk.sealed())
    license_ = desk.opened(answer.content)
    downloaded = desk.issuer.download(
        LicenseRequest(container_type="read", container_version="3.2.0", site=NAME),
        resource="plant-read",
        api_key=site.api_keys["plant-read"][0],
        now=site.now,
    )
    assert isinstance(downloaded, bytes)
    assert desk.opened(downloaded) == license_.model_copy(update={"serial": 2})
    assert (license_.site, license_.instances) == (NAME, None)
    assert license_.resource.endpoint == f"{URL}/plant-read"
    assert answer.license == license_ and not answer.again


def test_the_book_knows_the_site_and_that_no_api_key_was_used(desk: Desk, site: Site) -> None:
    answer = desk.given(desk.sealed())
    (line,) = list_issued(site.issuer_store)
    assert (line.site, line.key_slot, line.serial) == (NAME, 0, 1)
    with reading(site.issuer_store) as connection:
        digest = connection.execute(select(DownloadRow.digest)).scalar_one()
    assert digest == hashlib.sha256(answer.content).digest()


def test_an_answer_is_a_line_of_the_audit_log_and_a_refusal_is_none(desk: Desk, site: Site) -> None:
    request = desk.request()
    answer = desk.given(desk.sealed(request))
    desk.given(desk.sealed(request))
    desk.denied(desk.sealed(desk.request(resource="nowhere")))
    with reading(site.issuer_store) as connection:
        lines = connection.execute(select(AuditLineRow.__table__).where(AuditLineRow.action == "request answer")).all()
    assert [(line.actor, line.subject) for line in lines] == [(f"site {NAME}", answer.license.license_id)]
    assert json.loads(lines[0].detail)["request"] == request.request_id


def test_the_same_request_gets_the_same_bytes_whatever_has_changed_since(desk: Desk, site: Site) -> None:
    content = desk.sealed()
    first = desk.given(content)
    approve(site, None)
    site.sleep(days=MAX_DAYS + 1)
    again = desk.given(content)
    assert (again.content, again.again, again.license) == (first.content, True, first.license)
    assert [line.serial for line in list_issued(site.issuer_store)] == [1]


def test_the_same_request_signed_again_is_the_same_request(desk: Desk) -> None:
    request = desk.request()
    first = desk.given(desk.sealed(request))
    spaced = json.dumps(json.loads(desk.sealed(request)), indent=8).encode()
    assert desk.given(spaced).content == first.content


def test_an_id_that_was_answered_is_refused_for_any_other_content(desk: Desk, site: Site) -> None:
    request = desk.request()
    desk.given(desk.sealed(request))
    other = request.model_copy(update={"container_version": "3.2.1"})
    assert f"a request with the id {request.request_id} and different content" in desk.denied(desk.sealed(other))
    site.add_resource("other-read")
    stranger = desk.enrol("hall 8", "other-read")
    taken = request.model_copy(update={"site": "hall 8", "resource": "other-read"})
    assert desk.denied(desk.sealed(taken, stranger)).startswith("Invalid: a request with the id")
    assert [line.serial for line in list_issued(site.issuer_store)] == [1]


def test_two_who_answer_one_request_at_once_spend_one_serial(desk: Desk, site: Site) -> None:
    requests = [desk.sealed() for _ in range(10)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(desk.given, [content for content in requests for _ in range(4)]))
    contents = [answer.content for answer in answers]
    assert all(len(set(contents[n : n + 4])) == 1 for n in range(0, 40, 4))
    assert sorted(not answer.again for answer in answers) == [False] * 30 + [True] * 10
    assert [line.serial for line in list_issued(site.issuer_store)] == list(range(1, 11))


def test_a_request_nobody_enrolled_has_signed_is_invalid(desk: Desk, site: Site) -> None:
    stranger = site.signer
    said = desk.denied(desk.sealed(signer=stranger))
    assert said.startswith("Invalid: no enrolled site has signed it: it names key ") and "1 site is enrolled" in said


def test_a_site_cannot_speak_for_another(desk: Desk, site: Site) -> None:
    site.add_resource("other-read")
    other = desk.enrol("hall 8", "other-read")
    said = desk.denied(desk.sealed(desk.request(), other))
    assert said == f"Invalid: it is for site {NAME}, but was signed with another site's key"


def test_a_removed_site_is_answered_no_more_and_its_ids_stay_used(desk: Desk, site: Site) -> None:
    request = desk.request()
    desk.given(desk.sealed(request))
    remove_site(site.issuer_store, NAME, now=site.now, actor="test")
    assert "no enrolled site has signed it" in desk.denied(desk.sealed(request))
    add_site(site.issuer_store, NAME, site.folder / f"{NAME}-keys/site.pem", ["plant-read"], now=site.now, actor="test")
    assert desk.given(desk.sealed(request)).again


def test_a_license_is_no_request(desk: Desk, site: Site) -> None:
    license_ = seal(a_license().to_bytes(), LICENSE_TYPE, desk.signer)
    assert "it is a signed document of another type: 'application/vnd.azlic.license.v1+json'" in desk.denied(license_)


def test_a_payload_of_one_type_under_the_name_of_another_is_not_believed(desk: Desk) -> None:
    fields = json.loads(seal(desk.request().to_bytes(), LICENSE_TYPE, desk.signer))
    said = desk.denied(json.dumps(fields | {"payloadType": REQUEST_TYPE}).encode())
    assert (
        said == f"Invalid: it names the key of site {NAME}, but the signature does not match: it was changed after that"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"apikey": "0" * 64}, "apikey: it is a field that this version does not know"),
        ({"resource": None}, "resource: it is not text"),
        ({"request_id": "1"}, "request_id: it does not have the required form"),
        ({"instances": []}, "instances: it is empty"),
        ({"held": {"serial": 1}}, "held.license_id: it is missing"),
        ({"container_version": "latest"}, "container_version: 'latest' does not begin with a version number"),
        ({"requested_at": 1}, "requested_at"),
        ({"site": "hall\x1b[2J7"}, "site: it contains unprintable characters"),
        ({"\x1b[2J": 1}, "[2J: it is a field that this version does not know"),
    ],
)
def test_what_an_enrolled_site_signed_is_still_held_to_the_form(
    desk: Desk, changes: dict[str, object], said: str
) -> None:
    payload = json.dumps(json.loads(desk.request().to_bytes()) | changes).encode()
    told = desk.denied(seal(payload, REQUEST_TYPE, desk.signer))
    assert told.startswith("Invalid: the signed request cannot be used: ") and said in told
    assert told.isprintable()


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b"\xff", b'{"site":"a","site":"b"}', b"[" * 40_000])
def test_a_signed_payload_that_is_no_document_is_invalid(desk: Desk, payload: bytes) -> None:
    assert desk.denied(seal(payload, REQUEST_TYPE, desk.signer)).startswith("Invalid: ")


def test_a_request_is_answered_for_thirty_days_by_its_own_clock(desk: Desk, site: Site) -> None:
    days = timedelta(days=MAX_DAYS)
    content, late = desk.sealed(), desk.sealed()
    asked = site.now
    assert isinstance(desk.answer(content, asked + days), Answer)
    said = desk.denied(late, asked + days + TICK)
    assert "it is too old: the site's clock said 2026-03-01T08:00:00Z when it was signed" in said
    assert "requests are answered for 30 days" in said


def test_a_request_from_the_future_is_refused_and_a_clock_a_little_ahead_is_not(desk: Desk, site: Site) -> None:
    said = desk.denied(desk.sealed(desk.request(now=site.now + CLOCK_SKEW + TICK)))
    assert "it is from the future" in said and "and it is now 2026-03-01T08:00:00Z" in said
    desk.given(desk.sealed(desk.request(now=site.now + CLOCK_SKEW)))


def test_a_site_asks_for_its_own_resources_alone(desk: Desk, site: Site) -> None:
    site.add_resource("other-read")
    for resource in ("other-read", "nowhere", "PLANT-READ"):
        said = desk.denied(desk.sealed(desk.request(resource=resource)))
        assert said == f"Mismatch: site {NAME} may not request licenses of resource {resource}"


def test_the_rules_of_a_download_are_asked_too(desk: Desk, site: Site) -> None:
    site.add_resource("new-read", approved=False)
    signer = desk.enrol("hall 8", "new-read")
    request = desk.request(site="hall 8", resource="new-read")
    assert desk.denied(desk.sealed(request, signer)).startswith("ContainerUseUnauthorized: ")
    approve(site, "2026-03-01T08:00:00Z")
    assert isinstance(desk.answer(desk.sealed(request, signer)), Answer)  # a denial does not use the id up
    assert desk.denied(desk.sealed(desk.request(container_type="speech-to-text"))).startswith("Mismatch: ")
    assert desk.denied(desk.sealed(desk.request(container_version="4"))).startswith("Mismatch: ")
    site.sleep(days=365)
    assert desk.denied(desk.sealed()).startswith("OutOfQuota: ")
    assert [line.resource for line in list_issued(site.issuer_store)] == ["new-read"]


def test_every_code_of_a_denial_has_its_advice() -> None:
    unheard = {DenialCode.BUSY, DenialCode.COULD_NOT_CONNECT, DenialCode.UNKNOWN}
    assert set(WHAT_TO_DO) == set(DenialCode) - unheard


@pytest.mark.parametrize(
    ("listed", "asked", "given_"),
    [
        ((), None, None),
        ((), ("gpu-1",), ("gpu-1",)),
        (("gpu-1", "gpu-2"), None, ("gpu-1", "gpu-2")),
        (("gpu-1", "gpu-2"), ("gpu-2",), ("gpu-2",)),
    ],
)
def test_a_license_is_bound_to_the_instances_asked_for(
    desk: Desk, site: Site, listed: tuple[str, ...], asked: tuple[str, ...] | None, given_: tuple[str, ...] | None
) -> None:
    if listed:
        allow(site, *listed)
    assert desk.opened(desk.given(desk.sealed(desk.request(instances=asked))).content).instances == given_


def test_an_instance_that_is_not_on_the_resources_list_is_a_mismatch(desk: Desk, site: Site) -> None:
    allow(site, "gpu-1", "gpu-2")
    said = desk.denied(desk.sealed(desk.request(instances=("gpu-1", "gpu-9"))))
    assert said == "Mismatch: instance gpu-9 is not one of gpu-1, gpu-2"


def test_as_many_instances_as_can_be_asked_for_fit_into_a_license(desk: Desk) -> None:
    names = tuple('"' + f"{n:04}" for n in range(1024))
    assert len(desk.given(desk.sealed(desk.request(instances=names))).content) < MAX_ENVELOPE_BYTES
    with pytest.raises(BadCall, match="instances: it is longer than a license allows"):
        desk.request(instances=(*names, "one more"))


def test_a_store_that_gave_less_than_the_site_holds_is_an_old_copy(desk: Desk, site: Site) -> None:
    first = desk.given(desk.sealed()).license
    second = desk.request(held=HeldLicense(license_id=first.license_id, serial=first.serial))
    assert desk.given(desk.sealed(second)).license.serial == 2
    ahead = desk.request(held=HeldLicense(license_id=first.license_id, serial=3))
    with pytest.raises(AzlicError, match=f"site {NAME} holds serial 3 of a license of which this store gave 2"):
        desk.answer(desk.sealed(ahead))
    unknown = desk.request(held=HeldLicense(license_id=LICENSE_ID, serial=9))
    assert desk.given(desk.sealed(unknown)).license.serial == 3


def kept(site: Site) -> int:
    with reading(site.issuer_store) as connection:
        return connection.execute(select(func.count()).select_from(AnsweredRequestRow)).scalar_one()


def test_what_is_refused_leaves_nothing_behind(desk: Desk, site: Site) -> None:
    for content in (b"", desk.sealed(signer=site.signer), desk.sealed(desk.request(resource="x"))):
        desk.denied(content)
    assert (kept(site), list_issued(site.issuer_store)) == (0, [])


class Torn:
    """One answered request, and a desk to bring torn copies of it to."""

    def __init__(self, folder: Path) -> None:
        self.desk = Desk(Site(folder))
        self.content = self.desk.sealed()
        self.answered = self.desk.given(self.content)

    def is_answered_alike_or_invalid(self, content: bytes) -> None:
        found = self.desk.answer(content)
        if isinstance(found, Denial):
            assert found.code is DenialCode.INVALID
            assert found.detail.isprintable()
        else:
            assert (found.content, found.again) == (self.answered.content, True)


@pytest.fixture(scope="module")
def torn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Torn]:
    torn = Torn(tmp_path_factory.mktemp("desk"))
    yield torn
    torn.desk.site.close()


@settings(max_examples=150)
@given(place=st.floats(0, 1, exclude_max=True), new=st.binary(max_size=3), gone=st.integers(0, 3))
def test_a_request_changed_anywhere_is_refused_in_words(torn: Torn, place: float, new: bytes, gone: int) -> None:
    at = int(place * len(torn.content))
    torn.is_answered_alike_or_invalid(torn.content[:at] + new + torn.content[at + gone :])


def test_every_bit_of_the_payload_and_of_the_signature_counts(torn: Torn) -> None:
    fields = json.loads(torn.content)
    for name, text in (("payload", fields["payload"]), ("sig", fields["signatures"][0]["sig"])):
        raw = base64.b64decode(text)
        for at in range(0, len(raw), 3):
            flipped = base64.b64encode(raw[:at] + bytes([raw[at] ^ 1 << at % 8]) + raw[at + 1 :]).decode()
            said = torn.desk.denied(torn.content.replace(text.encode(), flipped.encode()))
            assert "the signature does not match" in said, (name, at)


@settings(max_examples=40)
@given(st.integers(0, 700))
def test_a_request_cut_off_anywhere_is_no_request(torn: Torn, length: int) -> None:
    cut = torn.content[:length]
    if cut.rstrip() != torn.content.rstrip():
        assert torn.desk.denied(cut).startswith("Invalid: it is not a license request: ")


def test_a_request_that_a_second_site_signed_too_is_answered_or_refused_in_words(desk: Desk, site: Site) -> None:
    site.add_resource("other-read")
    other = desk.enrol("hall 8", "other-read")
    request = desk.request()
    ours, theirs = (json.loads(desk.sealed(request, signer)) for signer in (desk.signer, other))
    both = [*ours["signatures"], *theirs["signatures"]]
    for signatures in (both[::-1], both):
        found = desk.answer(json.dumps(ours | {"signatures": signatures}).encode())
        assert isinstance(found, Answer) or "but was signed with another site's key" in found.detail


def test_a_request_file_is_read_with_a_cap(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b" " * (MAX_ENVELOPE_BYTES + 1))
    with pytest.raises(NoGoodLicense, match=r"Invalid: .*large is larger than 65536 bytes, too large for a request"):
        read_request(tmp_path / "large")
    for name in ("none", "."):
        with pytest.raises(AzlicError, match=r"the request .* cannot be read"):
            read_request(tmp_path / name)


@pytest.mark.parametrize("url", ["https://issuer.example", "http://127.0.0.1:5080", "https://h/licenses/"])
def test_an_issuers_address_is_a_url(url: str) -> None:
    assert check_base_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "issuer.example",
        "ftp://issuer.example",
        "https://",
        "https://h/?x=1",
        "https://[h",
        "https://h/\x1b",
        "https://me:secret@h",
        "https://h:0",
        "https://h:65536",
    ],
)
def test_what_is_no_address_is_a_bad_call(url: str) -> None:
    with pytest.raises(BadCall, match="is not the address of an issuer"):
        check_base_url(url)


@pytest.mark.parametrize("url", [None, ""])
def test_an_issuer_without_an_address_is_told_how_to_set_it(url: str | None) -> None:
    with pytest.raises(BadCall, match="the issuer's own address is not set") as refused:
        check_base_url(url)
    assert "AZLIC_ISSUER_URL" in refused.value.hint


def test_another_issuers_store_knows_no_site(desk: Desk, site: Site) -> None:
    copy = create_issuer(str(site.folder / "copy.db"))
    try:
        empty = answer_request(copy, Issuer(copy, site.signer, base_url=URL), desk.sealed(), now=site.now)
        assert isinstance(empty, Denial) and "0 sites are enrolled" in empty.detail
    finally:
        copy.dispose()


def test_a_denial_of_rules_1_and_2_is_noted(desk: Desk) -> None:
    desk.denied(b"{}")
    desk.denied(desk.sealed(desk.request(resource="other")))
    lines = [line for line in read_audit_log(desk.site.issuer_store).entries if line.action == "denial"]
    assert [(line.actor, line.subject, line.detail["code"]) for line in lines] == [
        ("unknown site", "offline request", "Invalid"),
        ("site hall 7", "other", "Mismatch"),
    ]
