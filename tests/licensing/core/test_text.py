"""Names in commands and on the screen."""

import os
import subprocess

from hypothesis import given
from hypothesis import strategies as st

from licensing.core.text import command_word, name_word, printable

NAMES = st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name).map(os.fsdecode)


@given(st.lists(NAMES, min_size=1, max_size=20))
def test_every_name_reaches_the_command_as_it_is(names: list[str]) -> None:
    paths = [f"/x/{name}" for name in names]
    script = "printf '%s\\0' " + " ".join([*map(command_word, paths), *map(name_word, names)])
    told = subprocess.run(["sh", "-c", os.fsencode(script)], capture_output=True, check=True).stdout
    assert told == b"".join(os.fsencode(word) + b"\0" for word in (*paths, *names))


@given(NAMES)
def test_nothing_a_terminal_would_obey_is_printed(name: str) -> None:
    assert printable(name).isprintable()
    assert command_word(name).replace("\n", "").isprintable()


def test_a_plain_name_stays_as_it_is() -> None:
    assert (printable("/license/ä b"), command_word("/license")) == ("/license/ä b", "/license")
    assert command_word("/a b") == "'/a b'"
    assert (command_word("-rf"), command_word("license/a")) == ("./-rf", "license/a")


def test_an_escape_sequence_is_told_in_octal() -> None:
    assert command_word("/a\x1b[2J") == "\"$(printf '/a\\033\\133" + "2J')\""
    assert printable("a\x1b\nb\u202e") == "a\\x1b\\nb\\u202e"
