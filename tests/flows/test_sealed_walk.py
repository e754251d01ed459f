"""An image's models from sealing to opening: the key travels only inside the license that the issuer gave."""

from pathlib import Path

import pytest

from engines.models import Models
from licensing.containers import READ
from licensing.core.errors import NoGoodLicense
from licensing.issuer.content_keys import seal_folder
from tests.site import OPERATOR, Site

NAME = "eng.traineddata"


def sealed(site: Site, name: str, content: bytes) -> Path:
    """An image's models, sealed by the issuer under a new key."""
    folder, target = site.folder / name, site.folder / f"{name}-sealed"
    folder.mkdir()
    (folder / NAME).write_bytes(content)
    seal_folder(site.issuer_store, folder, target, kind=READ, actor=OPERATOR, now=site.now)
    return target


def opened(site: Site, folder: Path) -> bytes:
    with Models(folder, site.verify().license).in_the_clear([NAME]) as clear:
        return (clear / NAME).read_bytes()


def test_a_downloaded_license_opens_the_image_it_was_downloaded_for_and_every_one_before(site: Site) -> None:
    site.add_resource()
    first = sealed(site, "first", b"English, 2026")
    with site.license_server() as server:
        site.download(server)
        assert opened(site, first) == b"English, 2026"
        second = sealed(site, "second", b"English, 2027")
        with pytest.raises(NoGoodLicense) as refused:
            opened(site, second)
        assert refused.value.hint == "pulled a new image? download a new license"
        site.download(server)
    assert (opened(site, first), opened(site, second)) == (b"English, 2026", b"English, 2027")


def test_no_key_is_shown_by_a_license_that_carries_it(site: Site) -> None:
    site.add_resource()
    sealed(site, "models", b"x")
    with site.license_server() as server:
        verdict = site.download(server)
    assert verdict.license is not None
    ((_, secret),) = verdict.license.content_keys.items()
    assert secret not in repr(verdict)
