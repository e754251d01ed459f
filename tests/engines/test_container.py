import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from engines.container import download_license, own_container_id, to_mend
from engines.options import ContainerOptions
from engines.server.process import preload
from licensing.core.errors import AzlicError
from licensing.verdict.verdict import Status, Verdict
from tests.site import CONTAINER_ID, METER, Site, a_plan, counting_engine
from tests.usage.forked import NONROOT, as_nonroot, only_root, public_folder


def started(site: Site) -> str:
    """How the start of a container ended: as a verdict, an error, or with an application."""
    try:
        app = site.container()
    except AzlicError as error:
        return f"{error.message}\n{error.hint}"
    return str(app.status) if isinstance(app, Verdict) else "started"


def test_a_container_with_a_license_and_an_output_folder_starts(site: Site) -> None:
    site.install()
    assert started(site) == "started"
    assert (site.output / "read" / CONTAINER_ID).is_dir()


@pytest.mark.parametrize(("days", "status"), [(-1, "clock-suspect"), (306, "expired")])
def test_a_container_whose_license_does_not_hold_does_not_start(site: Site, days: int, status: str) -> None:
    site.install()
    site.sleep(days=days)
    assert started(site) == status
    assert list(site.output.iterdir()) == []


def test_a_container_without_a_license_does_not_start(site: Site) -> None:
    assert started(site) == "missing"


def test_a_container_without_an_output_folder_does_not_start(site: Site) -> None:
    site.install()
    site.output.rmdir()
    assert "Mounts:Output" in started(site)


@only_root
def test_a_container_whose_output_cannot_be_written_does_not_start() -> None:
    with public_folder() as public:
        site = Site(public)
        site.install().chmod(0o644)
        preload()
        folder = site.output / "read" / CONTAINER_ID
        refused = (
            f"usage records cannot be written to {folder}: Permission denied:"
            f" user {NONROOT}:{NONROOT} may not write there\nchown -R {NONROOT}:{NONROOT} {site.output}"
        )
        assert as_nonroot(lambda: started(site)) == refused
        os.chown(site.output, NONROOT, NONROOT)
        assert as_nonroot(lambda: started(site)) == "started"


@only_root
def test_a_container_that_may_not_read_its_license_says_the_chown_that_mends_it() -> None:
    with public_folder() as public:
        site = Site(public)
        site.install().chmod(0o600)

        def refused() -> object:
            verdict = site.container()
            assert isinstance(verdict, Verdict)
            return verdict.status, verdict.detail, to_mend(verdict)

        preload()
        said = as_nonroot(refused)
    assert "unreadable" in said and "license.dat: Permission denied" in said
    assert f"chown -R {NONROOT}:{NONROOT} {site.license}" in said


def test_an_ended_license_is_not_mended_by_a_chown(site: Site) -> None:
    site.install()
    site.sleep(days=400)
    verdict = site.container()
    assert isinstance(verdict, Verdict) and to_mend(verdict) is None


def test_two_containers_may_not_have_one_id(site: Site) -> None:
    site.install()
    with site.start_engine(), pytest.raises(AzlicError, match="another container already writes to"):
        site.container()


def test_a_container_that_was_stopped_may_start_again(site: Site) -> None:
    site.install()
    for _ in range(2):
        with site.start_engine() as client:
            client.post("/count/1").raise_for_status()
    receipt = site.ingest()
    assert (receipt.new, receipt.clean) == (2, True)


def test_an_engine_counts_on_the_meters_of_its_kind_alone() -> None:
    with pytest.raises(ValueError, match="a read container has no meter other"):
        replace(counting_engine(), meters={METER: "vision.read", "other": "vision.other"})


def test_the_engine_is_closed_when_its_container_stops(site: Site) -> None:
    site.install()
    closed: list[bool] = []
    plain = counting_engine()
    engine = replace(plain, close=lambda: closed.append(True))
    with site.start_engine(engine=engine):
        assert closed == []
    assert closed == [True]


def test_the_id_is_the_one_that_docker_gave() -> None:
    assert own_container_id({"HOSTNAME": "0123456789ab"}) == "0123456789ab"


@pytest.mark.parametrize("name", ["plant-7", "0123456789AB", "0123456789abc", "0123456789ab\n", "../../../../x"])
def test_a_host_of_another_name_gets_an_id_of_its_own(name: str) -> None:
    one, other = (own_container_id({"HOSTNAME": name}) for _ in range(2))
    assert one != other
    assert all(len(found) == 12 and set(found) <= set("0123456789abcdef") for found in (one, other))


def test_a_download_puts_a_license_into_its_mount(site: Site) -> None:
    site.add_resource()
    with site.license_server() as server:
        options = ContainerOptions(
            license=site.license,
            billing=f"{server}/plant-read",
            api_key=site.api_keys["plant-read"][0],
            download_license=True,
        )
        verdict = download_license(counting_engine(), options, trust=site.trust, clock=site.clock)
    assert (verdict.status, verdict.path) == (Status.VALID, site.license)
    assert started(site) == "started"


def test_a_container_told_to_download_its_license_does_so_and_ends(site: Site) -> None:
    site.add_resource(plan=a_plan(ends_at=datetime(9000, 1, 1, tzinfo=UTC)))
    key = site.api_keys["plant-read"][0]
    with site.license_server() as server:
        words = (
            f"eula=accept billing={server}/plant-read apikey={key} DownloadLicense=True Mounts:License={site.license}"
        )
        command = [
            sys.executable,
            "-m",
            "azlic",
            "engine",
            "read",
            "--trust",
            str(site.folder / "trust.d"),
            *words.split(),
        ]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "".join(ended.stdout.replace("\\\n", "").split()).startswith(f"licensedownloadedto{site.license}")
    assert ended.stderr == ""
    assert key not in ended.stdout + ended.stderr
    assert site.verify().may_run


@only_root
def test_a_container_started_by_root_downloads_its_license_as_its_user() -> None:
    with public_folder() as public:
        site = Site(public)
        site.add_resource(plan=a_plan(ends_at=datetime(9000, 1, 1, tzinfo=UTC)))
        os.chown(site.license, NONROOT, NONROOT)
        with site.license_server() as server:
            words = f"eula=accept billing={server}/plant-read apikey={site.api_keys['plant-read'][0]}"
            mine = ["--user", f"{NONROOT}:{NONROOT}", "--trust", str(site.trust.folder)]
            told = [*words.split(), "DownloadLicense=True", f"Mounts:License={site.license}"]
            command = [sys.executable, "-m", "azlic", "engine", "read", *mine, *told]
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        assert (site.license / "license.dat").stat().st_uid == NONROOT
        site.close()


def test_a_download_that_waits_says_so_once_and_in_words(site: Site) -> None:
    words = f"eula=accept billing=http://127.0.0.1:9/x apikey=k DownloadLicense=True Mounts:License={site.license}"
    command = [sys.executable, "-m", "azlic", "engine", "READ", "--trust", str(site.trust.folder), *words.split()]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = ended.stderr.splitlines()
    assert ended.returncode == 3 and len(lines) == 6, ended.stderr
    assert all(line.startswith("CouldNotConnect: ") for line in lines[:4])
    assert lines[4].startswith("azlic: CouldNotConnect: ")
