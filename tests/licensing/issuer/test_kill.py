"""An issuer that is killed neither loses nor repeats a serial."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from sqlalchemy import Engine

from licensing.db.store_kind import StoreKind
from licensing.delivery.denial import Denial
from licensing.issuer.audit import read_audit_log
from licensing.issuer.book import list_issued
from licensing.issuer.containers import list_containers
from licensing.issuer.issue import Issuer
from tests.licensing.issuers import ask, given
from tests.site import Site
from tests.usage.forked import fork
from tests.usage.ledgers import die_at, open_fast

NEVER = 10**6


def check(store: Engine) -> int:
    """How many licenses were given out, by a store without a hole, anything twice, or a line of the log amiss."""
    serials = [line.serial for line in list_issued(store)]
    (container,), log = list_containers(store), read_audit_log(store)
    assert serials == list(range(1, len(serials) + 1))
    assert container.serial == len(serials)
    assert log.fault is None
    assert [line.detail["serial"] for line in log.entries if line.action == "download"] == serials
    return len(serials)


def two_downloads(site: Site, store: Engine, arrived: Path) -> None:
    """A download, a denial, and a download; each serial that arrives is written to a file."""
    issuer = Issuer(store, site.signer, base_url="https://issuer.example")
    for resource in ("plant-read", "nowhere", "plant-read"):
        answer = ask(issuer, site.api_keys["plant-read"][0], resource=resource)
        if not isinstance(answer, Denial):
            with arrived.open("a") as file:
                file.write(f"{given(site, answer).serial}\n")


def killed_at(site: Site, path: Path, number: int, arrived: Path) -> bool:
    """Download in a process that is killed in front of its statement, or commit, of this number; whether it was."""

    def work() -> None:
        store = open_fast(path, StoreKind.ISSUER)
        die_at(store, number, lambda: os.kill(os.getpid(), signal.SIGKILL))
        two_downloads(site, store, arrived)

    status, text = fork(work)
    assert status in (0, signal.SIGKILL), text
    return status != 0


def serials_in(arrived: Path) -> list[int]:
    return list(map(int, arrived.read_text().split()))


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.long)])
def test_an_issuer_killed_at_any_statement_neither_loses_nor_repeats_a_serial(site: Site, every: int) -> None:
    site.add_resource()
    site.close()
    before, path, arrived = (site.folder / name for name in ("issuer.db", "killed.db", "arrived"))
    kills, given_before = 0, set()
    shutil.copyfile(before, path)
    arrived.touch()
    while killed_at(site, path, kills, arrived):
        store, seen = open_fast(path, StoreKind.ISSUER), serials_in(arrived)
        known = check(store)
        assert seen == list(range(1, known + 1)) or seen == list(range(1, known)), "all that arrived is in the book"
        two_downloads(site, store, arrived)
        assert serials_in(arrived) == [*seen, known + 1, known + 2]
        assert check(store) == known + 2
        store.dispose()
        given_before.add(known)
        kills += every
        shutil.copyfile(before, path)
        arrived.write_text("")
    assert kills >= 25 and given_before == {0, 1}


def test_an_issuer_killed_again_and_again_goes_on_counting(site: Site) -> None:
    site.add_resource()
    site.close()
    path, arrived = site.folder / "issuer.db", site.folder / "arrived"
    arrived.touch()
    known = 0
    for round_ in range(10):
        assert killed_at(site, path, 3 + 7 * round_ % 25, arrived)
        store = open_fast(path, StoreKind.ISSUER)
        assert check(store) >= known
        known = check(store)
        store.dispose()
    serials = serials_in(arrived)
    assert serials == sorted(set(serials)) and serials[-1] <= known
    assert known >= 4
