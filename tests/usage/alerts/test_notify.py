"""Telling: once per stage and channel, remembered, tried again; a month of days in a row."""

import json
import stat
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import stamina
from sqlalchemy import update

from licensing.core.errors import BadCall
from licensing.db.database import writing
from licensing.db.readonly import readonly_connection
from licensing.verdict.seen import Seen
from licensing.verdict.verdict import Verdict
from licensing.verification import verify
from tests.site import START, Site, a_license, a_plan
from tests.usage.alerts.states import NOON
from tests.usage.commitments import day
from tests.usage.lines import a_line
from tests.usage.mount import Mount, rows
from usage.alerts.acknowledgements import WatchedAlert, read_acknowledgements, with_acknowledgements
from usage.alerts.alert import Alert, EndedAlert, Severity
from usage.alerts.channels.alertmanager import HOLD
from usage.alerts.channels.channel import ChannelFailed
from usage.alerts.channels.configured import read_channels
from usage.alerts.conditions.all import alerts_of
from usage.alerts.gather.state import site_state
from usage.alerts.message import Message
from usage.alerts.notify import deliver, notify_channels
from usage.alerts.rules import Rules
from usage.alerts.state import State
from usage.alerts.store import acknowledge
from usage.ledger.tables.alerts import NoticeRow, ToldAlertRow


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


class Diary:
    """A channel that keeps what it was told, and fails on demand."""

    repeats = False

    def __init__(self, site: Site, name: str = "diary") -> None:
        self.name = name
        self.site = site
        self.entries: list[str] = []
        self.down = False
        self.tried = 0

    def send(self, message: Message) -> None:
        self.tried += 1
        if self.down:
            raise ChannelFailed("nobody is there")
        self.entries += [f"{message.as_of:%m-%d} {alert.kind} {alert.stage}" for alert in message.alerts]


class Desk:
    """A site whose alerts are told."""

    def __init__(self, site: Site, *channels: Diary) -> None:
        self.site = site
        self.channels = channels

    def look(self) -> tuple[State, tuple[WatchedAlert, ...]]:
        site = self.site
        database = str(site.folder / "azlic.db")

        def examine(path: Path, seen: Seen) -> Verdict:
            return verify(path, trust=site.trust, as_of=site.now, seen=seen)

        state = site_state([site.license], examine, trust=site.trust, database=database, now=site.now)
        with readonly_connection(database) as connection:
            known = read_acknowledgements(connection) if connection else {}
        return state, with_acknowledgements(alerts_of(state, Rules()), known, site.now)

    def notify(self) -> dict[str, str]:
        return notify_channels(self.site.ledger, self.channels, self.look, site="plant").failed


MARCH = [
    "02-28 license-expiring 60 days",
    "03-02 license-expiring 30 days",
    "03-04 quarantine 1 or more",
    "03-06 month-close-pending 1 month",
    "03-07 commitment-running-out within 60 days",
    "03-12 commitment-used 50 %",
    "03-18 license-expiring 14 days",
    "03-18 commitment-used 75 %",
    "03-22 commitment-used 90 %",
    "03-24 commitment-used 100 %",
    "03-25 license-expiring 7 days",
    "03-28 container-silent silent",
    "03-31 license-expiring 1 day",
    "04-01 license-expired ended",
    "04-06 month-close-pending 2 months",
]


def test_a_month_of_days_tells_exactly_what_happened_and_nothing_twice(mount: Mount) -> None:
    """A license ends on 1 April; 4 of 100 are used a day from 28 February to 26 March; a line is torn on 4 March."""
    site = mount.site
    site.now = START - timedelta(days=1)
    site.install(a_license(issued_at=site.now, not_before=site.now, expires_at=day("2026-04-01")))
    site.enter_plan(a_plan(quota={"quantity": 100, "unit": "Transaction"}))
    diary = Diary(site)
    desk = Desk(site, diary)
    for number in range(40):
        if number < 27:
            lines = [a_line(f"day-{number}", 4, at=site.now)]
            mount.append([*lines, *([b"torn"] if number == 4 else [])], f"usage-{site.now:%Y-%m-%d}.jsonl")
        site.ingest()
        for _ in range(3):  # a timer fires more often than things happen
            assert desk.notify() == {}
            site.sleep(minutes=1)
        site.sleep(hours=24, minutes=-3)
    assert diary.entries == MARCH


def test_what_failed_is_tried_again_and_told_to_the_others_at_once(site: Site) -> None:
    diary, mail = Diary(site), Diary(site, "mail")
    mail.down = True
    desk = Desk(site, mail, diary)
    assert desk.notify() == {"mail": "nobody is there"}
    assert mail.tried == 3
    assert diary.entries == ["03-01 license-missing missing", "03-01 channel-failing failing"]
    site.sleep(hours=1)
    desk.notify()
    assert len(diary.entries) == 2 and not mail.entries
    mail.down = False
    site.sleep(hours=1)
    assert desk.notify() == {}
    assert mail.entries == ["03-01 license-missing missing"]
    site.sleep(hours=1)
    desk.notify()
    assert [row.alert for row in rows(site.ledger, NoticeRow) if "channel" in row.alert] == []
    mail.down = True
    (site.license / "license.dat").write_bytes(b'{"payload')
    desk.notify()
    assert diary.entries[2:] == ["03-01 license-invalid malformed", "03-01 channel-failing failing"]


def test_what_came_again_is_told_again(site: Site) -> None:
    diary = Diary(site)
    desk = Desk(site, diary)
    for _ in range(2):
        desk.notify()
        target = site.install()
        desk.notify()
        target.unlink()
        site.sleep(hours=1)
    assert diary.entries == ["03-01 license-missing missing"] * 2


def test_what_was_taken_note_of_is_not_told_until_its_date(site: Site) -> None:
    diary = Diary(site)
    desk = Desk(site, diary)
    desk.notify()
    alert = desk.look()[1][0].alert
    acknowledge(site.ledger, alert, until=START + timedelta(days=2), now=START, by="me")
    for _ in range(4):
        desk.notify()
        site.sleep(days=1)
    assert diary.entries == ["03-01 license-missing missing", "03-03 license-missing missing"]


def test_two_who_run_at_once_tell_it_once_and_one_that_died_is_made_up_for(site: Site) -> None:
    diary = Diary(site)
    desk = Desk(site, diary)
    desk.notify()
    with writing(site.ledger) as connection:
        connection.execute(update(NoticeRow).values(sent_at=None))  # as another run leaves it while it sends
    site.sleep(minutes=9, seconds=59)
    desk.notify()
    assert len(diary.entries) == 1
    site.sleep(seconds=1)
    desk.notify()
    assert len(diary.entries) == 2


class Received(BaseHTTPRequestHandler):
    """An intranet server that keeps what is posted to it."""

    posts: list[tuple[str, Any]]
    status: int

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.posts.append((self.path, json.loads(body)))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[tuple[str, type[Received]]]:
    handler = type("Handler", (Received,), {"posts": [], "status": 200})
    with HTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{http.server_port}", handler
        http.shutdown()
        thread.join()


ALERT = Alert(
    "license-expired:/license", Severity.CRITICAL, 1, "ended", NOON, "/license", "The license ended.", "Renew it."
)
MESSAGE = Message("plant", NOON, (ALERT,), (ALERT,))


def channels(folder: Path, text: str) -> Any:
    path = folder / "channels.toml"
    path.write_text(text)
    path.chmod(0o600)
    return read_channels(path)


def test_an_alertmanager_gets_all_present_alerts_by_api_v2(tmp_path: Path, server: tuple[str, type[Received]]) -> None:
    address, received = server
    (channel,) = channels(tmp_path, f'[am]\nalertmanager = "http://{address}/prefix/"\n')
    assert deliver(channel, MESSAGE._replace(alerts=())) is None
    ((path, (posted,)),) = received.posts
    assert path == "/prefix/api/v2/alerts"
    assert posted["labels"] == {
        "alertname": "AzlicLicenseExpired",
        "id": "license-expired:/license",
        "severity": "critical",
        "site": "plant",
    }
    assert datetime.fromisoformat(posted["endsAt"]) == NOON + HOLD
    assert datetime.fromisoformat(posted["startsAt"]) == NOON


def test_an_alertmanager_that_is_down_or_refuses_is_a_failure(
    tmp_path: Path, server: tuple[str, type[Received]]
) -> None:
    address, received = server
    received.status = 503
    (channel,) = channels(tmp_path, f'[am]\nalertmanager = "http://user:secret@{address}"\n')
    assert deliver(channel, MESSAGE) == "Alertmanager answered with status 503"
    assert len(received.posts) == 3
    (closed,) = channels(tmp_path, '[am]\nalertmanager = "http://user:secret@127.0.0.1:1"\n')
    assert deliver(closed, MESSAGE) == "Alertmanager could not be reached (ConnectError)"


def test_a_webhook_is_told_through_apprise(tmp_path: Path, server: tuple[str, type[Received]]) -> None:
    address, received = server
    (channel,) = channels(tmp_path, f'[hook]\napprise = "json://{address}/path"\n')
    assert deliver(channel, MESSAGE) is None
    ((path, posted),) = received.posts
    assert path == "/path" and posted["title"] == "azlic plant: 1 critical" and "Renew it." in posted["message"]
    received.status = 500
    assert deliver(channel, MESSAGE) == "Apprise could not deliver it"


def test_a_command_reads_the_message_on_its_stdin(tmp_path: Path) -> None:
    script = tmp_path / "page"
    script.write_text(f"#!/bin/sh\ncat > {tmp_path}/got.json\n")
    script.chmod(stat.S_IRWXU)
    (channel,) = channels(tmp_path, f'[pager]\ncommand = ["{script}", "; touch {tmp_path}/shell"]\n')
    assert deliver(channel, MESSAGE) is None
    got = json.loads((tmp_path / "got.json").read_text())
    assert (got["schema"], got["alerts"][0]["id"]) == ("azlic.notice/v1", "license-expired:/license")
    assert not (tmp_path / "shell").exists()


@pytest.mark.parametrize(
    ("command", "why"),
    [("false", "the command ended with status 1"), ("/nowhere", "the command could not be run: No such file or direc")],
)
def test_a_command_that_fails_says_how(tmp_path: Path, command: str, why: str) -> None:
    (channel,) = channels(tmp_path, f'[pager]\ncommand = ["{command}"]\n')
    assert str(deliver(channel, MESSAGE)).startswith(why)


@pytest.mark.parametrize(
    "text",
    [
        '[mail]\napprise = "nonsense-secret"',
        '[mail]\nalertmanager = "ftp://secret"',
        '[mail]\npigeon = "secret"',
        '[mail]\ncommand = "secret"',
        'mail = "secret"',
        "[mail]\napprise = secret",
    ],
)
def test_what_is_no_channel_is_refused_without_its_secret(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadCall) as refused:
        channels(tmp_path, text)
    assert "secret" not in refused.value.message


@pytest.mark.parametrize("mode", [0o644, 0o620, 0o604])
def test_a_file_of_channels_that_others_may_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "channels.toml"
    path.write_text('[mail]\ncommand = ["true"]\n')
    path.chmod(mode)
    with pytest.raises(BadCall, match="others may read or change"):
        read_channels(path)


def ends_of(diary: "Endings") -> list[str]:
    return [f"{one.kind} {one.severity.word}" for message in diary.messages for one in message.ended]


class Endings(Diary):
    """A channel that keeps whole messages."""

    def __init__(self, site: Site, name: str = "endings") -> None:
        super().__init__(site, name)
        self.messages: list[Message] = []

    def send(self, message: Message) -> None:
        super().send(message)
        self.messages.append(message)


def test_who_was_told_of_an_alert_is_told_once_that_it_ended(site: Site) -> None:
    diary, other = Endings(site), Endings(site, "other")
    desk = Desk(site, diary)
    desk.notify()
    desk.channels = (diary, other)
    other.down = True
    site.sleep(hours=1)
    desk.notify()
    site.install()
    for _ in range(3):
        site.sleep(hours=1)
        desk.notify()
    assert ends_of(diary)[:1] == ["license-missing critical"]
    assert ends_of(diary).count("license-missing critical") == 1
    assert ends_of(other) == []  # it was never told that there was one
    (ended,) = [one for message in diary.messages for one in message.ended if one.kind == "license-missing"]
    assert (ended.since, ended.ended_at) == (START, START + timedelta(hours=2))


def test_an_end_is_tried_again_until_it_is_taken_and_the_channel_is_an_alert_meanwhile(site: Site) -> None:
    diary, other = Endings(site), Endings(site, "other")
    desk = Desk(site, diary, other)
    desk.notify()
    site.install()
    diary.down = True
    for _ in range(2):
        site.sleep(hours=1)
        assert desk.notify() == {"endings": "nobody is there"}
    assert "03-01 channel-failing failing" in other.entries
    diary.down = False
    site.sleep(hours=1)
    assert desk.notify() == {}
    assert ends_of(diary) == ["license-missing critical"]
    site.sleep(hours=1)
    desk.notify()
    assert ends_of(other) == ["license-missing critical", "channel-failing warning"]
    assert list(rows(site.ledger, ToldAlertRow)) == []


def test_what_came_back_before_its_end_was_told_has_not_ended(site: Site) -> None:
    diary = Endings(site)
    desk = Desk(site, diary)
    desk.notify()
    target = site.install()
    diary.down = True
    desk.notify()
    target.unlink()
    diary.down = False
    site.sleep(hours=1)
    desk.notify()
    assert ends_of(diary) == []


def test_what_was_taken_note_of_is_told_to_have_ended_too(site: Site) -> None:
    diary = Endings(site)
    desk = Desk(site, diary)
    desk.notify()
    acknowledge(site.ledger, desk.look()[1][0].alert, until=START + timedelta(days=9), now=START, by="me")
    site.install()
    site.sleep(hours=1)
    desk.notify()
    assert ends_of(diary) == ["license-missing critical"]


ENDED = MESSAGE._replace(
    alerts=(), present=(), ended=(EndedAlert(ALERT.id, ALERT.severity, NOON, NOON + timedelta(hours=1)),)
)


def test_an_alertmanager_is_told_when_an_alert_ended(tmp_path: Path, server: tuple[str, type[Received]]) -> None:
    address, received = server
    (channel,) = channels(tmp_path, f'[am]\nalertmanager = "http://{address}"\n')
    assert (deliver(channel, MESSAGE), deliver(channel, ENDED)) == (None, None)
    ((_, (began,)), (_, (ended,))) = received.posts
    assert ended["labels"] == began["labels"]
    assert datetime.fromisoformat(ended["endsAt"]) == NOON + timedelta(hours=1)


def test_the_other_channels_read_a_line(tmp_path: Path, server: tuple[str, type[Received]]) -> None:
    address, received = server
    (hook,) = channels(tmp_path, f'[hook]\napprise = "json://{address}/path"\n')
    assert deliver(hook, ENDED) is None
    ((_, posted),) = received.posts
    assert posted["title"] == "azlic plant: 1 ended" and posted["type"] == "success"
    assert posted["message"].startswith("ENDED license-expired:/license (since 2026-06-01")
    (pager,) = channels(tmp_path, f'[pager]\ncommand = ["/bin/sh", "-c", "cat > {tmp_path}/got.json"]\n')
    assert deliver(pager, ENDED) is None
    assert json.loads((tmp_path / "got.json").read_text())["ended"][0]["id"] == ALERT.id
