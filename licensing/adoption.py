"""Adoption: the inventory of licenses that azlic cannot read, as their operator states them.

An entry is the license's place, its SHA-256 and size, and what was stated: the container, its image, the resource, when
it was downloaded, and when it ends. Nothing in the license is read. ``azlic verify`` holds the file against it.
"""

import os
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, delete

from licensing.containers import Image, container_of, container_type
from licensing.core.errors import AzlicError, BadCall, NoGoodLicense
from licensing.core.files import FileTooLarge, read_capped, unreadable
from licensing.core.instants import from_milliseconds, iso, milliseconds
from licensing.core.text import command_word
from licensing.db.inserts import upsert
from licensing.history.read import read_seen
from licensing.history.remember import advance
from licensing.history.tables import AdoptedLicenseRow
from licensing.verdict.seen import AdoptedLicense, WitnessKind
from licensing.verification.adopted import MAX_OPAQUE_BYTES, of_our_form
from licensing.verification.mounts import NoLicense, find_license, place_of

_LABEL_LENGTH = 200
_YEARS = range(1970, 9990)


class OperatorStatement(NamedTuple):
    """What the operator states of a license; what is None is not stated. ``expires_at`` is exclusive."""

    container: str
    expires_at: datetime
    image: str | None = None
    resource: str | None = None
    downloaded_at: datetime | None = None


class Adoption(NamedTuple):
    """A license that was adopted, at its place; and what was stated about that place before, if anything was."""

    place: str
    entry: AdoptedLicense
    before: AdoptedLicense | None

    @property
    def is_renewal(self) -> bool:
        """Whether another file was adopted in the earlier one's place."""
        return self.before is not None and self.before.digest != self.entry.digest


class FileState(StrEnum):
    """How the file at an adopted license's place compares with what was adopted."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    MISSING = "missing"
    UNREADABLE = "unreadable"


class Listed(NamedTuple):
    """An entry of the inventory, and how its file compares with it now."""

    place: str
    entry: AdoptedLicense
    file: FileState


def read_opaque(path: Path) -> tuple[str, bytes]:
    """The place and the bytes of a license that is to be adopted: a license folder's, or the file itself.

    Raises ``AzlicError`` where it cannot be read, ``NoGoodLicense`` where it is empty or larger than 1 MiB, and
    ``BadCall`` where it is a license of ours, which says itself what it is.
    """
    try:
        file = find_license(path)
        content = read_capped(file, MAX_OPAQUE_BYTES)
    except NoLicense as error:
        raise AzlicError(
            f"there is no license to adopt: {error}", hint="name the license folder, or license.dat"
        ) from error
    except FileTooLarge as error:
        raise NoGoodLicense(f"{error}, too large for a license", hint="copy the file again from its source") from error
    except OSError as error:
        raise unreadable(f"the license {path}", error) from error
    if not content:
        raise NoGoodLicense(f"{file} is empty, not a license", hint="copy the file again from its source")
    if of_our_form(content):
        raise BadCall(
            f"{file} is a license that azlic can read itself; only others can be adopted",
            hint=f"azlic verify {command_word(str(path))}",
        )
    return place_of(file), content


def check_statement(statement: OperatorStatement, *, now: datetime, yes: bool) -> OperatorStatement:
    """The statement as it is kept: names in their one form, instants to the millisecond, rounded down.

    Raises ``BadCall`` for invalid input, and for an end in the past unless ``yes`` says that it is.
    """
    kind = container_type(statement.container)
    image = Image.parse(statement.image) if statement.image else None
    known = container_of(image) if image else None
    if known is not None and known.name != kind.name:
        raise BadCall(f"{image} is an image of {known.name}, not of {kind.name}", hint=f"--container {known.name}")
    resource = _printable(statement.resource) if statement.resource is not None else None
    expires_at = _statable("--expires", statement.expires_at)
    downloaded_at = _statable("--downloaded", statement.downloaded_at) if statement.downloaded_at else None
    if downloaded_at is not None and downloaded_at >= min(expires_at, now):
        raise BadCall(
            f"the license cannot have been downloaded at {iso(downloaded_at)}",
            hint="the download time must be before now and before the license's end",
        )
    if expires_at <= now and not yes:
        raise BadCall(f"the end you state, {iso(expires_at)}, is in the past", hint="if that is right, add --yes")
    return OperatorStatement(kind.name, expires_at, str(image) if image else None, resource, downloaded_at)


def _statable(option: str, instant: datetime) -> datetime:
    if instant.year not in _YEARS:
        raise BadCall(f"{option} {iso(instant)} is invalid", hint="write 2027-01-01 or 2027-01-01T08:00:00Z")
    return from_milliseconds(milliseconds(instant))


def _printable(resource: str) -> str:
    if resource.isprintable() and 1 <= len(resource) <= _LABEL_LENGTH:
        return resource
    raise BadCall(
        "the license's resource is empty, too long, or contains unprintable characters",
        hint="give it a resource that is short and printable",
    )


def adopt(
    connection: Connection,
    path: Path,
    statement: OperatorStatement,
    *,
    now: datetime,
    stated_by: str,
    yes: bool = False,
) -> Adoption:
    """Enter an opaque license into the inventory, or what it was renewed to.

    One entry is kept for a place; stating the same again changes nothing. Where it says something else than before,
    ``yes`` must say that this is meant. The image and resource that were stated before stay where they are not stated
    anew, as long as the container is the same; so does the download, of the same file. ``now`` becomes a witness of
    time. Raises what ``read_opaque`` and ``check_statement`` do, and ``BadCall`` for a change that was not meant.
    """
    place, content = read_opaque(path)
    digest = sha256(content).digest()
    before = read_seen(connection).adopted.get(place)
    kept = check_statement(_with_earlier(statement, before, digest), now=now, yes=yes)
    entry = AdoptedLicense(
        digest=digest,
        size=len(content),
        container_type=kept.container,
        image=kept.image,
        resource=kept.resource,
        downloaded_at=kept.downloaded_at,
        expires_at=kept.expires_at,
        adopted_at=from_milliseconds(milliseconds(now)),
        stated_by=stated_by,
    )
    if before is not None and _says(before) == _says(entry):
        return Adoption(place, before, before)
    if before is not None and not yes:
        raise _other_than_before(place, before, entry)
    _keep(connection, place, entry)
    advance(connection, WitnessKind.EVALUATION, now, f"adopt {place}")
    return Adoption(place, entry, before)


def _with_earlier(statement: OperatorStatement, before: AdoptedLicense | None, digest: bytes) -> OperatorStatement:
    """The statement, and what was stated of the same container before and is not stated anew."""
    if before is None or before.container_type != container_type(statement.container).name:
        return statement
    return statement._replace(
        image=before.image if statement.image is None else statement.image,
        resource=before.resource if statement.resource is None else statement.resource,
        downloaded_at=statement.downloaded_at or (before.downloaded_at if before.digest == digest else None),
    )


def _says(entry: AdoptedLicense) -> AdoptedLicense:
    """An entry without when and by whom it was made."""
    return entry._replace(adopted_at=entry.expires_at, stated_by="")


def _other_than_before(place: str, before: AdoptedLicense, entry: AdoptedLicense) -> BadCall:
    at = f"{place} was adopted at {iso(before.adopted_at)}, with its end at {iso(before.expires_at)}"
    if before.digest != entry.digest:
        return BadCall(f"{at}, and has changed since", hint="if you renewed it, add --yes; if not, restore the file")
    return BadCall(f"{at}; you now state something else", hint="if that is intended, add --yes")


def _keep(connection: Connection, place: str, entry: AdoptedLicense) -> None:
    values = {
        "digest": entry.digest,
        "size": entry.size,
        "container_type": entry.container_type,
        "image": entry.image,
        "resource": entry.resource,
        "downloaded_at": None if entry.downloaded_at is None else milliseconds(entry.downloaded_at),
        "expires_at": milliseconds(entry.expires_at),
        "adopted_at": milliseconds(entry.adopted_at),
        "stated_by": entry.stated_by,
    }
    statement = upsert(connection, AdoptedLicenseRow).values(path=place, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["path"], set_=values))


def list_adopted(connection: Connection) -> list[Listed]:
    """The inventory, what ends first on top, each entry with the state of its file now. Nothing is written."""
    found = sorted(read_seen(connection).adopted.items(), key=lambda item: (item[1].expires_at, item[0]))
    return [Listed(place, entry, file_state(Path(place), entry)) for place, entry in found]


def file_state(file: Path, entry: AdoptedLicense) -> FileState:
    """How a file compares with what was adopted at its place."""
    try:
        same = sha256(read_capped(file, MAX_OPAQUE_BYTES)).digest() == entry.digest
    except FileNotFoundError:
        return FileState.MISSING
    except FileTooLarge:
        return FileState.CHANGED
    except OSError:
        return FileState.UNREADABLE
    return FileState.UNCHANGED if same else FileState.CHANGED


def remove(connection: Connection, path: Path) -> AdoptedLicense:
    """Take an entry out of the inventory; the file, which may be gone, stays as it is. Raises ``BadCall`` for none."""
    adopted = read_seen(connection).adopted
    file = os.path.join(os.path.realpath(path.parent), path.name)  # noqa: PTH118 - of one that is gone, whatever its name
    place = next((name for name in (place_of(path), file) if name in adopted), None)
    if place is None:
        raise BadCall(f"no license was adopted at {path}", hint="azlic adopted list")
    connection.execute(delete(AdoptedLicenseRow).where(AdoptedLicenseRow.path == place))
    return adopted[place]
