"""Fixtures for all tests. Those marked ``databases("sqlite", "postgresql")`` run once on each."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import postgres
from tests.site import NewDatabase, Site

os.umask(0o022)  # whose files a test looks at as another user, it lets be read
# Properties are about what is true, not about how fast this machine is; and what passes here passes there.
settings.register_profile("azlic", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("azlic")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marked = metafunc.definition.get_closest_marker("databases")
    if marked is not None and "new_database" in metafunc.fixturenames:
        metafunc.parametrize("new_database", marked.args, indirect=True)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgres.Server]:
    """A PostgreSQL server for this session, started when it is first needed."""
    with postgres.running() as server:
        yield server


@pytest.fixture
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewDatabase]:
    """Where a new database of a name may be: the path of a file, or the URL of one that has the tables already."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield lambda name: str(tmp_path / f"{name}.db")
        return
    server: postgres.Server = request.getfixturevalue("postgresql")
    with ExitStack() as leaving:

        def new(_name: str) -> str:
            database = server.new_database()
            leaving.callback(server.drop_database, database)
            return server.url(database)

        yield new


@pytest.fixture
def site(tmp_path: Path, new_database: NewDatabase) -> Iterator[Site]:
    """A site in a folder of its own, on 2026-03-01 at 08:00 UTC."""
    site = Site(tmp_path, new_database)
    yield site
    site.close()
