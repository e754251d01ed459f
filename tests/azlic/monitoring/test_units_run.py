"""Every unit that `azlic units` writes does its work within the rights that it gives itself."""

import json
import os
import pwd
import socket
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI

from tests.azlic.commands.issuer.test_issuer import AZLIC
from tests.azlic.monitoring.sandbox import run_unit, start_unit
from tests.licensing.another_user import reachable_folder, root_only
from tests.postgres import Server
from tests.serving import answering, serving
from tests.site import Site, a_license
from tests.usage.lines import a_line

pytestmark = [
    root_only,
    pytest.mark.skipif(
        bool(subprocess.run(["unshare", "--mount", "--net", "true"], capture_output=True, check=False).returncode),
        reason="this machine makes no namespaces",
    ),
]
NOBODY = pwd.getpwnam("nobody")


@pytest.fixture
def folder() -> Iterator[Path]:
    with reachable_folder() as folder:
        yield folder


def lay_out(folder: Path, *, license_: str = "", output: str = "", **settings: str) -> dict[str, object]:
    """A site whose containers have a license and wrote a record, and its settings. Relative paths begin in it."""
    site = Site(folder)
    license_, output = license_ or str(site.license), output or str(site.output)
    site.license.rename(folder / license_)
    site.output.rename(folder / output)
    site.install(a_license(), folder / license_)
    usage = folder / output / "read" / "0123456789ab" / "usage-2026-03-01.jsonl"
    usage.parent.mkdir(parents=True)
    usage.write_bytes(a_line("a") + b"\n")
    for path in (usage.parent, *usage.parent.parents[:2]):  # a container's files are for the container
        os.chown(path, 65532, 65532)
        path.chmod(0o700)
    kept = {"database": str(folder / "state" / "azlic.db"), "trust": str(site.trust.folder)}
    return {**kept, "licenses": [license_], "outputs": [output], **settings}


def write_toml(path: Path, settings: dict[str, object]) -> None:
    tables = {name: value for name, value in settings.items() if isinstance(value, dict)}
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items() if name not in tables]
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{json.dumps(key)} = {json.dumps(value)}" for key, value in table.items())]
    path.write_text("\n".join(lines) + "\n")
    assert tomllib.loads(path.read_text()) == settings


def write_units(folder: Path, file: Path, **environment: str) -> dict[str, Path]:
    """The units that the installed program writes for a settings file, by name."""
    environment = {"PATH": "/usr/bin:/bin", "AZLIC_CONFIG": str(file), **environment}
    done = subprocess.run(
        [AZLIC, "units", folder / "units"], env=environment, capture_output=True, text=True, check=False, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return {path.stem.removeprefix("azlic-"): path for path in (folder / "units").glob("*.service")}


@contextmanager
def running(unit: Path, notify: Path) -> Iterator[None]:
    """A unit that runs on, for as long as it says that it is ready; it ends in good order."""
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as manager:
        manager.bind(str(notify))
        notify.chmod(0o666)
        manager.settimeout(60)
        process = start_unit(unit, notify)
        assert process is not None
        try:
            said = b""
            while said != b"READY=1":
                said = manager.recv(100)
            yield
        finally:
            process.terminate()
            out, err = process.communicate(timeout=60)
            notify.unlink()
    assert process.returncode == 0, out + err


def plain(folder: Path) -> dict[str, object]:
    return lay_out(folder, **{name: str(folder / name) for name in ("textfile", "channels", "backups")})


def odd_names(folder: Path) -> dict[str, object]:
    odd = folder / '100 % "of" it\'s $HOME\\n é %n'
    return lay_out(
        folder,
        database=str(odd / "db %i.db"),
        license_=f"{folder}/li cense %d",
        output=f"{folder}/out$PATH put",
        textfile=str(odd / "text file"),
        backups=str(odd / "back ups"),
        channels=str(odd / "ch'an\"nels.toml"),
    )


def anothers(folder: Path) -> dict[str, object]:
    """The ledger's folder is another user's: what root writes out runs as that one."""
    settings = plain(folder)
    (folder / "state").mkdir()
    (folder / "textfile").mkdir()
    for path in (folder / "state", folder / "textfile"):
        os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    return settings


def linked(folder: Path) -> dict[str, object]:
    """The ledger's name is a link to another disk."""
    for name in ("state", "real"):
        (folder / name).mkdir()
    (folder / "state" / "azlic.db").symlink_to(folder / "real" / "azlic.db")
    return plain(folder)


def relative(folder: Path) -> dict[str, object]:
    """Paths from where the settings are."""
    return lay_out(
        folder, database="state/azlic.db", trust="trust.d", license_="license", output="output",
        textfile="textfile", backups="copies", channels="channels.toml",
    )  # fmt: skip


@pytest.mark.parametrize(
    "lay",
    [odd_names, *(pytest.param(lay, marks=pytest.mark.long) for lay in (plain, anothers, linked, relative))],
    ids=lambda lay: lay.__name__,
)
def test_every_unit_does_its_work_within_its_rights(folder: Path, lay: Callable[[Path], dict[str, object]]) -> None:
    if lay is anothers and not all(place.stat().st_mode & 0o001 for place in AZLIC.parents):
        pytest.skip("this checkout is closed to other users, and a unit of theirs runs from it")
    told: list[bytes] = []
    container = FastAPI()
    container.get("/records/usage-logs/{path:path}")(
        lambda: {"meters": [{"name": "translator.text.words", "quantity": 9}]}
    )
    with (
        serving(container) as url,
        answering(lambda client: client.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), seen=told) as chat,
    ):
        settings = lay(folder) | {"site": "hall 7", "pull": {"trans lator": url}}
        file = folder / "azlic 1%.toml"
        write_toml(file, settings)
        units = write_units(folder, file)
        status, said = run_unit(units["ingest"])
        assert status == 0 and "1  new records" in said, said
        assert start_unit(units["notify"]) is None  # without channels there is nothing to do
        channels = folder / str(settings["channels"])
        channels.write_text(f'[chat]\nalertmanager = "{chat}"\n')
        channels.chmod(0o600)
        os.chown(channels, NOBODY.pw_uid if lay is anothers else 0, 0)
        once = [name for name in units if name not in ("ingest", "watch", "serve", "failed@")]
        outcomes = {name: run_unit(units[name]) for name in once}
    assert {name: said for name, (status, said) in outcomes.items() if status} == {}
    assert set(once) == {"notify", "audit", "metrics", "backup", "pull-trans\\x20lator"}
    assert told and b"hall 7" in told[0]
    assert "azlic_ledger_readable 1" in (folder / str(settings["textfile"]) / "azlic.prom").read_text()
    assert len(list((folder / str(settings["backups"])).glob("azlic-???.db"))) == 1
    for name in ("watch", "serve"):
        with running(units[name], folder / "notify"):
            pass


@pytest.mark.databases("postgresql")
def test_a_ledger_on_a_server_is_reached_and_its_password_is_nobodys_to_read(folder: Path, postgresql: Server) -> None:
    role, password = "unit_role", "sesam%d-$x"
    postgresql.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
    name = postgresql.new_database()
    postgresql.execute(
        f"GRANT ALL ON SCHEMA public TO {role}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}", name
    )
    url = postgresql.by_password(name, role, "sesam%25d-$x")
    file = folder / "azlic.toml"
    settings = lay_out(folder)
    del settings["database"]
    write_toml(file, settings)
    units = write_units(folder, file, AZLIC_DATABASE=url)
    assert "backup" not in units and "metrics" not in units
    assert not [
        path for path in (folder / "units").iterdir() if "sesam" in path.read_text() and path.name != "azlic.env"
    ]
    assert (folder / "units" / "azlic.env").stat().st_mode & 0o777 == 0o600
    assert {name: run_unit(units[name]) for name in ("ingest", "audit")}["audit"][0] == 0
    assert "network" in units["ingest"].read_text()
