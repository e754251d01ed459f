"""The source files, where they still lie there: they begin with the bytes that the batches took."""

import hashlib
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from usage.audit_faults import Check, Faults, told
from usage.sources import OpenFile, UnreadableFile


def check_files(connection: Connection, faults: Faults) -> tuple[int, int]:
    """9: read each file up to where its last batch stopped. How many there were, and how many are not there any more.

    A file that is gone is no fault: they are archived, and ingest reports one that vanished on its own.
    """
    looked = gone = 0
    query = (
        'SELECT source."key", source."path", "sequence", batch."stop", batch."consumed"'
        ' FROM batch JOIN source ON source."key" = batch."source"'
        ' WHERE source."inode" != 0 AND source."vanished_at" IS NULL'
        """ AND substr(batch."file", 1, 11) != 'quarantine/' ORDER BY source."key", "sequence" """
    )
    rows: Any = connection.exec_driver_sql(query).cursor
    for (_, path), batches in groupby(rows, key=lambda row: row[:2]):
        try:
            _check_file(Path(path), batches, faults)
            looked += 1
        except FileNotFoundError:
            gone += 1
        except (UnreadableFile, TypeError, ValueError) as error:
            looked += 1
            faults.add(Check.FILES, told(path), f"it cannot be read: {error}")
    return looked, gone


def _check_file(path: Path, batches: Iterator[tuple[Any, ...]], faults: Faults) -> None:
    """Hash a file once, and look at the digest where each batch stopped; the first that differs is told."""
    digest, at = hashlib.sha256(), 0
    with OpenFile(path) as file:
        for *_, sequence, stop, consumed in batches:
            for stretch in file.stretches(at, stop):
                digest.update(stretch)
                at += len(stretch)
            if at < stop:
                faults.add(Check.FILES, told(path), f"batch {sequence} took it up to byte {stop}, and it ends at {at}")
                return
            if digest.digest() != consumed:
                faults.add(
                    Check.FILES, told(path), f"what batch {sequence} took, up to byte {stop}, is not there any more"
                )
                return
