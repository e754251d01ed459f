"""A ledger that the version before wrote (schema 0003), with closed months, corrections, readings and a hand-over."""

import gzip
import shutil
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest

from licensing.db.database import open_ledger
from tests.azlic.conftest import Cli
from tests.site import Site

VECTORS = Path(__file__).parent.parent / "vectors"


@pytest.fixture
def ledger(site: Site) -> Path:
    """The committed ledger, where the site's commands look for theirs; the kept checkpoint lies beside it."""
    path = site.folder / "azlic.db"
    path.write_bytes(gzip.decompress((VECTORS / "ledger-0003.db.gz").read_bytes()))
    shutil.copy(VECTORS / "ledger-0003.checkpoint", site.folder / "checkpoint.txt")
    return path


def rows(ledger: Path, query: str) -> list[tuple[object, ...]]:
    with closing(connect(ledger)) as connection:
        return connection.execute(query).fetchall()


def test_a_command_that_reads_says_how_to_bring_it_up_to_date(cli: Cli, ledger: Path) -> None:
    before = ledger.read_bytes()
    refused = cli("report", "2026-02")
    assert refused.status == 2 and "has the older schema 0003" in refused.err and "azlic ingest" in refused.err
    assert ledger.read_bytes() == before


def test_brought_up_to_date_it_audits_and_reports_as_it_did(cli: Cli, ledger: Path) -> None:
    open_ledger(str(ledger), upgrade=True).dispose()
    assert rows(ledger, "SELECT kind FROM store") == [("site",)]
    audited = cli("audit", "--against", "checkpoint.txt")
    assert audited.status == 0, audited
    assert "53 batches, 59 records, 2 closed months" in audited.out
    assert "nothing up to batch 53 was changed" in audited.out
    lines = [" ".join(line.split()) for line in cli("report", "2026-02").out.splitlines()]
    assert [line for line in lines if line.startswith("in 2026-02")][:2] == ["in 2026-02 224.5", "in 2026-02 1,050"]


def test_it_is_no_issuers_store_and_keeps_its_schema_when_refused(cli: Cli, ledger: Path) -> None:
    refused = cli("issuer", "init", "--keys", "keys")
    assert refused.status == 3 and "is a site's ledger, not an issuer's store" in refused.err
    assert rows(ledger, "SELECT version_num FROM alembic_version") == [("0003",)]
