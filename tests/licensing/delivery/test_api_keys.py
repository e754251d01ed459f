import io
import os
from pathlib import Path

import pytest

from licensing.core.errors import AzlicError, BadCall
from licensing.delivery.api_keys import (
    MAX_API_KEY_BYTES,
    keep_api_key,
    kept_api_key,
    place_api_key,
    prepare_folder,
    read_api_key,
)


def a_file(folder: Path, content: bytes) -> str:
    (folder / "key1").write_bytes(content)
    return str(folder / "key1")


@pytest.mark.parametrize("content", [b"abc123", b"abc123\n", b"  abc123\r\n"])
def test_a_key_is_read_without_what_is_around_it(tmp_path: Path, content: bytes) -> None:
    assert read_api_key(a_file(tmp_path, content)) == "abc123"


def test_a_key_may_come_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"abc123\n")))
    assert read_api_key("-") == "abc123"


NO_KEY = {
    "nothing": (b"", "is empty"),
    "blanks": (b" \n", "is empty"),
    "a binary file": (bytes(range(256)), "does not contain an API key"),
    "another language": ("schlüssel".encode(), "does not contain an API key"),
    "two keys": (b"abc123\nabc456\n", "does not contain an API key"),
    "something huge": (b"a" * (MAX_API_KEY_BYTES + 1), "larger than any API key"),
}


@pytest.mark.parametrize("case", NO_KEY)
def test_what_is_no_key_is_said_and_never_repeated(tmp_path: Path, case: str) -> None:
    content, words = NO_KEY[case]
    with pytest.raises(BadCall, match=words) as refused:
        read_api_key(a_file(tmp_path, content))
    assert refused.value.hint and "abc" not in str(refused.value)


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda _: None], ids=["a folder", "a named pipe", "nothing"])
def test_what_cannot_be_read_is_named(tmp_path: Path, make: object) -> None:
    assert callable(make)
    make(tmp_path / "key1")
    with pytest.raises(AzlicError, match=r"the API key file .*key1 cannot be read: "):
        read_api_key(str(tmp_path / "key1"))


def written(folder: Path, key: str) -> Path:
    keep_api_key(folder, 1, key)
    assert kept_api_key(folder, 1) == key
    return place_api_key(folder, 1)


def test_a_key_is_written_once(tmp_path: Path) -> None:
    prepare_folder(tmp_path / "keys", [1, 2])
    path = written(tmp_path / "keys", "abc")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("abc\n", 0o600)
    for again in (lambda: prepare_folder(tmp_path / "keys", [1]), lambda: written(tmp_path / "keys", "xyz")):
        with pytest.raises(AzlicError, match="exists already"):
            again()
    assert path.read_text() == "abc\n"
