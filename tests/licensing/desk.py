"""An issuer's desk and an enrolled site beside it, each with a key of its own."""

from datetime import datetime
from pathlib import Path
from typing import Any

from securesystemslib.signer import Signer

from licensing.delivery.denial import Denial
from licensing.delivery.request import REQUEST_TYPE, OfflineRequest, new_request
from licensing.issuer.desk import Answer, answer_request
from licensing.issuer.issue import Issuer
from licensing.issuer.sites import add_site
from licensing.signing.document import License, parse_license
from licensing.signing.envelope import VerifiedPayload, parse_envelope, seal
from licensing.signing.site_keys import PUBLIC, create_site_keys, site_signer
from tests.site import Site

NAME = "hall 7"
URL = "https://issuer.example"


class Desk:
    """The desk of an issuer with one approved resource, ``plant-read``, and one enrolled site, ``hall 7``."""

    def __init__(self, site: Site) -> None:
        self.site = site
        site.add_resource()
        self.issuer = Issuer(site.issuer_store, site.signer, base_url=URL)
        self.signer = self.enrol(NAME, "plant-read")

    def key(self, name: str) -> Path:
        """A new key pair of a site; gives its public half."""
        folder = self.site.folder / f"{name}-keys"
        create_site_keys(folder)
        return folder / PUBLIC

    def enrol(self, name: str, *resources: str) -> Signer:
        key = self.key(name)
        add_site(self.site.issuer_store, name, key, resources, now=self.site.now, actor="test")
        return site_signer(key.parent)

    def request(self, **changes: Any) -> OfflineRequest:
        fields: dict[str, Any] = {
            "site": NAME,
            "resource": "plant-read",
            "container_type": "read",
            "container_version": "3.2.0",
            "now": self.site.now,
        }
        return new_request(**(fields | changes))

    def sealed(self, request: OfflineRequest | None = None, signer: Signer | None = None) -> bytes:
        return seal((request or self.request()).to_bytes(), REQUEST_TYPE, signer or self.signer)

    def answer(self, content: bytes, now: datetime | None = None) -> Answer | Denial:
        return answer_request(self.site.issuer_store, self.issuer, content, now=now or self.site.now)

    def given(self, content: bytes) -> Answer:
        answer = self.answer(content)
        assert isinstance(answer, Answer), answer
        return answer

    def denied(self, content: bytes, now: datetime | None = None) -> str:
        """The denial's code and words."""
        answer = self.answer(content, now)
        assert isinstance(answer, Denial), answer
        return f"{answer.code}: {answer.detail}"

    def opened(self, content: bytes) -> License:
        """The license in an answer's bytes, its signature checked against the issuer's key."""
        trusted = [known.key for known in self.site.trust.load().keys]
        return parse_license(VerifiedPayload(parse_envelope(content), trusted).content)
