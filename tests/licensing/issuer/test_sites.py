import json
from pathlib import Path

import pytest
from sqlalchemy import select

from licensing.core.errors import AzlicError, BadCall
from licensing.db.database import reading
from licensing.issuer.sites import EnrolledSite, add_site, list_sites, remove_site
from licensing.issuer.tables import AuditLineRow
from licensing.signing.site_keys import PUBLIC, create_site_keys
from tests.site import Site

pytestmark = pytest.mark.databases("sqlite", "postgresql")


def a_key(folder: Path) -> Path:
    create_site_keys(folder)
    return folder / PUBLIC


def enrol(site: Site, name: str, key: Path, *resources: str) -> EnrolledSite:
    return add_site(site.issuer_store, name, key, resources, now=site.now, actor="anna")


@pytest.fixture
def key(site: Site) -> Path:
    """The public key of a site, at an issuer with two resources."""
    for name in ("plant-read", "other-read"):
        site.add_resource(name)
    return a_key(site.folder / "hall-7")


def test_a_site_is_known_by_its_key_and_its_resources(site: Site, key: Path) -> None:
    added = enrol(site, "hall 7", key, "plant-read", "other-read", "plant-read")
    (known,) = list_sites(site.issuer_store)
    assert known == added
    assert (known.name, known.resources) == ("hall 7", ("other-read", "plant-read"))
    assert known.enrolled_at == "2026-03-01T08:00:00Z"
    assert len(known.key_id) == 64


def test_an_enrolled_site_is_given_more_resources(site: Site, key: Path) -> None:
    enrol(site, "hall 7", key, "plant-read")
    assert enrol(site, "hall 7", key, "other-read").resources == ("other-read", "plant-read")
    assert len(list_sites(site.issuer_store)) == 1


def test_a_name_keeps_its_key_until_the_site_is_removed(site: Site, key: Path) -> None:
    enrol(site, "hall 7", key, "plant-read")
    other = a_key(site.folder / "new")
    with pytest.raises(BadCall, match="site hall 7 is enrolled with another key") as refused:
        enrol(site, "hall 7", other, "plant-read")
    assert refused.value.hint.startswith("azlic issuer site remove 'hall 7' --yes")
    remove_site(site.issuer_store, "hall 7", now=site.now, actor="anna")
    assert list_sites(site.issuer_store) == []
    assert enrol(site, "hall 7", other, "other-read").resources == ("other-read",)


def test_one_key_is_one_site(site: Site, key: Path) -> None:
    enrol(site, "hall 7", key, "plant-read")
    with pytest.raises(BadCall, match="site hall 7 is enrolled with this same key"):
        enrol(site, "hall 8", key, "plant-read")


@pytest.mark.parametrize("name", ["", " hall", "hall\n7", "x" * 201])
def test_a_site_has_a_name_that_a_license_can_carry(site: Site, key: Path, name: str) -> None:
    with pytest.raises(BadCall, match="the site's name"):
        enrol(site, name, key, "plant-read")


def test_a_resource_that_is_not_there_enrols_nobody(site: Site, key: Path) -> None:
    with pytest.raises(BadCall, match="there is no resource nowhere"):
        enrol(site, "hall 7", key, "plant-read", "nowhere")
    assert list_sites(site.issuer_store) == []


def test_a_site_is_asked_for_its_public_key_and_for_no_other(site: Site, key: Path) -> None:
    with pytest.raises(AzlicError, match="a PRIVATE key, which must never travel") as refused:
        enrol(site, "hall 7", key.with_name("site-key.pem"), "plant-read")
    assert "azlic site init" in refused.value.hint
    (site.folder / "text.pem").write_text("hello")
    with pytest.raises(AzlicError, match="is not an Ed25519 public key"):
        enrol(site, "hall 7", site.folder / "text.pem", "plant-read")


def test_a_site_that_is_not_enrolled_cannot_be_removed(site: Site, key: Path) -> None:
    with pytest.raises(BadCall, match="there is no site hall 9"):
        remove_site(site.issuer_store, "hall 9", now=site.now, actor="anna")


def test_what_was_done_to_the_sites_is_in_the_audit_log(site: Site, key: Path) -> None:
    known = enrol(site, "hall 7", key, "plant-read")
    remove_site(site.issuer_store, "hall 7", now=site.now, actor="bert")
    statement = (
        select(AuditLineRow.__table__).where(AuditLineRow.action.startswith("site ")).order_by(AuditLineRow.number)
    )
    with reading(site.issuer_store) as connection:
        lines = connection.execute(statement).all()
    assert [(line.actor, line.action, line.subject) for line in lines] == [
        ("anna", "site add", "hall 7"),
        ("bert", "site remove", "hall 7"),
    ]
    assert json.loads(lines[0].detail) == {"key": known.key_id, "resources": "plant-read"}
