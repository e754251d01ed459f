"""The file of an export: a ZIP whose members are stored as they are, so that the same members give the same bytes.

Reading it goes from the outside to the inside, and each step is taken before the next one is trusted:

1. form      a ZIP file of few members, none packed, none twice, none with a path; nothing before, between or behind
2. manifest  a DSSE envelope of the right type, no larger than it may be
3. signature one of the keys at hand has signed the bytes as received; a key in the file is never used
4. document  the signed bytes are a manifest that this version understands to the last field
5. members   their names, sizes and digests are those of the manifest; only then is any of them parsed
"""

import contextlib
import hashlib
import io
import struct
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

from securesystemslib.signer import Key

from licensing.core.files import open_regular, unreadable
from licensing.signing.envelope import MalformedEnvelope, UntrustedEnvelope, VerifiedPayload, parse_envelope
from usage.handover.errors import BadPackage, UnknownSigner
from usage.handover.manifest import EXPORT_TYPE, MAX_MANIFEST_BYTES, Manifest, Member, parse_manifest

MANIFEST = "manifest.json"
LINE_BYTES = 64 * 1024 * 1024
"""A batch holds what 4 MiB of lines held; its line here is of that order."""
DOCUMENT_BYTES = 512 * 1024 * 1024
_STRETCH = 1024 * 1024
_MAX_MEMBERS, _MAX_DIRECTORY = 16, 4096
_END, _END_64, _LOCATOR = struct.Struct("<4s4H2LH"), struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL")


class Writer:
    """Puts members into a new export, one after the other."""

    def __init__(self, file: BinaryIO) -> None:
        self._archive = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def add(self, name: str, pieces: Iterable[bytes]) -> Member:
        """Write a member; returns what the manifest says of it."""
        info = zipfile.ZipInfo(name)  # 1980-01-01, whatever the clock says
        info.create_system, info.external_attr = 3, 0o640 << 16
        digest, size = hashlib.sha256(), 0
        with self._archive.open(info, "w", force_zip64=True) as member:
            for piece in pieces:
                digest.update(piece)
                size += len(piece)
                member.write(piece)
        return Member(name=name, sha256=digest.hexdigest(), size=size)

    def finish(self, manifest: bytes) -> None:
        """Write the signed manifest and the directory."""
        self.add(MANIFEST, [manifest])
        self._archive.close()


class Package:
    """An export as received: its outer form has been checked, and nothing in it is trusted yet."""

    def __init__(self, file: BinaryIO) -> None:
        _check_end(file)
        try:
            self._archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError) as error:
            raise BadPackage("it is not a ZIP file as azlic export writes it") from error
        self._members = {info.filename: info for info in self._archive.infolist()}
        _check_places(self._archive, file)

    def manifest(self, keys: Sequence[Key]) -> tuple[Manifest, VerifiedPayload]:
        """Steps 2 to 4: the manifest, and the key that vouches for it. Raises ``BadPackage``."""
        try:
            envelope = parse_envelope(self.read(MANIFEST, MAX_MANIFEST_BYTES), limit=MAX_MANIFEST_BYTES)
        except MalformedEnvelope as error:
            raise BadPackage(f"its manifest is not a signed document: {error}") from error
        if envelope.payload_type != EXPORT_TYPE:
            raise BadPackage(f"it is a signed document of another type: {envelope.payload_type[:80]!r}")
        try:
            payload = VerifiedPayload(envelope, list(keys))
        except UntrustedEnvelope as error:
            names = ", ".join(key_id[:12] for key_id in envelope.signatures)
            raise UnknownSigner(f"it is not signed by any known key; it names key {names!r}") from error
        return parse_manifest(payload.content), payload

    def check_members(self, manifest: Manifest) -> None:
        """Step 5. Raises ``BadPackage`` naming the first member that is not what was signed."""
        if {member.name for member in manifest.members} | {MANIFEST} != set(self._members):
            raise BadPackage("it holds other files than its manifest names")
        for member in manifest.members:
            if self._members[member.name].file_size != member.size:
                raise BadPackage(f"{member.name} has another size than the manifest says")
        for member in manifest.members:
            with self._open(member.name) as content:
                if hashlib.file_digest(content, "sha256").hexdigest() != member.sha256:
                    raise BadPackage(f"{member.name} is not what was signed")

    def lines(self, name: str) -> Iterator[bytes]:
        """The lines of a member, without their newlines. Raises ``BadPackage`` for one that is too long or torn."""
        with self._open(name) as content:
            while line := content.readline(LINE_BYTES):
                if not line.endswith(b"\n"):
                    raise BadPackage(f"a line of {name} is too long, or torn")
                yield line[:-1]

    def read(self, name: str, limit: int = DOCUMENT_BYTES) -> bytes:
        """A whole member of at most ``limit`` bytes. Raises ``BadPackage``."""
        if name not in self._members:
            raise BadPackage(f"it holds no {name}")
        if self._members[name].file_size > limit:
            raise BadPackage(f"its {name} is larger than {limit} bytes")
        with self._open(name) as content:
            return content.read()

    @contextlib.contextmanager
    def _open(self, name: str) -> Iterator["io.BufferedReader[Any]"]:
        try:
            with self._archive.open(name) as member:
                yield io.BufferedReader(cast("Any", member), _STRETCH)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
            raise BadPackage(f"its {name} is damaged") from error


@contextlib.contextmanager
def open_package(path: Path) -> Iterator[Package]:
    """Step 1: an export at a path. Raises ``BadPackage``, or ``AzlicError`` where the file cannot be read."""
    try:
        with open_regular(path) as file:
            yield Package(file)
    except OSError as error:
        raise unreadable(f"the export {path}", error) from error


def _check_end(file: BinaryIO) -> None:
    """The directory's own words on its size, before anything is built from it: 22 bytes at the very end."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _END.size - _LOCATOR.size - _END_64.size))
    tail = file.read()
    if size < _END.size or tail[-_END.size :][:4] != b"PK\x05\x06":
        raise BadPackage("it is not a ZIP file, or it is cut off, or something follows its end")
    _, _, _, _, count, directory, _, _ = _END.unpack(tail[-_END.size :])
    if tail[-_END.size - _LOCATOR.size :][:4] == b"PK\x06\x07":
        if len(tail) < _END.size + _LOCATOR.size + _END_64.size or tail[:4] != b"PK\x06\x06":
            raise BadPackage("its directory is not where it should be")
        *_, count, directory, _ = _END_64.unpack(tail[: _END_64.size])
    if count > _MAX_MEMBERS or directory > _MAX_DIRECTORY:
        raise BadPackage("it contains more files than an export has")


def _check_places(archive: zipfile.ZipFile, file: BinaryIO) -> None:
    """Each member once, stored as it is, and all of them side by side from the first byte on."""
    names, place = set(), 0
    for info in archive.infolist():
        if info.filename in names or not info.filename.isascii() or set(info.filename) & set("/\\:\0"):
            raise BadPackage("one of its files is in it twice, or has a path")
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 0x1 or info.compress_size != info.file_size:
            raise BadPackage(f"{info.filename[:40]!r} in it is compressed or encrypted, which an export never is")
        if info.header_offset != place:
            raise BadPackage("something precedes or separates its files")
        file.seek(place + 26)
        head = file.read(4)
        place += 30 + sum(struct.unpack("<2H", head)) + info.file_size if len(head) == 4 else 0
        names.add(info.filename)
    if place != archive.start_dir:
        raise BadPackage("something follows its files")
