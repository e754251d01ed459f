"""The checkpoint: three lines, one form."""

from datetime import timedelta

import pytest

from licensing.database import writing
from licensing.errors import BadCall
from tests.site import START
from tests.usage.mount import Mount
from usage.checkpoint import Checkpoint, origin_of


def test_a_checkpoint_is_three_lines() -> None:
    text = "hall-7/x\n12\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n"
    assert str(Checkpoint("hall-7/x", 12, b"\xab" * 32)) == text
    assert Checkpoint.parse(text) == Checkpoint("hall-7/x", 12, b"\xab" * 32)


@pytest.mark.parametrize(
    "text", ["", "a\n1\n", "a\n01\n" + "A" * 43 + "=\n", "a\nx\n" + "A" * 43 + "=\n", "a\n1\nAA==\n"]
)
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(BadCall, match="it is not a checkpoint of three lines"):
        Checkpoint.parse(text)


def test_a_ledger_has_one_origin_for_ever(mount: Mount) -> None:
    with writing(mount.ledger) as connection:
        first = origin_of(connection, site="hall-7", now=START)
    with writing(mount.ledger) as connection:
        assert origin_of(connection, site="renamed", now=START + timedelta(days=1)) == first
    assert first.startswith("hall-7/")
