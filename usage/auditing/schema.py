"""The schema of a ledger, held against the one that this version makes: object by object, by text.

A schema is what the database's own catalogue says of it: a name such as ``trigger record_no_update``, and its text.
What belongs there is in ``migrations/schema``, written by ``python -m tests.licensing.db.schema``.
"""

import re
from collections.abc import Iterator

from sqlalchemy import Connection

import migrations
from licensing.core.text import printable
from usage.auditing.faults import AuditCheck, Faults
from usage.auditing.rows import fetch

_NAME = re.compile(r'"([A-Za-z_]+)"|\s+')
_SQLITE = """
SELECT type || ' ' || name, tbl_name || ': ' || coalesce(sql, '') FROM sqlite_master
WHERE type <> 'table' OR name NOT IN ('sqlite_stat1', 'sqlite_stat4')
"""
"""Without what ANALYZE counts: it changes no answer."""

_POSTGRESQL = """
WITH relation AS (SELECT * FROM pg_class WHERE relnamespace = current_schema()::regnamespace),
  of_extension AS (SELECT classid, objid FROM pg_depend WHERE deptype = 'e')
SELECT concat(CASE relkind WHEN 'r' THEN 'table' WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view'
    WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE 'relation' END, ' ', relname),
  concat('persistence ', relpersistence, CASE WHEN relrowsecurity OR relforcerowsecurity THEN ' row security' END,
    CASE WHEN EXISTS (SELECT FROM pg_inherits WHERE oid IN (inhrelid, inhparent)) THEN ' inheritance' END)
  FROM relation WHERE relkind NOT IN ('i', 'I', 'c', 't')
  AND ('pg_class'::regclass, oid) NOT IN (TABLE of_extension)
UNION ALL
SELECT concat('column ', relname, '.', attname),
  concat(format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN ' not null' END,
    ' default ' || pg_get_expr(adbin, adrelid),
    ' collate ' || (SELECT collname FROM pg_collation WHERE pg_collation.oid = attcollation),
    ' generated ' || nullif(attgenerated::text, ''), ' identity ' || nullif(attidentity::text, ''))
  FROM pg_attribute JOIN relation ON relation.oid = attrelid
  LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
  WHERE relkind = 'r' AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT concat('index ', relname),
  concat(replace(pg_get_indexdef(indexrelid), quote_ident(current_schema()) || '.', ''),
    CASE WHEN NOT (indisvalid AND indisready AND indislive) THEN ' not valid' END)
  FROM pg_index JOIN relation ON relation.oid = indexrelid
UNION ALL
SELECT concat('constraint ', relname, '.', conname),
  concat(pg_get_constraintdef(pg_constraint.oid), CASE WHEN EXISTS (SELECT FROM pg_trigger
    WHERE tgconstraint = pg_constraint.oid AND tgenabled NOT IN ('O', 'A')) THEN ' disabled' END)
  FROM pg_constraint JOIN relation ON relation.oid = conrelid WHERE contype <> 'n'
UNION ALL
SELECT concat('trigger ', relname, '.', tgname),
  concat(pg_get_triggerdef(pg_trigger.oid, true), CASE WHEN tgenabled NOT IN ('O', 'A') THEN ' disabled' END)
  FROM pg_trigger JOIN relation ON relation.oid = tgrelid WHERE NOT tgisinternal
UNION ALL
SELECT concat('function ', proname, '(', pg_get_function_identity_arguments(pg_proc.oid), ')'),
  concat(lanname, ' ', prorettype::regtype, CASE WHEN prosecdef THEN ' security definer' END,
    ' set ' || proconfig::text, ': ', prosrc)
  FROM pg_proc JOIN pg_language ON pg_language.oid = prolang WHERE pronamespace = current_schema()::regnamespace
  AND ('pg_proc'::regclass, pg_proc.oid) NOT IN (TABLE of_extension)
UNION ALL
SELECT concat('operator ', oprname, ' (', oprleft::regtype, ', ', oprright::regtype, ')'), oprcode::text
  FROM pg_operator WHERE oprnamespace = current_schema()::regnamespace
  AND ('pg_operator'::regclass, oid) NOT IN (TABLE of_extension)
UNION ALL
SELECT concat('rule ', relname, '.', rulename), pg_get_ruledef(pg_rewrite.oid)
  FROM pg_rewrite JOIN relation ON relation.oid = ev_class WHERE relkind = 'r'
UNION ALL
SELECT concat('policy ', relname, '.', polname), pg_get_expr(polqual, polrelid)
  FROM pg_policy JOIN relation ON relation.oid = polrelid
UNION ALL
SELECT 'setting session_replication_role', current_setting('session_replication_role')
"""


_PARTS = ("column ", "constraint ", "index ")
"""What goes with its table: where that is gone, it is named first."""


def read_schema(connection: Connection) -> dict[str, str]:
    """Everything that the database's catalogue has, by name, each as text on one line. Raises ``Unreadable``."""
    query = _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL
    return {_one_line(name): _one_line(text) for name, text in fetch(connection, query)}


def _one_line(sql: object) -> str:
    """A text of the catalogue without what says nothing: line ends, more than one blank, quotes that no name needs."""
    return _NAME.sub(lambda found: found[1] or " ", str(sql)).strip()


def check_schema(connection: Connection, faults: Faults) -> None:
    """8: the schema is exactly that of this version, so that the database itself refuses changes."""
    for name, what in _differences(read_schema(connection), migrations.schema_of(connection.dialect.name)):
        faults.add(AuditCheck.SCHEMA, printable(name), what)


def _differences(found: dict[str, str], wanted: dict[str, str]) -> Iterator[tuple[str, str]]:
    for name in sorted({*found, *wanted}, key=lambda name: (name.startswith(_PARTS), name)):
        if name not in found:
            yield name, "it is not there, and this version's schema has it"
        elif name not in wanted:
            yield name, f"it does not belong to this version's schema: {printable(found[name])[:200]}"
        elif found[name] != wanted[name]:
            yield name, f"it is not as this version makes it: {printable(found[name])[:200]}"
