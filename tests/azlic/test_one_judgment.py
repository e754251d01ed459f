"""One judgment of a license: verify, alerts, check, metrics, page and doctor agree, by every way that leads there."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from licensing.db.database import writing
from licensing.history.remember import advance
from licensing.verdict.seen import WitnessKind
from licensing.verdict.verdict import RUNNING
from tests.azlic.conftest import Cli
from tests.azlic.web.pages import page_of, watched_site
from tests.frozen import clock_at
from tests.site import START, Site, a_license

OPAQUE = b"\x01 nobody can read this" * 3
FAR, SOON, PAST = START + timedelta(days=300), START + timedelta(days=40), START - timedelta(days=2)
OTHER_ID = "01900000-0000-7000-8000-000000000002"

Do = Callable[["Place"], object]


class Place:
    """A license mount among others, and the ways that lead there."""

    def __init__(self, site: Site, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
        self.site, self.cli, self._patch = site, cli, monkeypatch
        self.folder = site.folder / "srv/licenses/hall"
        self.folder.mkdir(parents=True)
        self.file = self.folder / "license.dat"
        site.install(a_license(license_id=OTHER_ID, expires_at=FAR), self.folder.with_name("other"))
        (site.folder / "linked").symlink_to(self.folder)
        (site.folder / "mnt").symlink_to("srv/licenses")
        (site.folder / "elsewhere").mkdir()
        (site.folder / "elsewhere/license.dat").symlink_to(self.file)
        assert site.ledger

    def ours(self, **changes: object) -> None:
        self.site.install(a_license(**changes), self.folder)

    def adopted(self, ends: object = FAR, way: str = "srv/licenses/hall") -> None:
        self.file.write_bytes(OPAQUE)
        done = self.cli("adopt", way, "--container", "read", "--expires", str(ends), "--yes")
        assert done.status == 0, done.err

    def watch(self, *ways: str) -> None:
        self._patch.setenv("AZLIC_LICENSES", ":".join(ways))

    def verified(self, *ways: str) -> set[str]:
        told = json.loads(self.cli("verify", *ways, "--json").out)
        return {one["status"] for one in told.get("verdicts", [told]) if not one["path"].endswith("other")}

    def alerted(self) -> list[str]:
        told = json.loads(self.cli("alerts", "--json").out)["alerts"]
        return [f"{one['kind']} {one['stage']}" for one in told]

    def checked(self) -> tuple[int, str, set[str]]:
        """Status and line of `azlic check`, and the states in the metrics that it writes."""
        answer = self.cli("check", "--prometheus", "azlic.prom")
        return answer.status, answer.out, states((self.site.folder / "azlic.prom").read_text())

    def served(self, *ways: str) -> tuple[set[str], set[str]]:
        """What the page and its metrics say."""
        seen = watched_site(self.site, *map(Path, ways))
        try:
            shown = {one.status.value for one in seen.view().licenses if one.path.name != "other"}
            return shown, states(seen.scrape().text.decode())
        finally:
            seen.ledger.dispose()

    def examined(self, way: str, *asked: str) -> str:
        """The doctor's word about the license itself."""
        told = json.loads(self.cli("doctor", *asked, "--license", way, "--output", self.site.output, "--json").out)
        return str(told["facts"]["license"]).partition(":")[0]


def states(metrics: str) -> set[str]:
    return {
        sample.labels["state"]
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
        if sample.name == "azlic_license_state" and sample.value == 1 and not sample.labels["path"].endswith("other")
    }


@pytest.fixture
def place(site: Site, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with clock_at(START):
        yield Place(site, cli, monkeypatch)


WAYS = {
    "as it is": ("{0}/srv/licenses/hall",),
    "through a linked folder": ("{0}/linked",),
    "through a link above it": ("{0}/mnt/hall",),
    "relative": ("srv/licenses/hall",),
    "with a slash behind it": ("{0}/srv/licenses/hall/",),
    "over dots": ("{0}/srv/licenses/other/../hall",),
    "over dots behind a link": ("mnt/../licenses/hall",),
    "the file itself": ("{0}/srv/licenses/hall/license.dat",),
    "the file in a linked folder": ("linked/license.dat",),
    "a link to the file": ("{0}/elsewhere",),
    "a folder of mounts": ("{0}/srv/licenses",),
    "a link to a folder of mounts": ("{0}/mnt",),
    "two ways at once": ("{0}/linked", "{0}/srv/licenses/hall", "mnt/hall/license.dat"),
}


FOLDERS = [*list(WAYS)[:7], "a link to the file"]
"""The ways that name a license folder, which is what the doctor examines."""


def changed(place: Place) -> None:
    content = bytearray(place.file.read_bytes())
    content[40] ^= 1
    place.file.write_bytes(content)


def leads_nowhere(place: Place) -> None:
    place.file.unlink(missing_ok=True)
    place.file.symlink_to("gone")


def clock_behind(place: Place) -> None:
    with writing(place.site.ledger) as connection:
        advance(connection, WitnessKind.RECORD, START + timedelta(days=3), "a record")


STATES: dict[str, tuple[list[Do], str, list[str]]] = {
    "ours, valid": ([lambda on: on.ours(expires_at=FAR)], "valid", []),
    "ours, expiring": ([lambda on: on.ours(expires_at=SOON)], "expiring", ["license-expiring 60 days"]),
    "ours, in grace": (
        [
            lambda on: on.ours(
                not_before=PAST - timedelta(days=9), issued_at=PAST - timedelta(days=9), expires_at=PAST, grace_days=5
            )
        ],
        "grace",
        ["license-expired in grace"],
    ),
    "ours, expired": (
        [lambda on: on.ours(not_before=PAST - timedelta(days=9), issued_at=PAST - timedelta(days=9), expires_at=PAST)],
        "expired",
        ["license-expired ended"],
    ),
    "ours, not begun": (
        [lambda on: on.ours(not_before=START + timedelta(days=2))],
        "not-yet-valid",
        ["license-not-yet-valid not begun"],
    ),
    "ours, changed": ([lambda on: on.ours(), changed], "untrusted", ["license-changed untrusted"]),
    "ours, unreadable": ([leads_nowhere], "unreadable", ["license-unreadable unreadable"]),
    "ours, of another site": (
        [lambda on: on.ours(site="plant-8")],
        "wrong-instance",
        ["license-invalid wrong-instance"],
    ),
    "ours, clock behind": (
        [lambda on: on.ours(), clock_behind],
        "clock-suspect",
        ["clock-suspect behind"],
    ),
    "nothing": ([], "missing", ["license-missing missing"]),
    "not adopted": ([lambda on: on.file.write_bytes(OPAQUE)], "opaque", ["license-opaque opaque"]),
    "adopted, valid": ([lambda on: on.adopted()], "valid", []),
    "adopted, expiring": ([lambda on: on.adopted("2026-04-10")], "expiring", ["license-expiring 60 days"]),
    "adopted, expired": ([lambda on: on.adopted("2026-02-01")], "expired", ["license-expired ended"]),
    "adopted, changed": ([lambda on: on.adopted(), changed], "opaque", ["license-changed opaque"]),
    "adopted, unreadable": (
        [lambda on: on.adopted(), leads_nowhere],
        "unreadable",
        ["license-unreadable unreadable"],
    ),
    "adopted, clock behind": (
        [lambda on: on.adopted(), clock_behind],
        "clock-suspect",
        ["clock-suspect behind"],
    ),
    "adopted through a link, expired": (
        [lambda on: on.adopted("2026-02-01", way="mnt/hall")],
        "expired",
        ["license-expired ended"],
    ),
    "adoption taken back": (
        [lambda on: on.adopted(), lambda on: on.cli("adopted", "remove", "linked", "--yes")],
        "opaque",
        ["license-opaque opaque"],
    ),
}


@pytest.mark.parametrize("step", [5, pytest.param(1, marks=pytest.mark.long)], ids=["a fifth of the ways", "all ways"])
@pytest.mark.parametrize("state", STATES)
def test_all_say_the_same_of_a_license_by_every_way(
    place: Place, state: str, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZLIC_SITE", "plant-7")
    (place.site.folder / "page.toml").write_text('site = "plant-7"')
    done, status, alerts = STATES[state]
    for do in done:
        do(place)
    good = status in RUNNING
    first = list(STATES).index(state) % step  # so that every way is taken for some state
    for name, written in list(WAYS.items())[first::step]:
        ways = [way.format(place.site.folder) for way in written]
        if status == "missing" and "folder of mounts" in name:
            continue  # nobody has seen it there yet
        nowhere = status == "missing" and name == "a link to the file"
        expected = (status, alerts) if not nowhere else STATES["ours, unreadable"][1:]
        place.watch(*ways)
        assert place.verified(*ways) == {expected[0]}, name
        before = place.checked()
        assert place.alerted() == expected[1], name
        assert place.checked() == before, f"{name}: what is remembered says something else"
        assert (before[0] == 0) == (not alerts), name
        assert before[2] == {"valid" if expected[0] == "expiring" else expected[0]}, name
        page, metrics = place.served(*ways)
        assert page == {expected[0]}, name
        assert metrics == before[2] and (metrics <= RUNNING) == good, name
        if name in FOLDERS:
            assert place.examined(ways[0]) == expected[0], name


@pytest.mark.parametrize("made", [Place.ours, Place.adopted])
def test_a_license_for_another_container_is_refused_where_one_is_named(
    place: Place, made: Callable[[Place], None]
) -> None:
    made(place)
    for way in ("linked", "mnt/hall", "elsewhere"):
        asked = json.loads(place.cli("verify", way, "--container", "text-translation", "--json").out)
        assert asked["status"] == place.examined(way, "--container", "text-translation") == "wrong-container"
        assert place.examined(way) == "valid"


@pytest.mark.parametrize("way", ["{0}/srv/licenses/hall", "{0}/linked", "{0}/mnt", "{0}/srv/licenses"])
def test_what_is_stated_anew_or_taken_back_is_seen_at_once(place: Place, way: str) -> None:
    way = way.format(place.site.folder)
    place.watch(way)
    place.adopted(FAR)
    seen = watched_site(place.site, Path(way))

    def all_say() -> list[set[str]]:
        return [place.verified(way), {one.status for one in seen.view().licenses if one.path.name != "other"}]

    assert place.alerted() == [] and all_say() == [{"valid"}] * 2
    place.adopted("2026-02-01")
    assert place.checked()[2] == {"expired"} and all_say() == [{"expired"}] * 2
    assert place.alerted() == ["license-expired ended"]
    place.adopted("2026-02-28")
    assert place.checked()[2] == {"expired"} and place.alerted() == ["license-expired ended"]
    place.adopted(FAR)
    assert place.checked()[2] == {"valid"} and all_say() == [{"valid"}] * 2 and place.alerted() == []
    place.cli("adopted", "remove", "srv/licenses/hall", "--yes")
    assert place.checked()[2] == {"opaque"} and all_say() == [{"opaque"}] * 2
    assert place.alerted() == ["license-opaque opaque"]
    seen.ledger.dispose()


@pytest.mark.parametrize("link", ["hall", "hall/license.dat"])
def test_a_link_that_is_pointed_elsewhere_is_another_license_even_with_the_same_bytes(place: Place, link: str) -> None:
    """As Kubernetes does with ..data; a hard link has even the inode in common."""
    place.adopted(FAR)
    current, way = place.site.folder / "now", place.site.folder / "now"
    if link == "hall":
        current.symlink_to(place.folder)
    else:
        current.mkdir()
        current /= "license.dat"
        current.symlink_to(place.file)
    place.watch(str(way))
    assert place.verified(str(way)) == {"valid"} and place.alerted() == [] and place.checked()[2] == {"valid"}
    copy = place.site.folder / "copy/license.dat"
    copy.parent.mkdir()
    copy.hardlink_to(place.file)
    current.unlink()
    current.symlink_to(copy.parent if link == "hall" else copy)
    assert place.verified(str(way)) == {"opaque"}
    assert place.checked()[2] == {"opaque"} and place.alerted() == ["license-opaque opaque"]


@pytest.mark.parametrize("made", [Place.ours, Place.adopted])
@pytest.mark.parametrize("way", ["srv/licenses", "mnt", "mnt/../licenses"])
def test_a_mount_that_vanishes_from_its_folder_is_missed_whichever_way_it_was_seen(
    place: Place, made: Callable[[Place], None], way: str
) -> None:
    made(place)
    place.watch("srv/licenses")
    assert place.alerted() == []
    place.file.unlink()
    place.folder.rmdir()
    place.watch(way)
    assert place.checked()[0] == 2 and place.alerted() == ["license-missing missing"]
    assert place.cli("alerts", "forget", "mnt/hall").status == 0
    assert place.checked()[0] == 0 and place.alerted() == []


def test_a_link_into_a_folder_of_mounts_that_vanishes_is_missed(place: Place) -> None:
    inner = place.site.folder / "inner"
    inner.mkdir()
    (inner / "hall").symlink_to(place.folder)
    place.ours()
    place.site.install(a_license(license_id=OTHER_ID, expires_at=FAR), inner / "other")
    place.watch("inner")
    assert place.alerted() == []
    (inner / "hall").unlink()
    told = json.loads(place.cli("alerts", "--json").out)["alerts"]
    assert [one["id"] for one in told] == [f"license-missing:{inner}/hall"]


def test_what_an_older_version_knew_by_a_link_is_no_license_of_its_own(place: Place) -> None:
    place.ours()
    place.watch("linked")
    assert place.alerted() == []
    place.watch("linked", str(place.folder), "mnt")
    assert place.alerted() == [] and place.checked()[0] == 0


def test_the_page_on_a_socket_says_that_what_was_adopted_has_ended(
    site: Site, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.now = datetime.now(UTC)
    Place(site, cli, monkeypatch).adopted("2026-02-01")
    with page_of(site, site.folder / "linked") as url:
        assert 'data-status="expired"' in httpx.get(url).text
        assert states(httpx.get(f"{url}/metrics").text) == {"expired"}
