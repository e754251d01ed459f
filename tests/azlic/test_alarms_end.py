"""For every alert there is: the situation is made, what the alert says is done, and it ends."""

import ast
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import stamina
from sqlalchemy import update

from azlic import settings
from azlic.monitoring import expected
from licensing.issuer.rotation import rotate
from licensing.issuer.statements import sign_revocations
from licensing.signing.keys import create_key_pair, load_signer
from tests.azlic.conftest import Answer, Cli
from tests.printed import commands_in
from tests.site import CONTAINER_ID, METER, START, Site, a_license
from tests.usage.ledgers import new_ledger, unguarded
from tests.usage.lines import a_chain, a_line
from tests.usage.mount import TODAY, Mount
from tests.usage.reports import DOCUMENTS, WORDS, body
from usage.alerts import conditions
from usage.alerts.conditions.records import DOUBTS
from usage.ledger.tables.records import BatchRow

CONDITIONS = Path(conditions.__file__).parent
DAY = timedelta(days=1)
TOMORROW = "usage-2026-03-02.jsonl"
ROUNDS = 4
"""So often what an alert says is done: one finding after the other."""
PLAN = (
    "--type", "Read", "--quota", "100", "--unit", "Transaction", "--period", "year", "--meter", METER,
)  # fmt: skip
YEAR = ("--start", "2026-01-01", "--end", "2027-01-01")
OFFICE = ("--database", "office.db", "--keys", "office")


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody at the site, with a command line and hands."""

    site: Site
    cli: Cli
    setenv: Callable[[str, str], None]
    unset: Callable[[str], None]

    @property
    def mount(self) -> Mount:
        return Mount(self.site)

    def run(self, *words: object, status: int = 0) -> Answer:
        answer = self.cli(*words)
        assert answer.status == status, (words, answer)
        return answer

    def ingest(self) -> None:
        self.cli("ingest", "output")  # what it makes of what is there, the alert tells

    def write(self, *lines: bytes, name: str = TODAY) -> None:
        self.mount.write(list(lines), name)
        self.ingest()

    def alerts(self) -> dict[str, dict[str, str]]:
        return {alert["id"]: alert for alert in json.loads(self.cli("alerts", "--json").out)["alerts"]}


Deed = Callable[[Operator], object]


@dataclass(frozen=True)
class Type:
    """A command that the alert prints, typed: what it stands for is filled in, and words are put behind it."""

    command: str
    more: tuple[str, ...] = ()
    fill: dict[str, str] = field(default_factory=dict)
    statuses: tuple[int, ...] = (0,)

    def do(self, operator: Operator, action: str) -> None:
        printed = [words for words in commands_in(action) if " ".join(words).startswith(self.command)]
        assert printed, f"no azlic {self.command} in: {action}"
        words = [self.fill.get(word, word).strip("'") for word in min(printed, key=len)]
        answer = operator.cli(*words, *self.more)
        assert answer.status in self.statuses, (words, answer)


@dataclass(frozen=True)
class Hand:
    """What the alert says that is no command, done by hand."""

    says: str
    deed: Deed

    def do(self, operator: Operator, action: str) -> None:
        assert self.says in action
        self.deed(operator)


@dataclass(frozen=True)
class Case:
    """How an alert of a kind comes about, and what is done about it, in this order."""

    kind: str
    arrange: Deed
    steps: tuple[Type | Hand, ...]


def install(**changes: object) -> Deed:
    return lambda at: at.site.install(a_license(**changes))


def nothing(_: Operator) -> None:
    """The site as it is: there is no license."""


def opaque(content: bytes = b"\x01 another maker's") -> Deed:
    return lambda at: (at.site.license / "license.dat").write_bytes(content)


def wait(**span: float) -> Deed:
    return lambda at: at.site.sleep(**span)


def after(*deeds: Deed) -> Deed:
    def all_of_them(at: Operator) -> None:
        for deed in deeds:
            deed(at)

    return all_of_them


def command(*words: object, status: int = 0) -> Deed:
    return lambda at: at.run(*words, status=status)


def lines(*content: bytes, name: str = TODAY) -> Deed:
    return lambda at: at.write(*content, name=name)


ADOPT = Type("adopt", fill={"TYPE": "read", "DATE": "2029-01-01"})


def adopted(at: Operator) -> None:
    opaque()(at)
    at.run("adopt", "license", "--container", "read", "--expires", "2026-12-31")


def a_place_that_is_gone(at: Operator) -> None:
    folder = at.site.folder / "licenses"
    at.setenv("AZLIC_LICENSES", str(folder))
    folder.mkdir()
    at.site.install(folder=folder / "hall 1")
    at.alerts()
    shutil.rmtree(folder / "hall 1")


def a_folder_for_a_file(at: Operator) -> None:
    (at.site.license / "license.dat").mkdir()


def put_a_file_there(at: Operator) -> None:
    (at.site.license / "license.dat").rmdir()
    at.site.install()


def changed(at: Operator) -> None:
    path = at.site.install()
    fields = json.loads(path.read_bytes())
    fields["payload"] = fields["payload"][:-8] + "AAAAAAA="
    path.write_text(json.dumps(fields))


def a_new_issuer(at: Operator) -> None:
    folder = at.site.folder / "new"
    folder.mkdir()
    create_key_pair(folder / "key.pem", folder / "new.pem")
    at.site.signer = load_signer(folder / "key.pem", folder / "new.pem")
    at.site.install()


def none_is_wanted(at: Operator) -> None:
    at.setenv("AZLIC_LICENSES", "")
    (at.site.folder / "azlic.toml").write_text("licenses = []\n")


def carried(at: Operator) -> None:
    """The next license, as it is brought in."""
    at.site.install(a_license(serial=2, expires_at=START + 3000 * DAY), at.site.folder / "carried")


INSTALL = Type("install", ("carried/license.dat", "license", "--container", "read", "--image-version", "3.2.0"))


def clock_ran_ahead(at: Operator) -> None:
    at.site.install()
    at.site.sleep(days=2)
    at.run("verify", "license", "--record")
    at.site.sleep(days=-2)


def taken_ahead(at: Operator) -> None:
    """A record is taken while the clock runs ahead, and so waits for nothing; then the clock is right again."""
    at.site.sleep(days=400)
    at.write(a_line("a", at=at.site.now - DAY))
    at.ingest()
    at.site.sleep(days=-400)


def booked_again(at: Operator) -> None:
    at.mount.append([a_line("a2", at=at.site.now)], "usage-again.jsonl")
    at.ingest()
    assert [one["counts"] for one in json.loads(at.cli("records", "list", "--json").out)["records"]] == [0, 1]


def trust_is_gone(at: Operator) -> None:
    at.site.install()
    at.run("verify", "license", "--record")
    shutil.rmtree(at.site.trust.folder)


def publish(at: Operator) -> Path:
    """The issuer signs its list of today."""
    content = sign_revocations(at.site.issuer_store, at.site.public_key.parent, now=at.site.now, actor="anna")[1]
    path = at.site.folder / "new.json"
    path.write_bytes(content)
    return path


def turn_key(at: Operator) -> Path:
    path = rotate(at.site.public_key.parent, now=at.site.now, reason="yearly", valid=400 * DAY)
    return Path(shutil.copy(path, at.site.folder / "new.json"))


UPDATE = Type("trust update", ("new.json",))


def a_plan(name: str, *dates: str) -> Deed:
    return command("plan", "add", name, *PLAN, *(dates or YEAR))


def used(quantity: int) -> Deed:
    return lines(a_line("a", quantity))


def days_of_use(quantity: int = 1, count: int = 8) -> Deed:
    """A record on each of so many days; it is the morning after."""

    def use(at: Operator) -> None:
        each = [a_line(f"{n}", quantity, at=START + n * DAY) for n in range(count)]
        at.site.sleep(days=count)
        at.write(*each)

    return use


MORE_UNITS = Type("plan amend", ("read-2026", "--units", "100", "--from", "2026-03-01"))


def an_overlooked_gap_of_plans(at: Operator) -> None:
    """A plan ends, its meter is used on none, the next plan begins later, and the month is closed."""
    a_plan("old", "--start", "2025-03-10", "--end", "2026-03-10")(at)
    at.site.sleep(days=14)
    at.write(a_line("a", 3, at=START + 12 * DAY))


def at_office(at: Operator, *words: str) -> None:
    at.run(*words, *OFFICE[:2])


def hands_over(at: Operator) -> None:
    """A site and its head office; the site has one record."""
    at.setenv("AZLIC_SITE", "hall 7")
    at.setenv("AZLIC_SITE_KEYS", "mine")
    at.write(a_line("a"))
    at.run("site", "init", "--keys", "mine")
    at.run("site", "init", "--keys", "office")
    (at.site.folder / "office.db").touch()
    at_office(at, "handing-sites", "add", "hall 7", "mine/site.pem")


def receipt_is_overdue(at: Operator) -> None:
    hands_over(at)
    at.site.sleep(days=45)


def close_for_good(at: Operator) -> None:
    (at.site.folder / "azlic.toml").write_text('closed_sites = ["hall 7"]\n')


def bring_to_head_office(at: Operator) -> None:
    at.run("accept", "e.azlic", "-o", "e.ack", *OFFICE)


def this_is_head_office(at: Operator) -> None:
    hands_over(at)
    at.run("export", "-o", "e.azlic")
    at.setenv("AZLIC_DATABASE", str(at.site.folder / "office.db"))
    at.setenv("AZLIC_SITE_KEYS", "office")


ACCEPT = Type("accept", fill={"FILE": "e.azlic", "ACK": "e.ack", "ACKNOWLEDGEMENT": "e.ack"})


def a_silent_site(at: Operator) -> None:
    """Two containers wrote on each day up to a week ago; at head office nothing has come since."""
    hands_over(at)
    for n in range(1, 7):
        day = START + n * DAY
        at.mount.append([a_line(f"{n}", at=day), a_line(f"{n}b", at=day, containerId="ba9876543210")])
    at.site.sleep(days=7)
    at.ingest()
    at.run("export", "-o", "first.azlic")
    at.run("accept", "first.azlic", "-o", "first.ack", *OFFICE)
    at.run("acknowledge", "first.ack", "--head-office", "office/site.pem")
    at.site.sleep(days=7)
    at.write(a_line("new", at=at.site.now - DAY), name=TOMORROW)
    at.run("export", "-o", "e.azlic")
    at.setenv("AZLIC_DATABASE", str(at.site.folder / "office.db"))
    at.setenv("AZLIC_SITE_KEYS", "office")


def it_writes_again(at: Operator) -> None:
    at.mount.write([a_line("new", at=at.site.now - DAY)], TOMORROW)


def no_ledger(at: Operator) -> None:
    (at.site.folder / "azlic.db").unlink()


def edited_ledger(at: Operator) -> None:
    at.write(a_line("a"))
    at.run("backup", "good.db")
    with unguarded(at.site.ledger) as connection:
        connection.exec_driver_sql("UPDATE record SET quantity = 5000000")
    at.site.ledger.dispose()
    at.run("audit", status=1)


def channels(*names: str, command: str = "true") -> Deed:
    def configure(at: Operator) -> None:
        path = at.site.folder / "channels.toml"
        path.write_text("".join(f'[{name}]\ncommand = ["{command}"]\n' for name in names))
        path.chmod(0o600)
        at.setenv("AZLIC_CHANNELS", str(path))

    return configure


def mount_a_little_disk(at: Operator) -> None:
    """The output folder is a disk of 4 MiB, all but full."""
    if os.geteuid():
        pytest.skip("only root may mount a disk")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", at.site.output], check=True)
    at.write(a_line("a"))
    (at.site.output / "other").write_bytes(bytes(3_900_000))


def free_space(at: Operator) -> None:
    (at.site.output / "other").unlink()


def read_by(source: str, *quantities: object, meter: str = WORDS) -> Deed:
    def take(at: Operator) -> None:
        for quantity in quantities:
            at.site.sleep(minutes=1)
            (at.site.folder / "report.json").write_bytes(body({meter: quantity}))  # type: ignore[dict-item]
            assert at.cli("import", "report.json", "--source", source, "--month", "2026-03").status in (0, 1)

    return take


def refused_meter(at: Operator) -> None:
    (at.site.folder / "report.json").write_bytes(body({WORDS: -5, DOCUMENTS: 7}))
    assert at.cli("import", "report.json", "--source", "one", "--month", "2026-03").status in (0, 1)


A, B, C, D, E = a_chain(5)


def replaced(at: Operator) -> None:
    """Another file stands in a file's place, and is longer than that was."""
    at.write(a_line("a"))
    aside = at.mount.path("aside.tmp")
    aside.write_bytes(a_line("b") + b"\n" + a_line("c") + b"\n")
    aside.rename(at.mount.path())
    at.ingest()


SITUATIONS: dict[str, Deed] = {
    "quarantine": lines(b"bad", b"worse"),
    "conflict": lines(a_line("a", 1), a_line("a", 2)),
    "ahead": lines(a_line("a", at=START + 400 * DAY)),
    "gap": lines(A, C, E),
    "edited": lines(A.replace(b'"quantity":1', b'"quantity":0'), B),
    "removed": after(lines(A, B, C, D), lines(A, B, D)),
    "disorder": lines(A, C, B, D),
    "reused": after(lines(A, B, C), lines(*(x.replace(b'"id":"', b'"id":"n') for x in (A, B)), name=TOMORROW)),
    "shrunk": after(lines(a_line("a"), a_line("b")), lines(a_line("a"))),
    "rewritten": after(lines(a_line("a"), a_line("b")), lines(a_line("a"), a_line("c"))),
    "replaced": replaced,
    "vanished": after(lines(A), lambda at: at.mount.path().unlink(), Operator.ingest),
    "hole": lines(A, bytes(64) + B),
    "passed-over": after(lines(A), lambda at: at.mount.put(b"SQLite format 3\0", "usage.db.xz"), Operator.ingest),
    "counter-fell": read_by("one", 100, 30),
    "same-mount": after(read_by("one", 100), read_by("two", 100)),
    "too-fine": read_by("one", 4217.299999997811, meter=DOCUMENTS),
    "meter-refused": refused_meter,
}


def taken_at(instant: datetime) -> Deed:
    """Every batch is of an instant that no azlic put there: far ahead, it is one that cannot be reckoned with."""

    def damage(at: Operator) -> None:
        with unguarded(at.site.ledger) as connection:
            connection.execute(update(BatchRow).values(taken_at=instant))
        at.site.ledger.dispose()

    return damage


def reported(at: Operator) -> None:
    """The alert says where it fell; then the ledger is mended."""
    assert "OverflowError at ledger.py:" in " ".join(at.cli("alerts").out.split())
    taken_at(START)(at)
    at.run("notify")


SETTLE = Type("findings settle", fill={"TEXT": "known"})
DISCARD = Type("quarantine discard", fill={"TEXT": "known"})

CASES = {
    "no license": Case("license-missing", nothing, (Hand("install it again", install()),)),
    "none is wanted": Case("license-missing", nothing, (Hand("licenses = [] in azlic.toml", none_is_wanted),)),
    "one that is gone": Case("license-missing", a_place_that_is_gone, (Type("alerts forget"),)),
    "a folder": Case(
        "license-unreadable",
        a_folder_for_a_file,
        (Type("doctor", statuses=(0, 1)), Hand("fix it", put_a_file_there)),
    ),
    "opaque": Case("license-opaque", opaque(), (ADOPT,)),
    "changed": Case("license-changed", changed, (Hand("Install the license that was brought here again", install()),)),
    "adopted, and renewed": Case("license-changed", after(adopted, opaque(b"\x01 next")), (ADOPT,)),
    "of a new issuer": Case(
        "license-invalid",
        a_new_issuer,
        (Type("verify", statuses=(1,)), Hand("how to fix it", command("trust", "add", "new/new.pem"))),
    ),
    "ended": Case("license-expired", after(install(), wait(days=400), carried), (INSTALL,)),
    "adopted, and ended": Case("license-expired", after(adopted, wait(days=400)), (ADOPT,)),
    "ending": Case(
        "license-expiring", after(install(), wait(days=300), carried), (Hand("Start its renewal", install(
            serial=2, expires_at=START + 3000 * DAY)),),
    ),
    "adopted, and ending": Case("license-expiring", after(adopted, wait(days=290)), (ADOPT,)),
    "begins later": Case("license-not-yet-valid", install(not_before=START + DAY), (Hand("or wait", wait(days=1)),)),
    "a clock behind": Case("clock-suspect", clock_ran_ahead, (Hand("Set the clock right", wait(days=2)),)),
    "a witness": Case("clock-suspect", clock_ran_ahead, (Type("clock strike", ("--yes",), {"TEXT": "wrong"}),)),
    "issued later": Case("clock-suspect", install(issued_at=START + DAY), (Hand("Set the clock right", wait(days=1)),)),
    "struck": Case(
        "witness-struck",
        after(clock_ran_ahead, command("clock", "strike", "--reason", "wrong", "--yes"), wait(minutes=1)),
        (Type("audit"),),
    ),
    "no trust": Case(
        "trust-missing", trust_is_gone, (Type("trust add", fill={"ISSUER.pem": "issuer-keys/issuer.pem"}),)
    ),
    "no trust, and none needed": Case(
        "trust-missing",
        lambda at: shutil.rmtree(at.site.trust.folder),
        (Hand("take trust out of the settings", lambda at: at.unset("AZLIC_TRUST")),),
    ),
    "stale trust": Case(
        "trust-stale",
        after(install(), publish, command("trust", "update", "new.json"), wait(days=200), publish),
        (UPDATE,),
    ),
    "trust ends": Case(
        "trust-ending", after(turn_key, command("trust", "update", "new.json"), wait(days=350), turn_key), (UPDATE,)
    ),
    "used": Case("commitment-used", after(a_plan("read-2026"), used(60)), (Type("report"), MORE_UNITS)),
    "overage": Case("commitment-used", after(a_plan("read-2026"), used(120)), (Type("report"), MORE_UNITS)),
    "running out": Case(
        "commitment-running-out", after(a_plan("read-2026"), days_of_use(5, 16)), (Type("report"), MORE_UNITS)
    ),
    "a plan ends": Case(
        "plan-ending",
        after(a_plan("read-2026"), wait(days=290)),
        (Type("plan add", ("next", *PLAN, "--start", "2027-01-01", "--end", "2028-01-01")),),
    ),
    "a plan ended, and the next begins later": Case(
        "plan-ending",
        an_overlooked_gap_of_plans,
        (
            Type("plan add", ("next", *PLAN, "--start", "2026-03-15", "--end", "2027-03-15")),
            Hand("settled with its month", wait(days=30)),
            Type("close", ("--yes",), {"YYYY-MM": "2026-03"}),
        ),
    ),
    "two plans": Case(
        "plan-undecided",
        after(a_plan("hall-a"), a_plan("hall-b"), used(5)),
        (Type("plan rule add", ("hall-a", "--container", CONTAINER_ID)),),
    ),
    "a month is over": Case(
        "month-close-pending",
        after(lines(A), wait(days=40)),
        (Type("ingest", ("output",)), Type("close", ("output", "--yes"))),
    ),
    "no receipt": Case(
        "receipt-overdue",
        receipt_is_overdue,
        (
            Type("export", fill={"FILE": "e.azlic"}, more=("-o", "e.azlic")),
            Hand("bring the acknowledgement back", bring_to_head_office),
            Type("acknowledge", ("e.ack", "--head-office", "office/site.pem")),
        ),
    ),
    "a site hands nothing over": Case("hand-over-missing", this_is_head_office, (ACCEPT,)),
    "a site that closed for good": Case(
        "hand-over-missing", this_is_head_office, (Hand('closed_sites = ["hall 7"]', close_for_good),)
    ),
    "a silent site that closed": Case(
        "site-silent", a_silent_site, (Hand("closed for good", close_for_good),)
    ),
    "a silent site": Case("site-silent", a_silent_site, (Type("accept", ("e.azlic", "-o", "e.ack")),)),
    "a silent container": Case(
        "container-silent",
        after(days_of_use(), wait(days=7), it_writes_again),
        (Type("doctor", statuses=(0, 1)), Type("ingest", ("output",))),
    ),
    "no ledger": Case("ledger-unreadable", no_ledger, (Type("ingest", ("output",)),)),
    "an edited ledger": Case(
        "audit-failed",
        edited_ledger,
        (Type("audit", statuses=(1,)), Type("restore", ("--yes",), {"BACKUP": "good.db"}), Type("audit")),
    ),
    "a little disk": Case("disk-nearly-full", mount_a_little_disk, (Hand("Free some space", free_space),)),
    "a channel": Case(
        "channel-failing",
        after(channels("pager", command="false"), command("notify", status=3)),
        (Hand("Fix it", channels("pager")), Type("notify --test"), Type("notify")),
    ),
    "a channel that is no more": Case(
        "channel-failing",
        after(channels("pager", command="false"), command("notify", status=3)),
        (Hand("Or take it out of", channels("other")), Type("notify")),
    ),
    "a fault of azlic's own": Case(
        "condition-failed",
        after(channels("pager"), hands_over, taken_at(datetime(9999, 12, 30, tzinfo=UTC))),
        (
            Hand("azlic --version", command("--version")),
            Type("audit", statuses=(0, 1)),
            Hand("Report these words", reported),
        ),
    ),
    "use that counts ahead": Case(
        "counted-ahead",
        taken_ahead,
        (
            Type("correct", ("--yes",), {"RECORD": "a", "TEXT": "'the clock stood in 2027'"}),
            Hand("with a new id and its true requestTime", booked_again),
        ),
    ),
    "too-fine, may be rounded": Case(
        "too-fine", SITUATIONS["too-fine"], (Type("sources round", fill={"NAME": "one", "TEXT": "doubles"}),)
    ),
    "ahead, taken on its day": Case(
        "ahead", SITUATIONS["ahead"], (Hand("by themselves on their day", after(wait(days=400), Operator.ingest)),)
    ),
    "ahead, of a wrong clock": Case(
        "ahead", SITUATIONS["ahead"], (Type("quarantine retry", fill={"DATE": "2026-03-01"}),)
    ),
} | {
    kind: Case(kind, SITUATIONS[kind], (DISCARD if kind in ("quarantine", "conflict", "ahead") else SETTLE,))
    for kind in DOUBTS
}  # fmt: skip


@pytest.fixture
def operator(site: Site, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    monkeypatch.setattr("azlic.clock.now", site.clock)
    monkeypatch.setattr(settings, "_data", lambda name: site.folder / "data" / name)
    monkeypatch.setattr(expected, "_SYSTEM", (site.folder / "var",))
    monkeypatch.setenv("AZLIC_LICENSES", str(site.license))
    new_ledger(site.folder / "azlic.db")
    with stamina.set_testing(True, attempts=1):
        yield Operator(site, cli, monkeypatch.setenv, monkeypatch.delenv)
    if site.output.is_mount():
        subprocess.run(["umount", site.output], check=True)


def test_every_kind_of_alert_that_the_conditions_raise_has_a_case() -> None:
    kinds = {kind for path in CONDITIONS.glob("*.py") for kind in _kinds(path)}
    assert {case.kind for case in CASES.values()} == kinds


def test_a_new_condition_is_found(tmp_path: Path) -> None:
    new = tmp_path / "new.py"
    new.write_text('def a(x):\n    name = f"roof-leaks:{x}"\n    return Alert(id=name, rank=0)\n')
    assert list(_kinds(new)) == ["roof-leaks"]


def _kinds(path: Path) -> Iterator[str]:
    """The kinds of the alerts that a module of conditions makes: what their ids begin with, wherever that is said."""
    tree = ast.parse(path.read_text())
    said: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            said.setdefault(node.targets[0].id, []).append(node.value)
    for scope in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
        own = {
            node.targets[0].id: [node.value]
            for node in ast.walk(scope)
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for call in ast.walk(scope):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Alert":
                (name,) = [word.value for word in call.keywords if word.arg == "id"]
                found = list(_beginnings(name, said | own))
                assert found, f"{path.name}:{call.lineno}: no kind is to be read from this id"
                yield from found


def _beginnings(node: ast.expr, said: dict[str, list[ast.expr]]) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text.partition(":")[0]
        case ast.JoinedStr(values=[first, *_]):
            yield from _beginnings(first, said)
        case ast.FormattedValue(value=value):
            yield from _beginnings(value, said)
        case ast.Name(id=name):
            for value in said.get(name, []):
                yield from _beginnings(value, said)
        case ast.IfExp(body=one, orelse=other):
            yield from _beginnings(one, said)
            yield from _beginnings(other, said)
        case ast.Call(func=ast.Attribute(value=ast.Name(id=table), attr="get"), args=[_, default]):
            yield from _beginnings(default, said)
            for value in said[table]:
                assert isinstance(value, ast.Dict)
                for one in value.values:
                    yield from _beginnings(one, said)
        case ast.Attribute(value=ast.Name(id="doubt"), attr="kind"):
            yield from DOUBTS


@pytest.mark.parametrize("name", CASES)
def test_what_an_alert_says_ends_it(operator: Operator, name: str) -> None:
    case = CASES[name]
    case.arrange(operator)
    alert = next(one for one in operator.alerts().values() if one["kind"] == case.kind)
    for _ in range(ROUNDS):
        for step in case.steps:
            step.do(operator, alert["action"])
        found = operator.alerts()
        if alert["id"] not in found:
            return
        alert = found[alert["id"]]
    pytest.fail(f"it is still there: {alert}")
