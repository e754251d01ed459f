"""The third walk, at a command line: a license that ends is told by mail, once per stage, until it is renewed."""

import socket
from asyncio import AbstractServer
from collections.abc import Coroutine, Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope

from tests.azlic.conftest import Answer, Cli, cli
from tests.frozen import clock_at
from tests.site import START, Site, a_license

__all__ = ["cli"]


class MailServer(Controller):
    """A mail server on a free port of the loopback interface."""

    def __init__(self, box: "Mailbox") -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        super().__init__(box, hostname="127.0.0.1", port=self._listening.getsockname()[1], ready_timeout=60)

    def _create_server(self) -> Coroutine[object, object, AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self._listening)


class Mailbox:
    """What a mail server took."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 OK"


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain", "html"))
    assert body is not None
    return str(body.get_content())


@pytest.fixture
def mailbox(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """A mail server on the loopback interface, to which the site's one channel sends."""
    box = Mailbox()
    server = MailServer(box)
    server.start()
    channels = site.folder / "channels.toml"
    channels.write_text(
        f'[mail]\napprise = "mailto://127.0.0.1:{server.port}?from=azlic@plant.example&to=ops@plant.example"\n'
    )
    channels.chmod(0o600)
    monkeypatch.setenv("AZLIC_LICENSES", str(site.license))
    monkeypatch.setenv("AZLIC_CHANNELS", str(channels))
    monkeypatch.setenv("AZLIC_SITE", "plant")
    yield box
    server.stop()


def test_a_license_that_ends_is_told_by_mail_once_per_stage_until_it_is_renewed(
    cli: Cli, site: Site, mailbox: Mailbox
) -> None:
    def on_day(number: int, *words: str) -> Answer:
        with clock_at(START + timedelta(days=number)):
            return cli(*words)

    def notified(number: int) -> int:
        """How many mails a day brings, whose timer fires twice."""
        before = len(mailbox.messages)
        for _ in range(2):
            answer = on_day(number, "notify")
            assert answer.status == 0, answer
        return len(mailbox.messages) - before

    (site.folder / "output").mkdir(exist_ok=True)
    assert on_day(0, "ingest", str(site.folder / "output")).status == 0
    site.install(a_license(expires_at=START + timedelta(days=60)))
    name = f"license-expiring:{site.license}"
    assert name in on_day(0, "alerts").out and on_day(0, "check").status == 1
    assert [notified(day) for day in (0, 1, 29)] == [1, 0, 0]
    assert [notified(day) for day in (30, 31)] == [1, 0], "30 days"
    assert on_day(31, "alerts", "ack", name, "--until", "2026-04-10").status == 0
    assert notified(32) == 0
    assert [notified(day) for day in (46, 47)] == [1, 0], "14 days: worse than what was taken note of"
    site.install(a_license(serial=2, expires_at=START + timedelta(days=400)))
    assert [notified(day) for day in (48, 49)] == [1, 0], "that it has ended is told once"
    assert "No alerts" in on_day(49, "alerts").out and on_day(49, "check").status == 0
    assert [notified(day) for day in (340, 341)] == [1, 0], "60 days before the end of the next"
    assert {(message["Subject"], message["To"]) for message in mailbox.messages} == {
        ("azlic plant: 1 warning", "ops@plant.example"),
        ("azlic plant: 1 ended", "ops@plant.example"),
    }
    assert all(str(site.license) in text_of(message) for message in mailbox.messages)
