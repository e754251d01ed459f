"""The source files, where they still lie there: they begin with the bytes that the batches took."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from licensing.core.text import printable
from licensing.db.database import reading
from usage.auditing.faults import AuditCheck, Faults
from usage.auditing.rows import fetch
from usage.ledger.source_kinds import ON_DISK, SourceKind
from usage.records.usage_files import OpenFile, UnreadableFile

_TAKEN = f"""substr("file", 1, {len(SourceKind.RETRIED)}) != '{SourceKind.RETRIED}'"""
"""In SQL: the batch took bytes of its source; a line that was taken later than its file is none of them."""


def check_files(engine: Engine, faults: Faults) -> tuple[int, int]:
    """9: read each file up to where its last batch stopped. How many there were, and how many are not there any more.

    A file that is gone is no fault: they are archived, and ingest reports one that vanished on its own.
    """
    looked = gone = 0
    last = f'SELECT "source", max("sequence") AS "last" FROM batch WHERE {_TAKEN} GROUP BY "source"'  # noqa: S608
    query = (
        'SELECT "key", "path", "sequence", batch."stop", batch."consumed" FROM source'  # noqa: S608
        f' JOIN ({last}) AS ends ON ends."source" = "key" JOIN batch ON "sequence" = "last"'
        f' WHERE {ON_DISK} AND "vanished_at" IS NULL ORDER BY "key"'
    )
    for key, path, *end in _rows(engine, query):
        try:
            fault = _fault(Path(path), [tuple(end)])
            if fault:
                taken = f'SELECT "sequence", "stop", "consumed" FROM batch WHERE "source" = {key:d} AND {_TAKEN}'  # noqa: S608
                fault = _fault(Path(path), _rows(engine, f'{taken} ORDER BY "sequence"')) or fault
        except FileNotFoundError:
            gone += 1
            continue
        except (UnreadableFile, TypeError, ValueError) as error:
            fault = f"it cannot be read: {error}"
        looked += 1
        if fault:
            faults.add(AuditCheck.FILES, printable(path), fault)
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
