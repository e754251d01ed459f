"""The page that says what a client may hold says what the limits are."""

from dataclasses import astuple
from pathlib import Path

import pytest

from engines.read import Limits
from engines.results.memory import MOST_BYTES
from engines.server.limits import ConnectionLimits

PAGE = (Path(__file__).parents[2] / "docs" / "serving.md").read_text()
LIMITS = Limits()


@pytest.mark.parametrize(
    "limit",
    [*astuple(ConnectionLimits()), LIMITS.documents, LIMITS.documents_bytes, LIMITS.body_bytes, MOST_BYTES],
)
def test_a_limit_is_documented(limit: float) -> None:
    assert f" {limit:.0f} " in PAGE


def test_all_documents_together_may_be_as_long_as_one() -> None:
    with pytest.raises(ValueError, match="may not be smaller than one"):
        Limits(documents_bytes=1)
