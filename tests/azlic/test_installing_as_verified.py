"""Whatever installs a license judges it as ``azlic verify`` does here, and keeps the good one from a bad one."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner
from sqlalchemy import insert

from licensing.db.database import writing
from licensing.issuer import tables
from licensing.issuer.statements import sign_revocations
from licensing.signing.document import LICENSE_TYPE
from licensing.signing.envelope import seal
from licensing.trust.updating import update_trust
from licensing.verdict.verdict import Status
from tests.azlic.conftest import Answer, Cli
from tests.licensing.orders import Answers, as_license
from tests.site import LICENSE_ID, Site, a_license, a_plan

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
IMAGE = ("--container", "read", "--image-version", "3.2.0")


def sealed(by: Site, /, **changes: object) -> bytes:
    """A license that runs for a year from yesterday on, unless changes say otherwise."""
    days = {"issued_at": NOW - DAY, "not_before": NOW - DAY, "expires_at": NOW + 365 * DAY}
    plan = a_plan(starts_at=NOW - 400 * DAY, ends_at=NOW + 900 * DAY)
    return seal(a_license(**({"serial": 2, "plan": plan} | days | changes)).to_bytes(), LICENSE_TYPE, by.signer)


def versions(begins: str, below: str, kind: str = "read") -> dict[str, object]:
    return {"type": kind, "repositories": ["azlic.example/read"], "version_from": begins, "version_below": below}


def revoked(site: Site) -> bytes:
    row = {
        "license_id": LICENSE_ID[:-1] + "2",
        "up_to_serial": None,
        "reason": "stolen",
        "revoked_at": "2026-01-01T00:00:00Z",
    }
    with writing(site.issuer_store) as connection:
        connection.execute(insert(tables.RevocationRow), [row])
    _, content = sign_revocations(site.issuer_store, site.public_key.parent, now=NOW - DAY, actor="anna")
    (site.folder / "list.json").write_bytes(content)
    update_trust(site.trust, [site.folder / "list.json"], as_of=NOW)
    return sealed(site, license_id=row["license_id"])


def accepted(site: Site, cli: Cli, serial: int) -> None:
    """The ledger has seen this serial of another license."""
    folder = site.folder / "elsewhere"
    folder.mkdir()
    (folder / "license.dat").write_bytes(sealed(site, license_id=LICENSE_ID[:-1] + "3", serial=serial))
    assert cli("verify", folder, "--record").status == 0


def after(serial: int, **changes: object) -> Callable[[Site, Cli], bytes]:
    def arrange(site: Site, cli: Cli) -> bytes:
        accepted(site, cli, 5)
        return sealed(site, license_id=LICENSE_ID[:-1] + "3", serial=serial, **changes)

    return arrange


def plain(**changes: object) -> Callable[[Site, Cli], bytes]:
    return lambda site, _cli: sealed(site, **changes)


CASES: dict[str, tuple[Status, Callable[[Site, Cli], bytes]]] = {
    "good": (Status.VALID, plain()),
    "for this very site and instance": (Status.VALID, plain(site="hall 7", instances=["line-1", "line-2"])),
    "ends soon": (Status.EXPIRING, plain(expires_at=NOW + 80 * DAY)),
    "in its grace": (Status.GRACE, plain(expires_at=NOW - DAY / 2, grace_days=9)),
    "begins later": (Status.NOT_YET_VALID, plain(not_before=NOW + 5 * DAY)),
    "torn": (Status.MALFORMED, lambda site, _: sealed(site)[:-40]),
    "of another maker's": (Status.OPAQUE, lambda *_: b"\x00\x01 another maker's"),
    "of an unknown issuer": (
        Status.UNTRUSTED,
        lambda *_: seal(a_license().to_bytes(), LICENSE_TYPE, CryptoSigner.generate_ed25519()),
    ),
    "taken back": (Status.REVOKED, lambda site, _: revoked(site)),
    "older than one seen": (Status.SUPERSEDED, after(4)),
    "a serial given twice": (Status.CONFLICTING, after(5, grace_days=3)),
    "for another type": (Status.WRONG_CONTAINER, plain(container=versions("3.2", "4", "speech-to-text"))),
    "for another version": (Status.WRONG_IMAGE, plain(container=versions("4", "5"))),
    "for another site": (Status.WRONG_INSTANCE, plain(site="hall 8")),
    "for another instance": (Status.WRONG_INSTANCE, plain(instances=["line-2"])),
    "issued later": (Status.CLOCK_SUSPECT, plain(issued_at=NOW + DAY)),
    "ended": (Status.EXPIRED, plain(expires_at=NOW - DAY / 2)),
}
NOT_ABOUT_WHAT_ARRIVES = {Status.MISSING, Status.UNREADABLE}

Way = Callable[[Site, Cli, bytes], Answer]


def carried(site: Site, cli: Cli, content: bytes) -> Answer:
    (site.folder / "carried.dat").write_bytes(content)
    return cli("install", "carried.dat", "license", *IMAGE)


def downloaded(site: Site, cli: Cli, content: bytes) -> Answer:
    (site.folder / "key").write_text("5ec7e7" * 10)
    with Answers(as_license(content)).served() as endpoint:
        return cli("download", endpoint, "license", *IMAGE, "--api-key-file", "key")


def by_the_container(site: Site, cli: Cli, content: bytes) -> Answer:
    with Answers(as_license(content)).served() as endpoint:
        words = (f"Billing={endpoint}", f"ApiKey={'5ec7e7' * 10}", "DownloadLicense=True")
        return cli("engine", "read", "eula=accept", f"Mounts:License={site.license}", *words)


WAYS: dict[str, Way] = {"install": carried, "download": downloaded, "engine": by_the_container}


@pytest.fixture(autouse=True)
def _hall_7(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SITE": "hall 7", "INSTANCE": "line-1", "EXPIRING_DAYS": "90"}.items():
        monkeypatch.setenv(f"AZLIC_{name}", value)


def verified(cli: Cli, folder: Path) -> Status:
    return Status(json.loads(cli("verify", folder, *IMAGE, "--json").out)["status"])


def test_every_status_is_tried() -> None:
    assert {status for status, _ in CASES.values()} == set(Status) - NOT_ABOUT_WHAT_ARRIVES


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES)
def test_what_installs_agrees_with_verify_and_keeps_the_good_one_from_a_bad_one(
    site: Site, cli: Cli, case: str, way: str
) -> None:
    status, arrange = CASES[case]
    good = sealed(site, serial=1)
    (site.license / "license.dat").write_bytes(good)
    content = arrange(site, cli)
    twin = site.folder / "twin"
    twin.mkdir()
    (twin / "license.dat").write_bytes(content)
    assert verified(cli, twin) is status
    runs = status in (Status.VALID, Status.EXPIRING, Status.GRACE)

    answer = WAYS[way](site, cli, content)

    assert answer.status == (0 if runs else 1), answer
    assert (site.license / "license.dat").read_bytes() == (content if runs else good)
    assert [path.name for path in site.license.iterdir()] == ["license.dat"]
    if runs:
        assert verified(cli, site.license) is status
        said = json.loads(cli("verify", site.license, *IMAGE, "--json").out)["detail"]
        assert said in " ".join(answer.out.split())
    else:
        assert status in answer.err and "\n  try: " in answer.err
        assert verified(cli, site.license) is Status.VALID


@pytest.mark.parametrize("way", WAYS)
def test_one_that_begins_later_is_fetched_ahead_where_none_runs(site: Site, cli: Cli, way: str) -> None:
    content = sealed(site, not_before=NOW + 5 * DAY)
    assert WAYS[way](site, cli, content).status == 0
    assert (site.license / "license.dat").read_bytes() == content
    assert verified(cli, site.license) is Status.NOT_YET_VALID


@pytest.mark.parametrize("options", [("--instance", "line-9"), ("--image", "azlic.example/other:3.2.0")])
def test_an_instance_or_image_can_be_named_as_for_verify(site: Site, cli: Cli, options: tuple[str, str]) -> None:
    (site.folder / "carried.dat").write_bytes(sealed(site, instances=["line-1"], container=versions("3.2", "4")))
    assert cli("install", "carried.dat", "license", *IMAGE, *options).status == 1
    assert list(site.license.iterdir()) == []
    assert cli("install", "carried.dat", "license", *IMAGE, "--image", "azlic.example/read:3.2.0").status == 0
