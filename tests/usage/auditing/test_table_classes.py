"""Every table of a ledger has one class, in the code and in docs/audit.md."""

import re
from importlib import import_module
from pathlib import Path

from licensing.db.schema import Table
from usage.auditing.table_classes import TABLES

ROOT = Path(__file__).parents[3]
DOCUMENTED = (ROOT / "docs" / "audit.md").read_text()


def test_every_table_has_a_class() -> None:
    for floor in ("licensing", "usage"):
        for path in (ROOT / floor).rglob("*.py"):
            if "__tablename__" in path.read_text():
                import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    assert {*Table.metadata.tables, "alembic_version"} == set(TABLES)


def test_the_documentation_lists_each_table_with_its_class() -> None:
    told = re.findall(r"^\| `([a-z_]+)` \| (bound|derived|advisory) \| (.*) \|$", DOCUMENTED, re.MULTILINE)
    listed = {name: (kind, why) for name, kind, why in told}
    assert listed == {name: (kept.of.value, kept.why) for name, kept in TABLES.items() if "issuer_" not in name}
    issuers = {kept.why for name, kept in TABLES.items() if "issuer_" in name}
    assert {f"| `issuer_...` | derived | {why} |" in DOCUMENTED for why in issuers} == {True}
