"""The commands of a site whose ledger lies on a PostgreSQL server, as an operator types them."""

import json
import os
from pathlib import Path

import pytest

from tests.forks import run_forked
from tests.postgres import Server
from tests.site import METER, Site
from tests.usage.lines import a_chain
from tests.usage.mount import Mount

PASSWORD = "geheim-5678"
TERMS = "--type Read --quota 500000 --unit Transaction --period year --start 2026-01-01 --end 2027-01-01 --meter"
PLAN = (*TERMS.split(), METER)


class Operator:
    """Runs azlic in processes of its own, with a ledger by URL."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        (folder / "azlic.toml").touch()
        settings = {"DATABASE": url, "TRUST": str(folder / "trust.d"), "CONFIG": str(folder / "azlic.toml")}
        self._environment = os.environ | {f"AZLIC_{name}": value for name, value in settings.items()}

    def runs(self, *words: str, status: int = 0) -> str:
        """What a command prints on both channels; the password is never in it."""
        done = run_forked(words, self._folder, self._environment)
        assert done.returncode == status, done.stderr
        assert PASSWORD not in done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def database(postgresql: Server) -> str:
    postgresql.execute(f"DROP ROLE IF EXISTS operator; CREATE ROLE operator LOGIN PASSWORD '{PASSWORD}'")
    postgresql.drop_database("of_operator")
    postgresql.execute("CREATE DATABASE of_operator OWNER operator")
    return "of_operator"


def test_a_site_is_ingested_reported_and_held_against_its_plan(site: Site, postgresql: Server, database: str) -> None:
    operator = Operator(site.folder, postgresql.by_password(database, "operator", PASSWORD))
    Mount(site).write(a_chain(40))
    assert "is not an azlic database" in operator.runs("report", status=3)
    assert "40  new records" in operator.runs("ingest", "output")
    assert " 0  new records" in operator.runs("ingest", "output")
    assert "entered" in operator.runs("plan", "add", "read-2026", *PLAN)
    report = json.loads(operator.runs("report", "2026-03", "--json"))
    assert report["plans"][0]["used"] == 40
    assert "2026-03-01" in operator.runs("clock", "status")
    wrong = Operator(site.folder, postgresql.by_password(database, "operator", f"{PASSWORD}9"))
    assert "password authentication failed" in wrong.runs("ingest", "output", status=3)
