import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from securesystemslib.signer import CryptoSigner

from licensing.core.errors import AzlicError, NoGoodLicense
from licensing.delivery import installing
from licensing.delivery.installing import read_carried
from licensing.signing.document import LICENSE_TYPE
from licensing.signing.envelope import MAX_ENVELOPE_BYTES, seal
from licensing.verdict.verdict import Status, Verdict
from tests.licensing.another_user import UID, root_only
from tests.site import START, Site, a_license


def sealed(site: Site, **changes: object) -> bytes:
    return seal(a_license(**changes).to_bytes(), LICENSE_TYPE, site.signer)


def install(site: Site, content: bytes, version: str = "3.2.0") -> Verdict:
    return installing.install(
        content, site.license, container="read", version=version, trust=site.trust, as_of=site.now
    )  # fmt: skip


def files(site: Site) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in site.license.iterdir()}


def test_a_good_license_takes_the_place_of_the_old_one(site: Site) -> None:
    site.install()
    new = sealed(site, serial=2)
    assert install(site, new).status is Status.VALID
    assert files(site) == {"license.dat": new}


def test_one_that_begins_later_may_be_installed_ahead_of_time(site: Site) -> None:
    assert install(site, sealed(site, not_before=START + timedelta(days=1))).status is Status.NOT_YET_VALID


def test_whatever_is_no_good_leaves_the_old_one_where_it_was(site: Site) -> None:
    before = site.install().read_bytes()
    good = sealed(site, serial=2)
    stranger = seal(a_license().to_bytes(), LICENSE_TYPE, CryptoSigner.generate_ed25519())
    ended = sealed(site, expires_at=START + timedelta(days=1), serial=2)
    cases = {
        "malformed": good[:-40],
        "another type": seal(a_license().to_bytes(), "application/vnd.azlic.license-request.v1+json", site.signer),
        "untrusted": stranger,
        "signature does not match": good.replace(b'"payload": "', b'"payload": "QUFB'),
    }
    for said, content in cases.items():
        with pytest.raises(NoGoodLicense, match=said) as refused:
            install(site, content)
        assert ".arrived" not in refused.value.message
        assert files(site) == {"license.dat": before}
    with pytest.raises(NoGoodLicense, match="wrong-image"):
        install(site, good, version="4.0")
    site.sleep(days=2)
    with pytest.raises(NoGoodLicense, match="expired"):
        install(site, ended)
    assert files(site) == {"license.dat": before}


@root_only
def test_what_root_carries_in_its_container_can_read(site: Site) -> None:
    os.chown(site.license, UID, UID)
    install(site, sealed(site))
    found = (site.license / "license.dat").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (UID, UID, 0o640)


def test_of_two_who_install_at_once_each_checks_its_own(site: Site) -> None:
    good, bad = sealed(site), b"no license"

    def attempt(content: bytes) -> bool:
        try:
            return install(site, content).may_run
        except NoGoodLicense:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(attempt, [good, bad] * 50)) == [True, False] * 50
    assert files(site) == {"license.dat": good}


def test_a_license_folder_that_is_none_is_said_before_anything_is_written(site: Site) -> None:
    site.license.rmdir()
    with pytest.raises(AzlicError, match="there is no license folder"):
        install(site, sealed(site))
    site.license.touch()
    with pytest.raises(AzlicError, match="is not a folder"):
        install(site, sealed(site))


def test_what_was_carried_in_is_read_with_a_cap(tmp_path: Path) -> None:
    (tmp_path / "license.dat").write_bytes(b" " * (MAX_ENVELOPE_BYTES + 1))
    with pytest.raises(NoGoodLicense, match="is larger than 65536 bytes, too large for a license"):
        read_carried(tmp_path / "license.dat")
    os.mkfifo(tmp_path / "pipe")
    for name in ("none", ".", "pipe"):
        with pytest.raises(AzlicError, match=r"the license .* cannot be read"):
            read_carried(tmp_path / name)
