"""A real PostgreSQL server of a test session's own, from Debian's package, and a fresh database for each test.

Its order of text is that of English, so that what must not depend on the server's locale is seen to do so. It is not
safe against a power cut, which no test makes.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import count
from pathlib import Path

import psycopg
import pytest

import migrations
from licensing.db.database import connect, writing
from tests.serving import free_port

REQUIRED = "AZLIC_TEST_POSTGRESQL"
"""Set to ``required``, a missing PostgreSQL fails the tests that need one; else they are skipped."""

BOTH = ("sqlite", "postgresql")
NOBODY = 65534
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "32MB",
    "lc_messages": "C",
}


def programs() -> Path | None:
    """The folder of the newest server that is installed, as Debian lays it out."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(found, key=lambda path: int(path.parent.name), default=None)


class Server:
    """A server on a loopback port and a Unix socket, run by a user who is not root, whom it would refuse."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self._programs = programs
        self._data = folder / "data"
        self._numbers = count(1)
        self.port = free_port()
        if os.geteuid() == 0:
            os.chown(folder, NOBODY, NOBODY)
        locale = ("--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en")
        self._run("initdb", "-U", "azlic", "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync", *locale)

    def _run(self, program: str, *words: str) -> None:
        user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        subprocess.run(
            [self._programs / program, "-D", self._data, *words],
            check=True,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **user,  # type: ignore[call-overload]
        )

    def start(self) -> None:
        settings = _SETTINGS | {"port": str(self.port), "unix_socket_directories": str(self.folder)}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """End it as a crash would."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://azlic@/{name}?host={self.folder}&port={self.port}"

    def by_password(self, name: str, role: str, password: str) -> str:
        """The URL of a database for another role, over TCP."""
        return f"postgresql+psycopg://{role}:{password}@127.0.0.1:{self.port}/{name}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Do something as the server's superuser."""
        with psycopg.connect(
            host=str(self.folder), port=self.port, user="azlic", dbname=database, autocommit=True
        ) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def new_database(self, template: str | None = None) -> str:
        """The name of a fresh database: with the tables, or as another one is."""
        if template is None:
            template = self._template
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return name

    @cached_property
    def _template(self) -> str:
        self.execute("CREATE DATABASE with_tables")
        engine = connect(self.url("with_tables"))
        with writing(engine) as connection:
            migrations.upgrade(connection)  # by whom it is used first says whether it is a ledger or an issuer's store
        engine.dispose()
        return "with_tables"

    def drop_database(self, name: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def running() -> Iterator[Server]:
    """A server, as long as it is needed."""
    found = programs()
    if found is None:
        if os.environ.get(REQUIRED) == "required":
            pytest.fail("PostgreSQL is not installed, and the tests were told to need it: apt-get install postgresql")
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="azlic-postgresql-"))
    try:
        server = Server(folder, found)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)
