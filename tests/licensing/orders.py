"""Orders for a license, and servers that answer them as they are told."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fastapi import FastAPI, Response

from licensing.delivery.asking import ATTEMPT_TIMES
from licensing.delivery.downloading import AttemptTimes, Order, Slow, Waiting, download
from licensing.delivery.protocol import LICENSE_MEDIA_TYPE
from licensing.issuer.http import issuer_app
from licensing.issuer.issue import Issuer
from licensing.signing.document import LICENSE_TYPE
from licensing.signing.envelope import seal
from licensing.verdict.verdict import Verdict
from tests.serving import serving
from tests.site import Site, a_license

KEY = "5ec7e7" * 10


class Answers:
    """A license server that gives the answers it was told to, the last one for ever; ``asked`` counts."""

    def __init__(self, *answers: Response) -> None:
        self._answers = answers
        self.asked = 0

    def __call__(self) -> Response:
        self.asked += 1
        return self._answers[min(self.asked, len(self._answers)) - 1]

    @contextmanager
    def served(self) -> Iterator[str]:
        app = FastAPI()
        app.add_api_route("/plant-read/license", self, methods=["POST"], response_model=None)
        with serving(app) as url:
            yield f"{url}/plant-read"


@contextmanager
def real_issuer(site: Site, **settings: object) -> Iterator[str]:
    """The site's license server with settings of its own; gives the endpoint of ``plant-read``."""
    issuer = Issuer(site.issuer_store, site.signer, base_url="https://issuer.example")
    with serving(issuer_app(issuer, clock=site.clock), **settings) as url:  # type: ignore[arg-type]
        yield f"{url}/plant-read"


def an_order(endpoint: str, **changes: str) -> Order:
    fields = {"endpoint": endpoint, "api_key": KEY, "container_type": "read", "container_version": "3.2.0"}
    return Order(**(fields | changes))


def fetch(
    site: Site,
    order: Order,
    waiting: Waiting | None = None,
    *,
    slow: Slow | None = None,
    ca: Path | None = None,
    allow_plain_http: bool = False,
    times: AttemptTimes = ATTEMPT_TIMES,
) -> Verdict:
    return download(
        order,
        site.license,
        trust=site.trust,
        clock=site.clock,
        waiting=waiting,
        slow=slow,
        ca=ca,
        allow_plain_http=allow_plain_http,
        times=times,
    )


def sealed(site: Site, **changes: object) -> Response:
    return as_license(seal(a_license(**changes).to_bytes(), LICENSE_TYPE, site.signer))


def as_license(content: bytes) -> Response:
    return Response(content, media_type=LICENSE_MEDIA_TYPE)


def files(site: Site) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in site.license.iterdir()}
