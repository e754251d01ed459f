import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from licensing.trust.store import TrustStore
from licensing.verdict.seen import Seen
from licensing.verdict.verdict import Verdict
from licensing.verification import verify
from licensing.verification.watch import Watched
from tests.site import START, Site, a_license

NOW = START


class Watching:
    """What is watched, and what was examined of it."""

    def __init__(self, site: Site, *paths: Path, trust: Path | None = None) -> None:
        self.examined: list[str] = []
        self._trust = TrustStore(trust or site.trust.folder)
        self._watched = Watched(paths, self._examine, self._trust.folder)

    def _examine(self, path: Path, now: datetime, _seen: Seen) -> Verdict:
        self.examined.append(path.name)
        return verify(path, trust=self._trust, as_of=now)

    def look(self, now: datetime = NOW) -> dict[str, str]:
        _, verdicts = self._watched.look(now)
        return {verdict.path.name: verdict.status for verdict in verdicts}

    def alone(self) -> bool:
        return self._watched.look(NOW)[0].alone


@pytest.fixture
def licenses(site: Site) -> Path:
    folder = site.folder / "licenses"
    folder.mkdir()
    for name in ("a", "b"):
        site.install(folder=folder / name)
    return folder


def test_only_what_changed_is_examined_again(site: Site, licenses: Path) -> None:
    watching = Watching(site, licenses)
    assert watching.look() == watching.look() == {"a": "valid", "b": "valid"}
    (licenses / "b/license.dat").write_bytes(b"x")
    assert watching.look() == {"a": "valid", "b": "opaque"}
    assert watching.examined == ["a", "b", "b"]


def test_once_a_minute_everything_is_examined(site: Site, licenses: Path) -> None:
    watching = Watching(site, licenses)
    watching.look()
    watching.look(NOW + timedelta(minutes=1))
    assert watching.examined == ["a", "b", "a", "b"]


def test_a_date_that_passes_is_seen_at_its_very_instant(site: Site) -> None:
    site.install(a_license(expires_at=NOW + timedelta(seconds=5)))
    watching = Watching(site, site.license)
    found = [watching.look(NOW + timedelta(seconds=seconds))["license"] for seconds in (0, 4, 5)]
    assert (found, len(watching.examined)) == (["expiring", "expiring", "expired"], 2)


def test_a_mount_that_comes_joins_and_one_that_goes_is_missing(site: Site, licenses: Path) -> None:
    watching = Watching(site, licenses)
    watching.look()
    site.install(folder=licenses / "c")
    shutil.rmtree(licenses / "a")
    assert watching.look() == {"a": "missing", "b": "valid", "c": "valid"}


def test_a_folder_that_gets_its_first_mount_is_no_longer_missing_itself(site: Site) -> None:
    watching = Watching(site, site.license)
    assert (watching.look(), watching.alone()) == ({"license": "missing"}, True)
    site.install(folder=site.license / "a")
    assert (watching.look(), watching.alone()) == ({"a": "valid"}, False)


def test_a_folder_that_loses_its_last_mount_is_missing_beside_it(site: Site, licenses: Path) -> None:
    watching = Watching(site, licenses)
    watching.look()
    shutil.rmtree(licenses / "a")
    shutil.rmtree(licenses / "b")
    assert watching.look() == {"licenses": "missing", "a": "missing", "b": "missing"}
    assert not watching.alone()


def test_a_key_that_is_trusted_meanwhile_counts_at_once(site: Site) -> None:
    site.install()
    store = TrustStore(site.folder / "empty.d")
    watching = Watching(site, site.license, trust=store.folder)
    assert watching.look() == {"license": "untrusted"}
    store.add(site.public_key)
    assert watching.look() == {"license": "valid"}
    (store.folder / "issuer.pem").unlink()
    assert watching.look() == {"license": "untrusted"}
