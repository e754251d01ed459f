"""The container as a process of its own: killed at any moment, and behind TLS."""

import contextlib
import random
import signal
import ssl
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.certificates import Authority
from tests.engines.speech.process import Process, license_for_good, recorded, running
from tests.engines.speech.recordings import as_wav, recording, said, transcripts
from tests.engines.speech.wire import PATH, WAIT, Client, phrases
from tests.site import Site


@pytest.fixture
def licensed(site: Site) -> Site:
    return license_for_good(site)


@pytest.mark.long
def test_a_container_behind_tls_is_talked_to_over_wss(licensed: Site) -> None:
    authority = Authority(licensed.folder, "ca")
    certificate, key = authority.server("127.0.0.1")
    words = ("--tls-certificate", str(certificate), "--tls-key", str(key))
    with running(licensed, *words) as (process, address):
        assert address.startswith("wss://")
        context = ssl.create_default_context(cafile=authority.path)
        with connect(f"{address}{PATH.format(mode='interactive')}", ssl=context, open_timeout=WAIT) as socket:
            one = Client(socket)
            one.play(one.begin(), as_wav(said()))
            assert phrases(list(one.answers()))[0]["RecognitionStatus"] == "Success"
            process.send_signal(signal.SIGTERM)
            assert one.closed()[0] == 1012
        assert process.wait(WAIT) == 0


@pytest.mark.long
def test_a_container_that_is_killed_has_counted_every_second_that_it_delivered(licensed: Site) -> None:
    chance = random.Random(1)
    content = as_wav(recording("austen-0880.flac"))
    sounds = b"".join(as_wav(recording(name))[44:] + bytes(32_000) for name in transcripts())
    delivered = [0]
    for _ in range(5):
        with running(licensed) as (process, address):
            delivered.append(
                delivered[-1] + until_killed(process, address, content[:44] + sounds, chance.randrange(60))
            )
        assert Decimal(delivered[-1]) / 10**7 <= recorded(licensed.output)
    assert delivered[-1] > 0
    assert site_is_clean(licensed)


def until_killed(process: Process, address: str, content: bytes, after: int) -> int:
    """Kill the container after so many answers; the ticks of audio that were delivered."""
    ticks = 0
    with contextlib.suppress(ConnectionClosed), connect(f"{address}{PATH.format(mode='conversation')}") as socket:
        one = Client(socket)
        one.play(one.begin(), content, piece=100_000)
        for number, answer in enumerate(one.answers()):
            if number == after:
                process.kill()
            if answer.path == "speech.phrase" and answer.body["RecognitionStatus"] == "Success":
                ticks = answer.body["Offset"] + answer.body["Duration"]
    return ticks


def site_is_clean(site: Site) -> bool:
    return site.ingest(now=datetime(8999, 1, 1, tzinfo=UTC)).clean
