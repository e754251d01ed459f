"""Fixtures for all tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site in a folder of its own, on 2026-03-01 at 08:00 UTC."""
    site = Site(tmp_path)
    yield site
    site.close()
