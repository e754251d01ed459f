"""Content keys: the issuer makes one for each sealing, keeps them, and gives them out inside licenses."""

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine, insert, select

from licensing.containers import ContainerType
from licensing.core.instants import iso, parse_instant, to_the_second
from licensing.db.database import reading, writing
from licensing.issuer.audit import note
from licensing.issuer.tables import ContentKeyRow as StoredKey
from licensing.sealing.folder import Progress, seal_into
from licensing.sealing.sealed import ContentKey


class KnownContentKey(NamedTuple):
    """A content key as it may be shown: never its secret."""

    key_id: str
    container_type: str
    created_at: str


class SealedFolder(NamedTuple):
    """A folder that was sealed: with which key, and how many files."""

    key_id: str
    files: int


def seal_folder(
    engine: Engine,
    source: Path,
    target: Path,
    *,
    kind: ContainerType,
    actor: str,
    now: datetime,
    progress: Progress | None = None,
) -> SealedFolder:
    """Seal every file below ``source`` into the new folder ``target``, with a new content key of ``kind``.

    The key is in the store before there is a folder that needs it: what is on the disk can always be opened. Raises
    ``BadCall`` for folders that are invalid, ``AzlicError`` where they cannot be read or written; then there is no
    folder.
    """
    key = ContentKey.new()
    with seal_into(source, target, key, progress) as files, writing(engine) as connection:
        connection.execute(
            insert(StoredKey).values(key_id=key.id, container_type=kind.name, secret=key.secret, created_at=iso(now))
        )
        note(connection, at=now, actor=actor, action="seal", subject=key.id, container=kind.name, files=files)
    return SealedFolder(key.id, files)


def list_content_keys(engine: Engine) -> list[KnownContentKey]:
    """Every content key there is, the newest last."""
    with reading(engine) as connection:
        found = connection.execute(
            select(StoredKey.key_id, StoredKey.container_type, StoredKey.created_at).order_by(
                StoredKey.created_at, StoredKey.key_id
            )
        )
        return [
            KnownContentKey(row.key_id, row.container_type, to_the_second(parse_instant(row.created_at)))
            for row in found
        ]
