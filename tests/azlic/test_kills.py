"""Every command that writes, killed in front of each of its steps: done, or not done, and the next run goes on from it.

A step is a call that changes the disk, and a statement of the database. docs/reliability.md has the promises.
"""

import os
import re
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from azlic.__main__ import main
from licensing.db.database import open_ledger
from licensing.signing.document import LICENSE_TYPE
from licensing.signing.envelope import seal
from licensing.trust.store import TrustStore
from tests.azlic.conftest import Cli
from tests.azlic.test_older_ledger import WRITING, ledger, prepared
from tests.azlic.test_reading_writes_nothing import documented
from tests.licensing.sudden_death import STEPS
from tests.licensing.vendor import Vendor
from tests.site import Site, a_license

__all__ = ["ledger", "prepared"]

pytestmark = pytest.mark.long
_DIED = 9
FOREVER = datetime(2098, 1, 1, tzinfo=UTC)
FILES: dict[str, tuple[str, ...]] = {
    "trust add": ("vendor/vendor-0.pem",),
    "trust update": ("rotation.json", "list.json"),
    "site init": ("--keys", "new-keys"),
    "install": ("carried.dat", "license", "--container", "read", "--image-version", "3.2.0"),
    "request": ("--resource", "r", "--container", "read", "--image-version", "3.2.0", "-o", "request.json"),
    "backup": ("kept.db",),
    "units": ("new-units",),
    "rules": ("new-rules",),
    "seal": ("models", "--to", "sealed", "--container", "read", "--database", "issuer.db"),
    "calendar": ("-o", "azlic.ics"),
    "check": ("--prometheus", "azlic.prom"),
    "report": ("2026-02", "-o", "report.csv", "--format", "csv"),
    "issuer init": ("--keys", "new-issuer-keys", "--database", "new-issuer.db"),
    "issuer rotate": ("-o", "issuer-rotation.json", "--keys", "issuer-keys", "--database", "issuer.db"),
    "issuer revocations": ("-o", "revoked.json", "--keys", "issuer-keys", "--database", "issuer.db"),
    "issuer resource key": ("plant-read", "--slot", "1", "--keys-to", "api-keys", "--database", "issuer.db"),
}
ONE_TRANSACTION = {
    "issuer resource add", "issuer container add", "issuer container set", "issuer container renew-id",
    "issuer plan set", "issuer approve", "issuer withdraw", "issuer revoke", "issuer site add", "issuer site remove",
    "issuer answer", "issuer clock-reset",
}  # fmt: skip
"""They write the issuer's store in one transaction, and at most one file before it."""
SERVING = {"engine", "watch", "pull", "acknowledge", "download", "issuer serve"}
"""They need a partner, or run until they are told to end: they have tests of their own."""
COMMANDS = {**{name: words for name, words in WRITING.items() if name != "verify"}, **FILES}


def test_every_command_that_writes_is_killed_here() -> None:
    assert documented() | {"calendar", "check", "report"} == COMMANDS.keys() | ONE_TRANSACTION | SERVING | {
        "alerts",
        "audit",
    }


@pytest.fixture
def ready(prepared: Cli, site: Site, ledger: Path) -> Cli:
    """The site as the commands find it: its ledger up to date, and whatever they name is there."""
    open_ledger(str(ledger), upgrade=True).dispose()
    vendor = Vendor(site.folder / "vendor", TrustStore(site.folder / "elsewhere-trust"))
    vendor.public_key(1)
    one = Vendor(site.folder / "trusted", site.trust)
    one.anchor()
    for name, made in (("rotation.json", one.rotation(1, keys=[one.entry(1)], expires_at=FOREVER)),
                       ("list.json", one.revocations(2, 1))):  # fmt: skip
        shutil.copy(made, site.folder / name)
    (site.folder / "models").mkdir()
    for name in ("a", "b", "c"):
        (site.folder / "models" / name).write_bytes(name.encode() * 5000)
    license_ = a_license(serial=7, not_before=site.now, expires_at=FOREVER)
    (site.folder / "carried.dat").write_bytes(seal(license_.to_bytes(), LICENSE_TYPE, site.signer))
    site.close()
    return prepared


@pytest.mark.parametrize("command", COMMANDS)
def test_killed_anywhere_it_is_done_or_not_done_and_runs_again(
    ready: Cli, site: Site, command: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    words = (*command.split(), *COMMANDS[command])
    pristine = tmp_path_factory.mktemp("pristine") / "site"
    shutil.copytree(site.folder, pristine, symlinks=True)
    before = looks(ready)
    once = ready(*words)
    after = looks(ready)
    allowed = {once.status, ready(*words).status}
    known = {before["report"], after["report"], looks(ready)["report"]}
    ends = {}
    for step in deaths(site.folder, pristine, words):
        found = looks(ready)
        assert found["audit"] == "0" and found["trust"] in (before["trust"], after["trust"]), (step, found)
        assert found["report"] in known, step
        again = ready(*words)
        assert again.status in allowed, (step, again)
        end = looks(ready)
        assert end["audit"] == "0" and end["trust"] == after["trust"] and end["report"] in known, (step, end)
        ends[step] = again.status
    assert len(ends) > 3, "it was hardly ever killed"
    print(f"{command}: {len(ends)} kills")


def looks(cli: Cli) -> dict[str, str]:
    """How the site stands, by its own commands; when they were asked, or did something, is left out."""
    trust = cli("trust", "list", "--json")
    return {
        "audit": str(cli("audit", "--against", "checkpoint.txt").status),
        "trust": f"{trust.status} {timeless(trust.out).replace('/.update/', '/')}",
        "report": timeless("".join(cli("report", month, "--json").out for month in ("2026-01", "2026-02", "2026-03"))),
    }


def timeless(text: str) -> str:
    text = re.sub(r'"(?:[0-9a-f]{64}|[0-9A-Za-z+/]{43}=)"', "a head, which binds the time", text)
    return re.sub(rf"{datetime.now(UTC):%Y-%m-%d}T[0-9:.]+Z", "now", text)


def deaths(folder: Path, pristine: Path, words: tuple[str, ...]) -> Iterator[int]:
    """Put the folder back as it was and run a command that dies one step later, until it is done."""
    step = 0
    while True:
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        shutil.copytree(pristine, folder, symlinks=True, dirs_exist_ok=True)
        if not died(words, step):
            return
        yield step
        step += 1


def died(words: tuple[str, ...], step: int) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads: the child needs none of them
        child = os.fork()
    if child == 0:
        try:
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.dup2(quiet, 2)
            sys.argv = ["azlic", *words]
            die_at(step)
            main()
        finally:
            os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, _DIED), status
    return status == _DIED


def die_at(step: int) -> None:
    left = step

    def count(*_: Any, **__: Any) -> None:
        nonlocal left
        if left == 0:
            os._exit(_DIED)
        left -= 1

    def mortal(call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **options: Any) -> Any:
            count()
            return call(*args, **options)

        return wrapped

    for name in STEPS:
        if name != "open":
            setattr(os, name, mortal(getattr(os, name)))
    event.listen(Engine, "before_cursor_execute", count)
    event.listen(Engine, "commit", count)
