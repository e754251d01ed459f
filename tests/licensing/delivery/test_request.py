from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.core.errors import AzlicError, BadCall, NoGoodLicense
from licensing.delivery.request import (
    REQUEST_TYPE,
    HeldLicense,
    OfflineRequest,
    current_license,
    new_request,
    parse_request,
    write_request,
)
from licensing.signing.document import BadDocument
from licensing.signing.envelope import VerifiedPayload, parse_envelope
from licensing.signing.site_keys import PRIVATE, PUBLIC, create_site_keys, site_signer
from tests.licensing.signing.test_document import LABELS
from tests.site import LICENSE_ID, START, Site, a_license

HELD = HeldLicense(license_id=LICENSE_ID, serial=4)


def a_request(**changes: object) -> OfflineRequest:
    fields: dict[str, object] = {
        "site": "hall 7",
        "resource": "plant-read",
        "container_type": "read",
        "container_version": "3.2.0",
        "now": START,
    }
    return new_request(**(fields | changes))  # type: ignore[arg-type]


@given(site=LABELS, resource=LABELS, instances=st.none() | st.lists(LABELS, min_size=1, max_size=3).map(tuple))
def test_a_request_comes_back_from_its_bytes_as_it_was(
    site: str, resource: str, instances: tuple[str, ...] | None
) -> None:
    request = a_request(site=site, resource=resource, instances=instances, held=HELD)
    assert parse_request(request.to_bytes()) == request


def test_a_request_is_made_in_whole_seconds_with_an_id_of_its_own() -> None:
    now = datetime(2026, 3, 1, 8, 0, 0, 999_999, tzinfo=UTC)
    first, second = a_request(now=now), a_request(now=now)
    assert first.requested_at == now - timedelta(microseconds=999_999)
    assert first.request_id < second.request_id


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"site": ""}, "this site has no name for a request"),
        ({"site": "hall\n7"}, "site: it contains unprintable characters"),
        ({"resource": ""}, "resource: it is empty"),
        ({"resource": "x" * 201}, "resource: it is longer than 200 characters"),
        ({"container_version": "latest"}, "container_version: 'latest' does not begin with a version number"),
        ({"instances": ("",)}, "instances: it is empty"),
        ({"apikey": "5ec7e7"}, "apikey: it is a field that this version does not know"),
    ],
)
def test_what_cannot_be_asked_for_is_a_bad_call(changes: dict[str, object], said: str) -> None:
    with pytest.raises(BadCall, match=said) as refused:
        a_request(**changes)
    assert "5ec7e7" not in refused.value.message


def test_a_request_file_is_signed_by_the_site_under_its_own_type(tmp_path: Path) -> None:
    key = create_site_keys(tmp_path)
    request = a_request()
    write_request(tmp_path / "request.dsse", request, site_signer(tmp_path))
    envelope = parse_envelope((tmp_path / "request.dsse").read_bytes())
    payload = VerifiedPayload(envelope, [key])
    assert (payload.payload_type, payload.content) == (REQUEST_TYPE, request.to_bytes())


def test_the_license_in_hand_is_named_by_its_id_and_serial_even_when_it_has_ended(site: Site) -> None:
    site.install(a_license(serial=4))
    site.sleep(days=400)
    assert current_license(site.verify(), resource="plant-read", container="read") == HELD


@pytest.mark.parametrize(
    ("resource", "container"), [("other-read", "read"), ("plant-read", "speech-to-text"), ("PLANT-READ", "read")]
)
def test_another_license_is_not_the_one_in_hand(site: Site, resource: str, container: str) -> None:
    site.install()
    with pytest.raises(NoGoodLicense, match="the license in hand is one of resource plant-read for read"):
        current_license(site.verify(), resource=resource, container=container)


def test_a_license_that_is_not_verified_is_not_told_of(site: Site) -> None:
    with pytest.raises(NoGoodLicense, match="the license in hand is missing"):
        current_license(site.verify(), resource="plant-read", container="read")


@pytest.mark.parametrize("payload", [b"", b"7", b"[]", b'{"a": 1, "a": 2}', b"\xff"])
def test_what_is_no_request_is_a_bad_document(payload: bytes) -> None:
    with pytest.raises(BadDocument):
        parse_request(payload)


def test_a_site_makes_its_key_once_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "site-keys"
    key = create_site_keys(folder)
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {PRIVATE: 0o600, PUBLIC: 0o644}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert site_signer(folder).public_key == key
    with pytest.raises(AzlicError, match="exists already"):
        create_site_keys(folder)
    assert site_signer(folder).public_key == key


def test_a_site_without_a_key_is_told_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(AzlicError, match="this site has no key in") as refused:
        site_signer(tmp_path / "none")
    assert "azlic site init" in refused.value.hint
    create_site_keys(tmp_path)
    (tmp_path / PRIVATE).unlink()
    with pytest.raises(AzlicError, match="cannot be used: No such file") as refused:
        site_signer(tmp_path)
    assert "azlic site init" in refused.value.hint


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    create_site_keys(tmp_path)
    (tmp_path / PRIVATE).chmod(0o640)
    with pytest.raises(AzlicError, match="is open to other users"):
        site_signer(tmp_path)


def test_the_keys_of_two_sites_do_not_go_together(tmp_path: Path) -> None:
    for name in ("a", "b"):
        create_site_keys(tmp_path / name)
    (tmp_path / "a" / PUBLIC).write_bytes((tmp_path / "b" / PUBLIC).read_bytes())
    with pytest.raises(AzlicError, match="is not the private half of"):
        site_signer(tmp_path / "a")
