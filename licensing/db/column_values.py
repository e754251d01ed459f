"""What may stand in a column beside its type: instants, days and months that there are, numbers, and words of a list.

Only the standard library is needed. Conditions are in words that SQLite knows, and PostgreSQL too unless said.
"""

import re
from dataclasses import dataclass

LAST_INSTANT = 253_402_300_799_999
"""The last millisecond of the year 9999, in which the calendar ends."""
_LAST_DAY = LAST_INSTANT // 86_400_000
_MOST = 1 << 62
_WITNESSES = ("license", "record", "evaluation")


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """A condition that each value of a column meets, with ``{}`` for the column, and in words what belongs there.

    ``on_postgresql`` is the same there; empty where only SQLite can tell, of the tables of an issuer.
    """

    condition: str
    wanted: str
    on_postgresql: str = ""


def _anywhere(condition: str, wanted: str) -> ColumnRule:
    return ColumnRule(condition, wanted, condition)


def _between(first: int, last: int, wanted: str) -> ColumnRule:
    return _anywhere(f"{{}} BETWEEN {first:d} AND {last:d}", wanted)


def _one_of(*words: str) -> ColumnRule:
    return _anywhere(f"{{}} IN ({', '.join(map(repr, words))})", f"one of {', '.join(words)}")


_INSTANT = _between(0, LAST_INSTANT, "an instant of the years 1970 to 9999, in milliseconds,")
_DAY = _between(0, _LAST_DAY, "a day of the years 1970 to 9999")
_MONTH = _anywhere("{0} BETWEEN 197001 AND 999912 AND {0} - {0} / 100 * 100 BETWEEN 1 AND 12", "a month such as 202611")
_COUNT = _between(0, _MOST, "a number of at most 62 bits")
_TRUTH = _between(0, 1, "0 or 1")
_SEVERITY = _between(1, 3, "1, 2 or 3")
_STAGE = ColumnRule(
    "CAST(CAST({0} AS INTEGER) AS TEXT) = {0} AND length({0}) < 19",
    "a number in digits",
    "{0} ~ '^(0|-?[1-9][0-9]*)$' AND length({0}) < 19",
)
_WRITTEN_INSTANT = ColumnRule(
    "{0} GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]*'"
    " AND julianday({0}) IS NOT NULL",
    "an instant such as 2027-01-01T00:00:00Z",
)

_JSON = ColumnRule("({0} = '' OR json_valid({0}))", "JSON")

_IS_INSTANT = re.compile(r"(.*_)?at|instant|since|until|not_before")
_OF_COLUMN = {
    ("witness", "kind"): _one_of(*_WITNESSES),
    ("witness_strike", "kind"): _one_of(*_WITNESSES),
    ("acknowledged_alert", "severity"): _SEVERITY,
    ("acknowledged_alert", "stage"): _STAGE,
    ("notice", "stage"): _STAGE,
    ("told_alert", "severity"): _SEVERITY,
    ("batch", "sequence"): _COUNT,
    ("issuer_site", "public_key"): ColumnRule("{0} GLOB '-----BEGIN *'", "a key in PEM form"),
    ("issuer_resource", "plan"): _JSON,
    ("issuer_resource", "next_plan"): _JSON,
    ("issuer_resource_container", "repositories"): _JSON,
    ("issuer_resource_container", "instances"): _JSON,
    ("chain", "sequence"): _COUNT,
    ("plan_change", "units"): _between(-_MOST, _MOST, "a number of at most 62 bits"),
    ("reading", "month"): _anywhere(f"({_MONTH.condition} OR {{0}} = 0)", f"{_MONTH.wanted}, or 0,"),
}
_COUNTED_ON = (
    *("attempts", "offset", "line", "pending", "head_length", "marker_length", "changed_ns", "start", "stop", "length"),
    *("key", "number", "batch", "source", "series", "plan", "first_batch", "last_batch", "first_record", "records"),
    *("mirror_of", "after_reading", "count", "size", "form", "serial", "up_to_serial", "slot", "key_slot"),
)
"""Numbers that something is added to, or that name a row. Quantities may need every bit that there is."""
_BY_NAME = {"day": _DAY, "month": _MONTH, "booked_month": _MONTH} | dict.fromkeys(_COUNTED_ON, _COUNT)
_OF_ISSUERS = {
    "term_seconds": _between(1, LAST_INSTANT // 1000, "a number of seconds"),
    "grace_days": _between(0, 366, "a number of days, at most 366,"),
    "license_id": ColumnRule("length({0}) = 36 AND {0} GLOB '[0-9a-f]*-*-*-*-*'", "the id of a license"),
    "version_from": ColumnRule("({0} = '' OR {0} GLOB '*[0-9]*')", "a version"),
    "version_below": ColumnRule("({0} = '' OR {0} GLOB '*[0-9]*')", "a version"),
}


def rule_of(table: str, column: str, declared: str) -> ColumnRule | None:
    """What holds for each value of a column that is of its type, which is ``declared``; None where any may stand."""
    if (found := _OF_COLUMN.get((table, column))) is not None:
        return found
    if table.startswith("issuer_") and column in _OF_ISSUERS:
        return _OF_ISSUERS[column]
    is_instant = _IS_INSTANT.fullmatch(column) is not None
    if declared == "BOOLEAN":
        return _TRUTH
    if declared not in {"INTEGER", "BIGINT"}:
        return _WRITTEN_INSTANT if is_instant and declared != "BLOB" else None
    if is_instant:
        return _INSTANT
    return _BY_NAME.get(column)
