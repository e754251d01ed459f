"""An alert of every kind about what has a hostile name, through every way that alerts leave by."""

import json
import socket
from email import message_from_bytes, policy
from pathlib import Path

import pytest
import stamina
from aiosmtpd.smtp import Envelope
from icalendar import Calendar

from azlic.monitoring.metrics import metrics_text
from azlic.monitoring.plugin import check_line, unknown_line
from azlic.render.alerts import alerts_text
from licensing.verdict.seen import Strike, Witness, WitnessKind
from licensing.verdict.verdict import Status
from tests.azlic.hostile import NAME, TEXT, leaks
from tests.flows.test_alert_to_mail import MailServer
from tests.serving import answering
from tests.usage.alerts.states import NOON, a_fact, a_plan_fact, a_state, a_usage
from usage.alerts.acknowledgements import WatchedAlert
from usage.alerts.alert import Alert, EndedAlert
from usage.alerts.calendar import calendar_file, list_renewals
from usage.alerts.channels.channel import Channel
from usage.alerts.channels.configured import read_channels
from usage.alerts.conditions.all import alerts_of
from usage.alerts.conditions.records import DOUBTS
from usage.alerts.message import Message
from usage.alerts.notify import deliver
from usage.alerts.rules import Rules
from usage.alerts.state import (
    ChannelFact,
    Disk,
    HandingFact,
    HandOver,
    LedgerProgress,
    RefusedLicense,
    State,
    TrustFact,
    UnreadableLedger,
)
from usage.ledger.last_audit import LastAudit
from usage.months import Month
from usage.reporting.activity import Activity, ContainerActivity
from usage.reporting.quality import Doubt
from usage.reporting.snapshot import MeterTotal

REFUSED = [
    one for one in Status if one.value in ("malformed", "untrusted", "revoked", "missing", "wrong-container", "changed")
]


def hostile_state() -> State:
    """A state in which whatever has a name has a hostile one, and everything is wrong."""
    long_ago = NOON.replace(year=2024)
    silent = ContainerActivity(NAME, NAME, NAME, long_ago, 400, 1, Activity.SILENT)
    return a_state(
        licenses=(
            a_fact(NOON, path=NAME, container=NAME, stated=True),
            a_fact(NOON.replace(day=4), path=f"{NAME}/2", container=NAME),
            *(RefusedLicense(f"{NAME}/{one}", one, NAME, None, NAME, None) for one in REFUSED),
        ),
        trust=(TrustFact(NAME, long_ago, NOON, NOON),),
        clock_behind=NAME,
        disks=(Disk(NAME, 1, 10**9),),
        missing_trust=NAME,
        plans=(
            a_plan_fact(a_usage(600_000), name=NAME, container=NAME, account=NAME, followed=False),
            a_plan_fact(None, name=f"{NAME}2", ends_at=long_ago, followed=False, used_after=True),
        ),
        containers=(silent, silent._replace(container_id=f"{NAME}2")),
        doubts=tuple(Doubt(kind, 7, long_ago, 1) for kind in (*DOUBTS, NAME)),
        pending_months=(Month.parse("2026-01"),),
        hand_over=HandOver(long_ago, None),
        audit=LastAudit(long_ago, False, NAME),
        channels=(ChannelFact(NAME, 3, NAME),),
        progress=LedgerProgress(1, long_ago),
        used=(MeterTotal(NAME, NAME, NAME, 1),),
        undecided={NAME: (NAME, NAME)},
        strikes=(Strike(1, Witness(next(iter(WitnessKind)), NOON, NAME), NOON, NAME, NAME),),
        handing=(HandingFact(NAME, None),),
    )


def hostile_alerts() -> tuple[Alert, ...]:
    state = hostile_state()
    unreadable = alerts_of(state._replace(ledger=UnreadableLedger(NAME)), Rules())
    return alerts_of(state, Rules()) + unreadable


def message() -> Message:
    alerts = hostile_alerts()
    ended = tuple(EndedAlert(one.id, one.severity, one.since, NOON) for one in alerts)
    return Message(NAME, NOON, alerts, alerts, ended)


def test_every_condition_speaks_here() -> None:
    kinds = {one.kind for one in hostile_alerts()}
    assert len(kinds) >= 20 and "condition-failed" not in kinds, kinds


def test_what_people_and_machines_are_told_on_the_spot() -> None:
    state = hostile_state()
    found = tuple(WatchedAlert(one, None) for one in hostile_alerts())
    calendar = calendar_file(list_renewals(state, Rules()), site=NAME, now=NOON)
    told: dict[str, str | bytes] = {
        "check": check_line(state, found, lead_days=60),
        "check that could not look": unknown_line(NAME),
        "alerts": alerts_text(found, NOON),
        "metrics": metrics_text(state, found),
        "title": message().title,
        "message": message().text,
        "fields": json.dumps(message().fields()),
    }
    wrong = {name: leaks(text) for name, text in told.items()}
    assert not any(wrong.values()), wrong
    assert leaks(calendar, ".ics") == []
    texts = [str(event[name]) for event in Calendar.from_ical(calendar).walk("VEVENT") for name in ("SUMMARY", "UID")]
    assert len(texts) > 4 and leaks("\n".join(texts)) == []


def test_a_calendar_that_was_written_before_gives_nothing_on_as_it_is() -> None:
    hostile = f"SUMMARY:{TEXT}".replace("\n", "").replace("\r", "")
    before = f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:x\r\nSEQUENCE:1\r\n{hostile}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    assert leaks(calendar_file([], site=NAME, now=NOON, earlier=before.encode()), ".ics") == []


def channel(folder: Path, text: str) -> Channel:
    path = folder / "channels.toml"
    path.write_text(text)
    path.chmod(0o600)
    (one,) = read_channels(path)
    return one


@pytest.mark.parametrize("way", ['alertmanager = "http://HERE"', 'apprise = "json://HERE"', 'apprise = "xml://HERE"'])
def test_what_is_posted(tmp_path: Path, way: str) -> None:
    requests: list[bytes] = []

    def taken(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with answering(taken, seen=requests) as url, stamina.set_testing(True, attempts=1):
        place = url.partition("://")[2]
        assert deliver(channel(tmp_path, f"[a]\n{way.replace('HERE', place)}\n"), message()) is None
    headers, _, body = requests[0].partition(b"\r\n\r\n")
    assert body and leaks(body) == [] and leaks(headers.replace(b"\r\n", b"\n")) == []


def test_what_a_command_reads(tmp_path: Path) -> None:
    got = tmp_path / "got"
    assert deliver(channel(tmp_path, f"[a]\ncommand = ['/bin/sh', '-c', 'cat > {got}']\n"), message()) is None
    assert leaks(got.read_bytes()) == []


class Mailbox:
    """The bytes that a mail server took."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []

    async def handle_DATA(self, _server: object, _session: object, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.messages.append(envelope.content)
        return "250 OK"


def test_what_is_mailed(tmp_path: Path) -> None:
    box = Mailbox()
    server = MailServer(box)  # type: ignore[arg-type]
    server.start()
    try:
        url = f"mailto://127.0.0.1:{server.port}?from=azlic@plant.example&to=ops@plant.example"
        assert deliver(channel(tmp_path, f'[mail]\napprise = "{url}"\n'), message()) is None
    finally:
        server.stop()
    mail = message_from_bytes(box.messages[0], policy=policy.default)
    bodies = [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
    whole = box.messages[0].replace(b"=\r\n", b"").replace(b"\r\n", b"\n")  # quoted-printable folds lines
    assert leaks(whole) == [] and leaks(str(mail["Subject"])) == []
    assert bodies and leaks("\n".join(bodies).replace("\r\n", "\n")) == []
