"""Fixtures for the tests of what was used."""

import pytest

from tests.site import Site
from tests.usage.mount import Mount


@pytest.fixture
def mount(site: Site) -> Mount:
    """The site's output mount, still empty."""
    return Mount(site)
