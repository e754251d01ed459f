"""Every denial that an issuer can give, as the one who asked for the license meets it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from licensing.delivery.denial import DenialCode
from licensing.delivery.downloading import Denied
from licensing.issuer.book import withdraw
from licensing.issuer.containers import list_containers
from licensing.issuer.resources import new_api_key
from licensing.issuer.revocations import revoke
from tests.site import OPERATOR, Site


def renew_the_key(site: Site) -> dict[str, str]:
    new_api_key(site.issuer_store, "plant-read", 1, now=site.now, actor=OPERATOR)
    return {}


def take_the_approval(site: Site) -> dict[str, str]:
    withdraw(site.issuer_store, "plant-read-subscription", now=site.now, actor=OPERATOR)
    return {}


def revoke_the_license(site: Site) -> dict[str, str]:
    (known,) = list_containers(site.issuer_store)
    revoke(site.issuer_store, known.license_id, reason="the host was sold", now=site.now, actor=OPERATOR)
    return {}


def take_another_sku(site: Site) -> dict[str, str]:
    site.add_resource("standard", sku="S0")
    return {"resource": "standard"}


def let_the_plan_end(site: Site) -> dict[str, str]:
    site.now += timedelta(days=366)
    return {}


@pytest.mark.parametrize(
    ("happens", "code", "said"),
    [
        (renew_the_key, DenialCode.INVALID, "the API key does not belong to any resource"),
        (lambda _: {"container_type": "speech-to-text"}, DenialCode.MISMATCH, "does not license speech-to-text"),
        (lambda _: {"container_version": "4.0"}, DenialCode.MISMATCH, "the container is 4.0"),
        (take_the_approval, DenialCode.UNAUTHORIZED, "is not approved"),
        (take_another_sku, DenialCode.UNAUTHORIZED, "has SKU S0"),
        (revoke_the_license, DenialCode.UNAUTHORIZED, "was revoked at 2026-03-01T08:00:00Z: the host was sold"),
        (let_the_plan_end, DenialCode.OUT_OF_QUOTA, "plan read-2026 runs from"),
    ],
    ids=["an old key", "another kind", "a version", "no approval", "another SKU", "revoked", "the plan ended"],
)
def test_a_denial_is_told_with_its_code_and_the_license_before_stays(
    site: Site, happens: Callable[[Site], dict[str, str]], code: DenialCode, said: str
) -> None:
    site.add_resource()
    with site.license_server() as server:
        site.download(server)
        before = (site.license / "license.dat").read_bytes()
        changes = happens(site)
        with pytest.raises(Denied) as denied:
            site.download(server, **changes)
    assert denied.value.denial.code is code and said in denied.value.denial.detail
    assert denied.value.exit_status == 1
    assert (site.license / "license.dat").read_bytes() == before
