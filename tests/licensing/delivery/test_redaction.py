"""The API key goes to the issuer, and nowhere else: no log, no error, no repr, no traceback."""

import logging
import subprocess
import sys
import traceback
from collections.abc import Iterator

import pytest
import stamina

from licensing.core.errors import AzlicError
from licensing.delivery.denial import Denial
from licensing.delivery.downloading import ATTEMPTS
from tests.certificates import HERE, PAST, Authority
from tests.licensing.orders import KEY, an_order, fetch, real_issuer
from tests.serving import answering
from tests.site import Site


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=ATTEMPTS):
        yield


@pytest.fixture
def everything(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Every logger there is at its most talkative, uvicorn's own level below DEBUG too."""
    caplog.set_level(1)
    named = [
        logging.getLogger(name) for name in ("httpx", "httpcore", "uvicorn", "uvicorn.error", "asyncio", "stamina")
    ]
    levels = [(logger, logger.level) for logger in named]
    for logger in named:
        logger.setLevel(1)
    yield caplog
    for logger, level in levels:
        logger.setLevel(level)


def said(caplog: pytest.LogCaptureFixture) -> str:
    return caplog.text + "".join(str(vars(record)) for record in caplog.records)


def test_neither_side_logs_the_key_of_a_download(site: Site, everything: pytest.LogCaptureFixture) -> None:
    site.add_resource()
    key = site.api_keys["plant-read"][0]
    with real_issuer(site, log_config=None, log_level=1) as endpoint:
        assert fetch(site, an_order(endpoint, api_key=key)).may_run
        for changes in ({"api_key": KEY}, {"api_key": key, "container_type": "speech-to-text"}):
            with pytest.raises(AzlicError):
                fetch(site, an_order(endpoint, **changes))
    loggers = {record.name for record in everything.records}
    assert {"httpcore.http11", "httpx", "uvicorn.error", "uvicorn.access"} <= loggers
    assert key not in said(everything) and KEY not in said(everything)


def test_a_store_that_fails_logs_no_key(site: Site, everything: pytest.LogCaptureFixture) -> None:
    site.add_resource()
    site.issuer_store.dispose()
    (site.folder / "issuer.db").write_bytes(b"no database" * 1000)
    with real_issuer(site, log_config=None, log_level=1) as endpoint, pytest.raises(AzlicError) as refused:
        fetch(site, an_order(endpoint))
    assert "azlic.issuer" in {record.name for record in everything.records}
    assert KEY not in said(everything) and "Traceback" not in everything.text
    assert str(site.folder) not in refused.value.message


@pytest.mark.parametrize("trouble", ["wrong CA", "expired", "no TLS", "broken off"])
def test_no_trouble_of_a_connection_tells_the_key(
    site: Site, everything: pytest.LogCaptureFixture, trouble: str
) -> None:
    authority = Authority(site.folder, "issuer-ca")
    other = Authority(site.folder, "other-ca")
    told: list[str] = []

    def waiting(denial: Denial, *_: object) -> None:
        told.append(repr(denial))

    def ask(endpoint: str) -> None:
        order = an_order(endpoint)
        with pytest.raises(AzlicError) as refused:
            fetch(site, order, waiting, ca=authority.path)
        told.extend([repr(order), repr(refused.value), refused.value.hint])
        told.extend(traceback.format_exception(refused.value))
        told.extend(repr(cause) for cause in (refused.value.__cause__, refused.value.__context__))

    if trouble == "broken off":
        with answering(lambda _: None) as url:
            ask(url)
    elif trouble == "no TLS":
        with real_issuer(site, log_config=None, log_level=1) as endpoint:
            ask(endpoint.replace("http:", "https:"))
    else:
        server = other.server(*HERE) if trouble == "wrong CA" else authority.server(*HERE, ends_at=PAST)
        with real_issuer(site, tls=server, log_config=None, log_level=1) as endpoint:
            ask(endpoint)
    assert told and KEY not in "".join(told) + said(everything)


BROKEN = """
import sys
import licensing.delivery.client
from azlic.__main__ import main

def explode(*_: object, **__: object) -> None:
    raise ZeroDivisionError("on purpose")

licensing.delivery.client.license_url = explode
sys.exit(main())
"""


def test_a_traceback_that_was_asked_for_shows_no_key(site: Site) -> None:
    (site.folder / "key1").write_text(KEY)
    words = ["download", "http://127.0.0.1:9/x", str(site.license), "--container", "read", "--image-version", "3.2.0"]
    command = [sys.executable, "-c", BROKEN, *words, "--api-key-file", str(site.folder / "key1")]
    environ = {"AZLIC_DEBUG": "1", "AZLIC_TRUST": str(site.trust.folder), "PATH": "/usr/bin:/bin"}
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert "ZeroDivisionError: on purpose" in ended.stderr and "Traceback" in ended.stderr
    assert KEY not in ended.stderr + ended.stdout
