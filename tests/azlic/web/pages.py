"""A site whose page is served on a loopback port, in a test's hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from azlic.commands.serve import _site
from azlic.settings import load_settings
from azlic.web.access import Doors
from azlic.web.app import site_app
from azlic.web.site import WatchedSite
from tests.serving import serving
from tests.site import Site


def watched_site(site: Site, *paths: Path) -> WatchedSite:
    """What `azlic serve` would look at, with the site's clock."""
    assert site.ledger
    settings = load_settings({"AZLIC_CONFIG": str(_empty(site.folder / "page.toml"))})
    settings = settings._replace(licenses=paths or (site.license,))
    seen = _site(settings, site.trust.folder, str(site.folder / "azlic.db"), site.clock)
    return replace(seen, name="plant-7")


@contextmanager
def page_of(site: Site, *paths: Path, doors: Doors | None = None) -> Iterator[str]:
    """The page of a site: its address."""
    seen = watched_site(site, *paths)
    try:
        with serving(site_app(seen, doors or Doors(clock=site.clock)), proxy_headers=False) as url:
            yield url
    finally:
        seen.ledger.dispose()


def _empty(path: Path) -> Path:
    path.touch()
    return path
