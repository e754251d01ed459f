from datetime import timedelta

import pytest

from licensing.core.errors import BadCall
from licensing.delivery.denial import Denial, DenialCode
from licensing.issuer.containers import list_containers, renew_license_id
from licensing.issuer.revocations import list_revocations, revoke
from tests.licensing.issuers import an_issuer, ask, code, given
from tests.site import OPERATOR, START, Site

pytestmark = pytest.mark.databases("sqlite", "postgresql")

LATER = START + timedelta(days=1)


@pytest.fixture
def license_id(site: Site) -> str:
    """The id of a license that was given out three times."""
    site.add_resource()
    issuer, key = an_issuer(site), site.api_keys["plant-read"][0]
    license_id, *_ = (given(site, ask(issuer, key)).license_id for _ in range(3))
    return license_id


def take_back(site: Site, license_id: str, up_to_serial: int | None = None, reason: str = "the host was sold") -> bool:
    return revoke(site.issuer_store, license_id, reason=reason, up_to_serial=up_to_serial, now=LATER, actor=OPERATOR)


def renew(site: Site) -> str:
    return renew_license_id(site.issuer_store, "plant-read", "Read", now=LATER, actor=OPERATOR)


def test_rule_7_a_revoked_license_is_denied_and_the_denial_names_the_revocation(site: Site, license_id: str) -> None:
    assert take_back(site, license_id)
    answer = ask(an_issuer(site), site.api_keys["plant-read"][0])
    assert code(answer) is DenialCode.UNAUTHORIZED
    assert isinstance(answer, Denial)
    assert answer.detail == f"license {license_id} was revoked at 2026-03-02T08:00:00Z: the host was sold"


def test_a_new_license_begins_only_when_the_issuer_says_so(site: Site, license_id: str) -> None:
    take_back(site, license_id)
    (known,) = list_containers(site.issuer_store)
    assert (known.license_id, known.revoked_at) == (license_id, "2026-03-02T08:00:00Z")
    new = renew(site)
    license_ = given(site, ask(an_issuer(site), site.api_keys["plant-read"][0]))
    assert (license_.license_id, license_.serial) == (new, 1) and new != license_id
    assert [line.license_id for line in list_revocations(site.issuer_store)] == [license_id]


def test_a_license_that_is_not_revoked_keeps_its_id(site: Site, license_id: str) -> None:
    take_back(site, license_id, 3)
    with pytest.raises(BadCall, match="is not revoked"):
        renew(site)


def test_after_a_revocation_up_to_a_serial_later_serials_go_on(site: Site, license_id: str) -> None:
    assert take_back(site, license_id, 3)
    license_ = given(site, ask(an_issuer(site), site.api_keys["plant-read"][0]))
    assert (license_.license_id, license_.serial) == (license_id, 4)
    assert take_back(site, license_id, 4), "more of it may be taken back later"
    assert take_back(site, license_id), "and all of it"
    assert [line.up_to_serial for line in list_revocations(site.issuer_store)] == [3, 4, None]


@pytest.mark.parametrize("again", [None, 2, 3])
def test_what_is_revoked_already_is_not_revoked_again(site: Site, license_id: str, again: int | None) -> None:
    take_back(site, license_id)
    assert not take_back(site, license_id, again)
    assert len(list_revocations(site.issuer_store)) == 1


def test_a_license_whose_id_was_renewed_can_still_be_revoked_further_back(site: Site, license_id: str) -> None:
    take_back(site, license_id)
    new = renew(site)
    assert not take_back(site, license_id)
    assert take_back(site, new), "before its first download, too"
    assert code(ask(an_issuer(site), site.api_keys["plant-read"][0])) is DenialCode.UNAUTHORIZED


@pytest.mark.parametrize(
    ("up_to_serial", "reason", "said"),
    [
        (4, "x", "serial 4 of license .* was never issued; the last one is 3"),
        (0, "x", "serial 0"),
        (None, " ", "the reason is empty"),
        (None, "a\nb", "not a single line of text"),
        (None, "x" * 201, "not a single line of text"),
    ],
)
def test_a_revocation_that_says_nothing_is_refused(
    site: Site, license_id: str, up_to_serial: int | None, reason: str, said: str
) -> None:
    with pytest.raises(BadCall, match=said):
        take_back(site, license_id, up_to_serial, reason)
    assert list_revocations(site.issuer_store) == []


def test_a_license_that_nobody_knows_cannot_be_revoked(site: Site, license_id: str) -> None:
    with pytest.raises(BadCall, match="there is no license 0190"):
        take_back(site, "01900000-0000-7000-8000-000000000009")
