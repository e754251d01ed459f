"""Content that is no usage file as it stands, by how it begins: archives, encrypted files, other encodings."""

from pathlib import Path

_UTF_16 = (
    "it is UTF-16, not UTF-8: convert it beside (iconv -f UTF-16 -t UTF-8 OLD > NEW.jsonl), and settle its finding"
)
_ARCHIVE = "unpack it beside, and settle its finding"
_ENCRYPTED = "it is encrypted: decrypt it beside, and settle its finding"
_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xfe", _UTF_16),
    (b"\xfe\xff", _UTF_16),
    (b"{\0", _UTF_16),
    (b"\0{", _UTF_16),
    (b"PK\x03\x04", f"it is a zip archive: {_ARCHIVE}"),
    (b"7z\xbc\xaf\x27\x1c", f"it is a 7z archive: {_ARCHIVE}"),
    (b"Rar!", f"it is a rar archive: {_ARCHIVE}"),
    (b"\x04\x22\x4d\x18", "it is compressed with lz4: decompress it beside, and settle its finding"),
    (b"\x1f\x9d", "it is compressed with compress (.Z): decompress it beside, and settle its finding"),
    (b"LZIP", "it is compressed with lzip: decompress it beside, and settle its finding"),
    (b"\x89LZO", "it is compressed with lzop: decompress it beside, and settle its finding"),
    (b"age-encryption.org/", _ENCRYPTED),
    (b"-----BEGIN PGP", _ENCRYPTED),
    (b"Salted__", _ENCRYPTED),
)
_ENCRYPTED_NAMES = (".gpg", ".pgp", ".asc", ".age", ".enc", ".aes")
_TAR_AT = 257
_DATABASE = b"SQLite format 3\0"


def foreign(beginning: bytes) -> str | None:
    """What stands against reading a file that begins so, and what to do; None for one that may be read."""
    if beginning[_TAR_AT : _TAR_AT + 5] == b"ustar":
        return f"it is a tar archive: {_ARCHIVE}"
    return next((reason for magic, reason in _BEGINNINGS if beginning.startswith(magic)), None)


def encrypted_name(path: Path) -> str | None:
    """The same of a file whose name alone says that it is encrypted."""
    return _ENCRYPTED if path.suffix.lower() in _ENCRYPTED_NAMES else None


def is_database(beginning: bytes) -> bool:
    """Whether a file is a SQLite database, such as a ledger beside the output it was made from."""
    return beginning.startswith(_DATABASE)
