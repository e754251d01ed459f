"""Every command that writes, on a site where it has something to do, and how the site stands when it was killed.

docs/reliability.md has the promises. ``test_kills.py`` kills in front of each step in Python, ``system_calls.py`` at
each system call.
"""

import contextlib
import hashlib
import io
import json
import os
import re
import shutil
import sqlite3
import stat
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from azlic import clock
from azlic.__main__ import main
from licensing.db.database import open_ledger
from licensing.delivery.protocol import LICENSE_MEDIA_TYPE
from licensing.issuer.containers import list_containers
from licensing.signing.document import LICENSE_TYPE
from licensing.signing.envelope import seal
from licensing.trust.store import TrustStore
from tests.azlic.conftest import Answer, Cli, environment
from tests.azlic.test_older_ledger import PLAN, WRITING, lay_ledger, prepare
from tests.licensing.vendor import Vendor
from tests.serving import answering
from tests.site import Site, a_license, a_plan
from tests.usage.reports import WORDS, body

FOREVER = datetime(2098, 1, 1, tzinfo=UTC)
_ISSUER = ("--database", "issuer.db")
_DATES = ("--start", "2026-01-01", "--end", "2027-01-01")
_PLAN = ("--plan-type", "Read", "--quota", "1", "--unit", "T", "--period", "year", *_DATES)
FILES: dict[str, tuple[str, ...]] = {
    "trust add": ("vendor/vendor-0.pem",),
    "trust update": ("rotation.json", "list.json"),
    "site init": ("--keys", "new-keys"),
    "install": ("carried.dat", "license", "--container", "read", "--image-version", "3.2.0"),
    "request": ("--resource", "r", "--container", "read", "--image-version", "3.2.0", "-o", "request.json"),
    "backup": ("kept.db",),
    "units": ("new-units",),
    "rules": ("new-rules",),
    "seal": ("models", "--to", "sealed", "--container", "read", *_ISSUER),
    "calendar": ("-o", "azlic.ics"),
    "check": ("--prometheus", "azlic.prom"),
    "report": ("2026-02", "-o", "report.csv", "--format", "csv"),
    "plan remove": ("p-2028", "--yes"),
    "plan rule remove": ("p-2028", "--site", "hall-9"),
    "handing-sites add": ("hall-3", "hall-8-keys/site.pem"),
    "plan end": ("p-2028",),
    "checkpoint": ("--database", "fresh.db"),
    "clock strike": ("--reason", "wrong", "--yes", "--database", "ahead.db"),
    "pull": ("{container}", "--source", "hall-5", "--month", "2026-10"),
    "download": ("{issuer}", "license", "--container", "read", "--image-version", "3.2.0", "--api-key-file", "key"),
    "acknowledge": ("hall-2.json", "--head-office", "site-keys/site.pem", "--database", "other.db"),
}
ISSUER: dict[str, tuple[str, ...]] = {
    "issuer init": ("--keys", "new-issuer-keys", "--database", "new-issuer.db"),
    "issuer rotate": ("-o", "issuer-rotation.json", "--keys", "issuer-keys", *_ISSUER),
    "issuer revocations": ("-o", "revoked.json", "--keys", "issuer-keys", *_ISSUER),
    "issuer resource key": ("plant-read", "--slot", "1", "--keys-to", "api-keys", *_ISSUER),
    "issuer resource quota": ("plant-read", "--stop", *_ISSUER),
    "issuer resource add": ("other", "--container", "read", *_PLAN, "--keys-to", "api-keys", *_ISSUER),
    "issuer container add": ("speech", "--container", "custom-speech-to-text", *_ISSUER),
    "issuer container set": ("plant-read", "--container", "read", "--grace-days", "3", *_ISSUER),
    "issuer container renew-id": ("sold", "--container", "read", *_ISSUER),
    "issuer plan set": ("plant-read", *_PLAN, *_ISSUER),
    "issuer approve": ("elsewhere-subscription", *_ISSUER),
    "issuer withdraw": ("plant-read-subscription", *_ISSUER),
    "issuer revoke": ("{license}", "--reason", "stolen", "--yes", *_ISSUER),
    "issuer site add": ("hall-8", "hall-8-keys/site.pem", "--resource", "plant-read", *_ISSUER),
    "issuer site remove": ("hall-7", "--yes", *_ISSUER),
    "issuer answer": (
        "asked.json", "-o", "answer.dat", "--url", "https://issuer.example", "--keys", "issuer-keys", *_ISSUER,
    ),
    "issuer clock-reset": (
        "--to", "2026-01-01", "--reason", "wrong", "-o", "new-reset.json", "--keys", "issuer-keys", *_ISSUER,
    ),
}  # fmt: skip
SERVING = {"engine", "watch", "issuer serve"}
"""They run until they are told to end: they have tests of their own."""
_USED = body({WORDS: 4})
_NAMED = "named.json"
"""Beside the site: what only this site has, by the name under which a command's words have it."""
COMMANDS = {**{name: words for name, words in WRITING.items() if name != "verify"}, **FILES, **ISSUER}


def words_of(command: str) -> tuple[str, ...]:
    """A command as this site's operator gives it, in the site's folder."""
    return filled((*command.split(), *COMMANDS[command]))


def name(folder: Path, more: dict[str, str]) -> None:
    """Let words of commands hold what only the site in this folder has, by a name."""
    named = folder.parent / _NAMED
    named.write_text(json.dumps((json.loads(named.read_text()) if named.exists() else {}) | more))


def filled(words: tuple[str, ...]) -> tuple[str, ...]:
    """Words with what only this site has in place of its names."""
    named = json.loads(Path("..", _NAMED).read_text())
    return tuple(named.get(word, word) for word in words)


@contextlib.contextmanager
def a_site(folder: Path) -> Iterator[Cli]:
    """A site in the current folder, as the commands find it: its ledger up to date, and whatever they name there."""
    folder.mkdir()
    site = Site(folder)
    license_ = a_license(serial=7, not_before=site.now, expires_at=FOREVER)
    signed = seal(license_.to_bytes(), LICENSE_TYPE, site.signer)
    with (
        pytest.MonkeyPatch.context() as patch,
        answering(lambda client: client.sendall(_http(LICENSE_MEDIA_TYPE, signed))) as issuer,
        answering(lambda client: client.sendall(_http("application/json", _USED))) as container,
    ):
        environment(site, patch)
        started = clock.now()  # it stands still, so that two runs come to the same state
        patch.setattr(clock, "now", lambda: started)
        cli = prepare(run, site, lay_ledger(site), patch)
        (folder / "carried.dat").write_bytes(signed)
        (folder / "key").write_text("5ec7e7" * 10)
        _lay_what_was_wrong(site, cli, patch)
        open_ledger(str(folder / "azlic.db"), upgrade=True).dispose()
        _lay_statements(site)
        _lay_what_is_carried(site, cli)
        name(
            folder,
            {
                "{issuer}": f"{issuer}/plant-read",
                "{container}": container,
                "{license}": _license_of(site, "plant-read"),
            },
        )
        site.close()
        yield cli


def _lay_statements(site: Site) -> None:
    vendor = Vendor(site.folder / "vendor", TrustStore(site.folder / "elsewhere-trust"))
    vendor.public_key(1)
    one = Vendor(site.folder / "trusted", site.trust)
    one.anchor()
    for name, made in (("rotation.json", one.rotation(1, keys=[one.entry(1)], expires_at=FOREVER)),
                       ("list.json", one.revocations(2, 1))):  # fmt: skip
        shutil.copy(made, site.folder / name)


def _lay_what_is_carried(site: Site, cli: Cli) -> None:
    (site.folder / "models").mkdir()
    for name in ("a", "b", "c"):
        (site.folder / "models" / name).write_bytes(name.encode() * 5000)
    site.add_resource("elsewhere", approved=False)
    site.add_resource("speech", container_type="speech-to-text", plan=a_plan(plan_type="STT"))
    site.add_resource("sold")
    asking = ("--resource", "plant-read", "--container", "read", "--image-version", "3.2.0", "-o", "asked.json")
    (site.folder / "head.db").touch()
    for words in (("issuer", "site", "add", "hall-7", "site-keys/site.pem", "--resource", "plant-read", *_ISSUER),
                  ("request", *asking),
                  ("site", "init", "--keys", "hall-8-keys"),
                  ("plan", "add", "p-2028", *PLAN, "--start", "2028-01-01", "--end", "2029-01-01"),
                  ("plan", "renew", "p-2028"),
                  ("issuer", "revoke", _license_of(site, "sold"), "--reason", "sold", "--yes", *_ISSUER),
                  ("plan", "rule", "add", "p-2028", "--site", "hall-9"),
                  ("handing-sites", "add", "hall-2", "site-keys/site.pem"),
                  ("handing-sites", "add", "hall-2", "site-keys/site.pem", "--database", "head.db"),
                  ("accept", "hall-2.azlic", "-o", "hall-2.json", "--keys", "site-keys", "--database", "head.db"),
                  ):  # fmt: skip
        answer = cli(*words)
        assert answer.status == 0, (words, answer)


def _lay_what_was_wrong(site: Site, cli: Cli, patch: pytest.MonkeyPatch) -> None:
    """A ledger that nobody named yet, and one that took its records when the clock of its machine was wrong."""
    started = clock.now()
    for name, at in (("fresh.db", started), ("ahead.db", started + timedelta(days=3))):
        patch.setattr(clock, "now", lambda at=at: at)
        (site.folder / name).touch()
        assert cli("ingest", "elsewhere", "--database", name).status == 0
    patch.setattr(clock, "now", lambda: started)


def _license_of(site: Site, resource: str) -> str:
    (found,) = (one.license_id for one in list_containers(site.issuer_store) if one.resource == resource)
    return found


def _http(kind: str, content: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
    return head.encode() + content


def run(*words: object) -> Answer:
    """Run a command in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    before, sys.argv = sys.argv, ["azlic", *map(str, words)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main()
    finally:
        sys.argv = before
    return Answer(status, *(stream.buffer.getvalue().decode() for stream in (out, err)))


_LEDGER = {"audit": ("audit", "--against", "checkpoint.txt")} | {
    f"report of {month}": ("report", month, "--json") for month in ("2026-01", "2026-02", "2026-03")
}
_LICENSE = {"trust": ("trust", "list", "--json"), "license": ("verify", "license", "--json")}
_STORE = {
    "issuer's audit": ("issuer", "audit", *_ISSUER),
    "issued": ("issuer", "issued", *_ISSUER),
    "resources": ("issuer", "resource", "list", *_ISSUER),
    "containers": ("issuer", "container", "list", *_ISSUER),
    "sites": ("issuer", "site", "list", *_ISSUER),
}
_ASKED = (
    (("azlic.db",), _LEDGER),
    (("azlic.db", "trust.d/", "license/"), _LICENSE),
    (("issuer.db", "issuer-keys/"), _STORE),
    (("ahead.db",), {"clock": ("clock", "status", "--database", "ahead.db")}),
    (("fresh.db",), {"audit of another": ("audit", "--database", "fresh.db")}),
)
"""What is asked of a site, where a file changed whose name begins so."""
EVERYTHING = ("azlic.db", "issuer.db", "ahead.db", "fresh.db")


def look(cli: Cli, changed: Iterable[str]) -> dict[str, str]:
    """How the site stands, by its own commands, as far as these files count; times and random ids are left out."""
    names = tuple(changed)
    asked: dict[str, tuple[str, ...]] = {}
    for files, questions in _ASKED:
        if any(name.startswith(files) for name in names):
            asked |= questions
    found = {}
    for name, words in asked.items():
        told = cli(*words)
        said = timeless(told.out).replace("/.update/", "/")
        if name == "license":
            said = " ".join(re.findall('"(?:status|serial)": [^,]*', said))
        found[name] = f"{told.status} {'' if 'audit' in name else said}"
    return found


def timeless(text: str) -> str:
    """A text without what differs from run to run: instants, heads that bind them, ids drawn at random."""
    text = re.sub(r'\b[0-9a-f]{64}\b|"[0-9A-Za-z+/]{43}="', "a head, which binds the time", text)
    text = re.sub(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", "an id", text)
    text = re.sub(r"20[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-9:.]+(?:Z| UTC|\b)", "an instant", text)
    return re.sub(rf"{clock.now():%Y-%m-%d}", "today", text)


class Folder:
    """A folder that is put back as it was: only what changed is copied, and read, again."""

    def __init__(self, folder: Path, kept: Path) -> None:
        self.folder, self.kept = folder, kept
        shutil.copytree(folder, kept, symlinks=True)
        self._digests: dict[tuple[int, ...], str] = {}
        self._as_it_was = self._signatures()
        self._pristine: dict[str, str] = {}
        self._pristine = self._contents()

    def put_back(self) -> None:
        """Make everything here as it was."""
        now = self._signatures()
        for name in sorted(now.keys() - self._as_it_was.keys(), reverse=True):
            path = self.folder / name
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        for name in sorted(self._as_it_was):
            if now.get(name) == self._as_it_was[name]:
                continue
            path, kept = self.folder / name, self.kept / name
            if kept.is_dir():
                path.mkdir(exist_ok=True)
                shutil.copystat(kept, path)
            else:
                path.unlink(missing_ok=True)
                shutil.copy2(kept, path, follow_symlinks=False)
            self._as_it_was[name] = self._signature(path)

    def state(self) -> str:
        """A digest of all names and contents; what is random in a temporary file's name is left out."""
        whole = hashlib.sha256()
        for name, content in sorted(self._contents().items()):
            plain = re.sub(r"[0-9a-f]{8}(?=[.]tmp|[.]arrived|/|$)", "random", name)
            whole.update(f"{plain} {content}\n".encode())
        return whole.hexdigest()

    def changed(self) -> set[str]:
        """The names of what is not as it was."""
        return {name for name, _ in self._contents().items() ^ self._pristine.items()}

    def _contents(self) -> dict[str, str]:
        """Mode and digest by name. A lock only has the number of its process. A journal differs with each run: beside a
        database that it did not touch yet, it is enough that it is there.
        """
        found = {
            name: f"{signature[0]:o} {self._digest(name, signature)}" for name, signature in self._signatures().items()
        }
        for name in [name for name in found if name.endswith("-journal")]:
            if found.get(name[:-8]) == self._pristine.get(name[:-8], ""):
                found[name] = "there"
        return {name: content for name, content in found.items() if not name.endswith(".lock")}

    def sizes(self) -> dict[str, int]:
        """The sizes of the files that somebody may read; a database's changes in place, a hidden one is nobody's.

        Of metrics, in which there are seconds that something took, the lines are counted.
        """
        return {
            name: (self.folder / name).read_bytes().count(b"\n") if name.endswith(".prom") else signature[1]
            for name, signature in self._signatures().items()
            if stat.S_ISREG(signature[0]) and "/." not in f"/{name}" and ".db" not in name
        }

    def damaged(self, names: Iterable[str]) -> list[str]:
        """The databases of these that SQLite finds damaged, once it took back what a killed writer left."""
        found = []
        for name in names:
            if name.endswith(".db") and "/." not in f"/{name}" and (self.folder / name).exists():
                with contextlib.closing(sqlite3.connect(self.folder / name)) as connection:
                    if connection.execute("PRAGMA quick_check").fetchone() != ("ok",):
                        found.append(name)
        return found

    def _digest(self, name: str, signature: tuple[int, ...]) -> str:
        if stat.S_ISDIR(signature[0]):
            return ""
        if signature not in self._digests:
            self._digests[signature] = hashlib.sha256((self.folder / name).read_bytes()).hexdigest()
        return self._digests[signature]

    def _signatures(self) -> dict[str, tuple[int, ...]]:
        """What tells whether a file was touched, by its name: a change moves at least one of the last two."""
        found, folders = {}, [""]
        while folders:
            folder = folders.pop()
            with os.scandir(self.folder / folder) as entries:
                for entry in entries:
                    name = f"{folder}{entry.name}"
                    found[name] = self._signature(self.folder / name)
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(f"{name}/")
        return found

    @staticmethod
    def _signature(path: Path) -> tuple[int, ...]:
        told = path.lstat()
        if stat.S_ISDIR(told.st_mode):
            return (told.st_mode,)
        return told.st_mode, told.st_size, told.st_ino, told.st_mtime_ns, told.st_ctime_ns


class Matrix:
    """One command on one site: what may be seen of it before and after. A state that was seen is not asked twice."""

    def __init__(self, cli: Cli, place: Folder, command: str) -> None:
        self.cli, self.place, self.words = cli, place, words_of(command)
        self._good: set[str] = set()
        self.looks = 0
        place.put_back()
        self._known = [look(cli, EVERYTHING)]
        self.statuses = set()
        self._sizes = [place.sizes()]
        for _ in range(2):
            self.statuses.add(cli(*self.words).status)
            self._sizes.append(place.sizes())
            self._known.append(look(cli, EVERYTHING))

    def fault(self) -> str | None:
        """What is half done in the folder as it is now, or does not go on from there; None where nothing is."""
        state = self.place.state()
        if state in self._good:
            return None
        self.looks += 1
        fault = self._fault("killed") or self._runs_again() or self._fault("run again")
        if fault is None:
            self._good.add(state)
        return fault

    def _runs_again(self) -> str | None:
        again = self.cli(*self.words)
        return None if again.status in self.statuses else f"run again it ended as {again}"

    def _fault(self, when: str) -> str | None:
        for name, size in self.place.sizes().items():
            if all(known.get(name, size if name not in self._sizes[-1] else None) != size for known in self._sizes):
                return f"{when}: {name} has {size} bytes, not {[known.get(name) for known in self._sizes]}"
        changed = self.place.changed()
        if damaged := self.place.damaged(changed):
            return f"{when}: {damaged} is damaged"
        for name, told in look(self.cli, changed).items():
            if all(known[name] != told for known in self._known):
                return f"{when}: {name} says {told}\nand not one of {[known[name] for known in self._known]}"
        return None
