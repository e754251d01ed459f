"""A container whose log would fill the disk that its usage records need."""

import logging
import shutil
import subprocess
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI

from engines.container import container_app
from engines.logs.levels import Levels
from engines.logs.settings import LogSettings
from engines.options import ContainerOptions
from engines.server.process import make_server
from tests.serving import running
from tests.site import CONTAINER_ID, Site, counting_engine
from tests.usage.forked import only_root
from tests.waiting import eventually
from usage.records.container_log import LOG_NAME

FILLER = "x" * 900


@pytest.fixture
def small_disk(site: Site) -> Iterator[None]:
    """An output mount of 64 KiB."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", site.output], check=False).returncode != 0:
        pytest.skip("no file system may be mounted here")
    yield
    subprocess.run(["umount", "--lazy", site.output], check=True)


@only_root
@pytest.mark.skipif(shutil.which("mount") is None, reason="there is no mount command")
def test_no_record_is_lost_to_the_log_and_no_request_refused_for_it(site: Site, small_disk: None) -> None:
    site.install()
    level = logging.getLogger().level
    logs = LogSettings(disk=Levels({"default": "Trace"}), file_bytes=None).begin()
    options = ContainerOptions(license=site.license, output=site.output)
    app = container_app(
        counting_engine(), options, trust=site.trust, clock=site.clock, container_id=CONTAINER_ID, logs=logs
    )
    assert isinstance(app, FastAPI)
    path = site.output / "read" / CONTAINER_ID / LOG_NAME
    log = logging.getLogger("azlic.container")
    try:
        with running(make_server(app)) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            for _ in range(80):
                log.info("%s", FILLER)
            assert eventually(lambda: path.exists() and path.stat().st_size > 30_000)
            delivered = 0
            while (answer := client.post("/count/1")).status_code == 204:
                delivered += 1
                log.info("%s", FILLER)
        assert answer.json()["code"] == "UsageNotRecorded"
    finally:
        logs.close()
        logging.getLogger().setLevel(level)
    assert not path.exists()  # the log has given way, all of it
    records = sum(each.stat().st_size for each in path.parent.glob("usage-*"))
    assert records > 50_000
    assert site.ingest().new == delivered
