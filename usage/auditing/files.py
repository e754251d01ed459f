"""The source files, where they still lie there: they begin with the bytes that the batches took."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from licensing.core.text import printable
from licensing.db.database import reading
from licensing.db.names import file_name
from usage.auditing.faults import AuditCheck, Faults
from usage.auditing.rows import fetch
from usage.ledger.source_kinds import CHANGED_FILES, ON_DISK, SourceKind
from usage.records.usage_files import OpenFile, UnreadableFile

_TAKEN = f"""substr("file", 1, {len(SourceKind.RETRIED)}) != '{SourceKind.RETRIED}'"""
"""In SQL: the batch took bytes of its source; a line that was taken later than its file is none of them."""


_CHANGED = ", ".join(f"'{kind}'" for kind in CHANGED_FILES)


def check_files(engine: Engine, faults: Faults) -> tuple[int, int]:
    """9: read each file up to where its last batch stopped. How many were compared, and how many were not.

    A file that is gone is no fault: they are archived, and ingest reports one that vanished on its own. One that
    ingest found replaced, rewritten or cut off stays one, until somebody settled that finding.
    """
    looked = gone = 0
    last = f'SELECT "source", max("sequence") AS "last" FROM batch WHERE {_TAKEN} GROUP BY "source"'  # noqa: S608
    finding = (
        f'SELECT max(finding."key") FROM finding WHERE finding."kind" IN ({_CHANGED})'  # noqa: S608
        ' AND finding."source" = source."key" AND finding."found_at" >= source."vanished_at"'
        ' AND finding."settled_at" IS NULL'
    )
    query = (
        f'SELECT source."key", "path", "vanished_at", ({finding}), "sequence", batch."stop", batch."consumed"'  # noqa: S608
        f' FROM source JOIN ({last}) AS ends ON ends."source" = source."key" JOIN batch ON "sequence" = "last"'
        f' WHERE {ON_DISK} ORDER BY source."key"'
    )
    for key, path, vanished_at, changed, *end in _rows(engine, query):
        if vanished_at is not None and changed is None:
            gone += 1
            continue
        file = Path(file_name(path))
        try:
            fault = _fault(file, [tuple(end)])
            if fault:
                taken = f'SELECT "sequence", "stop", "consumed" FROM batch WHERE "source" = {key:d} AND {_TAKEN}'  # noqa: S608
                fault = _fault(file, _rows(engine, f'{taken} ORDER BY "sequence"')) or fault
        except FileNotFoundError:
            if changed is None:
                gone += 1
                continue
            fault = f"what batch {end[0]} took had been changed, and now the file is gone"
        except (UnreadableFile, TypeError, ValueError) as error:
            fault = f"it cannot be read: {error}"
        looked += 1
        if fault:
            told = f"; finding {changed} is open" if changed is not None else ""
            faults.add(AuditCheck.FILES, printable(file), f"{fault}{told}")
    return looked, gone


def _rows(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    with reading(engine) as connection:
        return fetch(connection, query)


def _fault(path: Path, batches: Sequence[tuple[Any, ...]]) -> str | None:
    """Hash a file once, and look at the digest where each batch stopped; the first that differs is reported."""
    digest, at = hashlib.sha256(), 0
    with OpenFile(path) as file:
        for sequence, stop, consumed in batches:
            for stretch in file.stretches(at, stop):
                digest.update(stretch)
                at += len(stretch)
            if at < stop:
                return f"batch {sequence} took it up to byte {stop}, and it ends at {at}"
            if digest.digest() != consumed:
                return f"what batch {sequence} took, up to byte {stop}, is no longer there"
    return None
