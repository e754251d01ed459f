import base64
from pathlib import Path

import pytest

from licensing.core.errors import AzlicError
from licensing.db.database import reading, writing
from tests.usage.attacks import fill, taken
from tests.usage.mount import Mount
from usage.ledger.canonical import ORIGIN
from usage.ledger.checkpoints import BadCheckpoint, Checkpoint, origin_of, read_checkpoint, read_origin

HEAD = bytes(range(32))
TEXT = f"plant/1\n5\n{base64.b64encode(HEAD).decode()}\n"


def test_three_lines_are_written_and_read() -> None:
    assert str(Checkpoint("plant/1", 5, HEAD)) == TEXT
    assert Checkpoint.parse(TEXT) == Checkpoint.parse(TEXT.encode()) == Checkpoint("plant/1", 5, HEAD)


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT[:-1],
        TEXT + "\n",
        TEXT.replace("\n", "\r\n"),
        "\ufeff" + TEXT + "x",
        TEXT.replace("5", "05"),
        TEXT.replace("5", "-5"),
        TEXT.replace("5", "٥"),
        TEXT.replace("5", "9" * 16),
        TEXT.replace("5", "0"),
        TEXT.replace("plant/1", ""),
        TEXT.replace("plant/1", "plant 1"),
        TEXT.replace("plant/1", "\x1b[2J"),
        TEXT.replace("plant/1", "p" * 256),
        TEXT.replace("8=", "9="),
        TEXT.replace("=", ""),
        TEXT.replace("AAEC", "AA EC"),
        TEXT.replace("AAEC", "AA-C"),
        "a\n" * 600,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadCheckpoint):
        Checkpoint.parse(text)
    with pytest.raises(BadCheckpoint):
        Checkpoint.parse(b"\xff" + text.encode())


def test_a_ledger_has_one_name_for_ever(mount: Mount) -> None:
    fill(mount, batches=2)
    with reading(mount.ledger) as connection:
        assert read_origin(connection) is None
    first, second = taken(mount), taken(mount)
    assert first == second and first.size == 3, "the name is a batch of its own"
    assert first.origin.startswith("plant/")
    with writing(mount.ledger) as connection:
        assert origin_of(connection, site="other", now=mount.site.now) == first.origin


def test_the_checkpoint_of_an_empty_ledger_is_of_its_name_alone(mount: Mount) -> None:
    found = taken(mount)
    assert (found.size, found.head) != (0, ORIGIN) and Checkpoint.parse(str(found)) == found


@pytest.mark.parametrize("named", ["", "Werk 3 / Süd\n", "+", "x" * 300])
def test_any_site_gives_a_name_that_a_checkpoint_can_bear(mount: Mount, named: str) -> None:
    with writing(mount.ledger) as connection:
        name = origin_of(connection, site=named, now=mount.site.now)
    assert Checkpoint(name, 5, HEAD).origin == name


def test_a_file_without_one_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.txt"
    with pytest.raises(AzlicError, match="cannot be read"):
        read_checkpoint(path)
    for content, told in ((b"x" * 2000, "larger than 1,024"), (b"x", "does not have three lines")):
        path.write_bytes(content)
        with pytest.raises(AzlicError, match=told):
            read_checkpoint(path)
