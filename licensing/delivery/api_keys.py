"""A resource's API keys as files: written once, for their owner alone, and read with a size cap."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from licensing.core.errors import AzlicError, BadCall
from licensing.core.files import FileTooLarge, make_folder, read_capped, unreadable, write_new

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


def write_api_key(folder: Path, slot: int, api_key: str) -> Path:
    """Write a key to its file, 0600. Raises ``AzlicError`` when it is there already or cannot be written."""
    path = api_key_file(folder, slot)
    write_new(path, api_key.encode() + b"\n", mode=0o600)
    return path


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
