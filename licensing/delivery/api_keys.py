"""A resource's API keys as files: written once, for their owner alone, and read with a size cap."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from licensing.core.errors import AzlicError, BadCall
from licensing.core.files import FileTooLarge, make_folder, read_capped, sync_folder, unreadable, write_whole

MAX_API_KEY_BYTES = 4096
_STDIN = "-"


def api_key_file(folder: Path, slot: int) -> Path:
    """Where the key of a slot is."""
    return folder / f"key{slot}"


def prepare_folder(folder: Path, slots: Iterable[int]) -> None:
    """Make sure that keys can be written before any is made: one that cannot would be lost.

    Raises ``AzlicError`` when one of them is there already, which is never overwritten, or the folder is not writable.
    """
    make_folder(folder, "the key folder", "--keys-to", mode=0o700)
    for path in (api_key_file(folder, slot) for slot in slots):
        if os.path.lexists(path):
            raise AzlicError(
                f"{path} exists already",
                hint="a key is never overwritten; choose another folder with --keys-to, or move it away"
                " (azlic issuer resource key makes a new one)",
            )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise AzlicError(
            f"the key folder {folder} is not writable for user {os.geteuid()}",
            hint="choose another folder with --keys-to",
        )


def keep_api_key(folder: Path, slot: int, api_key: str) -> None:
    """Write a key beside its place, 0600, before the store knows it: the place is given to it once the store does."""
    write_whole(_beside(folder, slot), api_key.encode() + b"\n", mode=0o600)


def kept_api_key(folder: Path, slot: int) -> str | None:
    """The key that lies beside its place, of a run that broke off; None where there is none."""
    try:
        return read_capped(_beside(folder, slot), MAX_API_KEY_BYTES).decode().strip()
    except (OSError, ValueError):
        return None


def place_api_key(folder: Path, slot: int) -> Path:
    """Give a kept key its place. Raises ``AzlicError`` when another is there already, or it cannot be written."""
    path, beside = api_key_file(folder, slot), _beside(folder, slot)
    try:
        if not (path.exists() and path.samefile(beside)):
            os.link(beside, path)
        sync_folder(folder)
        beside.unlink()
    except FileExistsError as error:
        raise AzlicError(f"{path} exists already", hint="a key is never overwritten; move it away") from error
    except OSError as error:
        raise AzlicError(
            f"{path} could not be written: {error.strerror or error}",
            hint="the key is kept: run the same command again, once the folder can be written",
        ) from error
    return path


def _beside(folder: Path, slot: int) -> Path:
    return folder / f".key{slot}.new"


def read_api_key(file: str) -> str:
    """Read the key in a file; ``-`` is standard input. Blanks and line ends around it do not matter.

    Raises ``AzlicError`` for a file that cannot be read, and ``BadCall`` for one that holds no key. What it does hold
    is never repeated.
    """
    name = "standard input" if file == _STDIN else file
    try:
        content = _stdin() if file == _STDIN else read_capped(Path(file), MAX_API_KEY_BYTES)
    except FileTooLarge as error:
        raise _no_key(f"{name} is larger than any API key") from error
    except OSError as error:
        raise unreadable(f"the API key file {name}", error) from error
    key = content.strip()
    if not key:
        raise _no_key(f"{name} is empty, there is no API key in it")
    if not all(0x21 <= byte <= 0x7E for byte in key):
        raise _no_key(f"{name} does not contain an API key")
    return key.decode()


def _stdin() -> bytes:
    content = sys.stdin.buffer.read(MAX_API_KEY_BYTES + 1)
    if len(content) > MAX_API_KEY_BYTES:
        raise FileTooLarge(Path(_STDIN), MAX_API_KEY_BYTES)
    return content


def _no_key(message: str) -> BadCall:
    return BadCall(message, hint="name a file with one of the resource's two keys and nothing else, key1 for one")
