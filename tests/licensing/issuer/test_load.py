"""Many downloads at once from a real server, each from a client of its own."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import QueuePool

from licensing.db.database import DatabaseBusy, reading, writing
from licensing.issuer.audit import read_audit_log
from licensing.issuer.book import list_issued
from tests.licensing.issuers import all_at_once
from tests.site import Site

pytestmark = pytest.mark.databases("sqlite", "postgresql")

CLIENTS = 60


def test_many_downloads_at_once_give_no_error_and_no_serial_twice(site: Site) -> None:
    site.wait_seconds = 120  # the last of them waits for all others, however busy the machine is
    site.add_resource()
    with site.license_server(request_seconds=120) as server:
        keys = site.api_keys["plant-read"]
        answers = asyncio.run(all_at_once(f"{server}/plant-read/license", keys, CLIENTS))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == CLIENTS
    assert [line.serial for line in list_issued(site.issuer_store)] == list(range(1, CLIENTS + 1))
    assert read_audit_log(site.issuer_store).fault is None


@pytest.mark.parametrize("access", [reading, writing])
def test_a_store_with_no_connection_left_is_busy(access: type) -> None:
    engine = create_engine("sqlite://", poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.02)
    held, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with reading(engine):
            held.set()
            leave.wait(60)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        assert held.wait(60)
        with pytest.raises(DatabaseBusy, match="too many processes are waiting for the database"), access(engine):
            pass
        leave.set()
        holding.result()
    engine.dispose()
