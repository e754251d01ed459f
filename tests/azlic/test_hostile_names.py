"""Names of strangers stay names: in whatever a command writes, none of them steers a terminal or begins a line."""

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stamina
from typer.main import get_command

import usage.plans.azure_decode  # noqa: F401 - its models are made before a test stops the clock
from azlic.app import command_line
from azlic.settings import NAMES, variable_of
from licensing.issuer.statements import sign_clock_reset
from tests.azlic.conftest import Cli
from tests.azlic.hostile import NAME, TEXT, leaks, leaks_of_files
from tests.azlic.test_reading_writes_nothing import EVERY
from tests.azlic.test_stores import ISSUER_WORDS, SITE_WORDS
from tests.frozen import clock_at
from tests.site import CONTAINER_ID, OPERATOR, START, Site, a_license
from tests.usage.commitments import day
from tests.usage.lines import a_line

DATABASE = ("--database", "issuer.db")
WAITING = {
    "watch": ("--rescan", NAME),
    "serve": ("--listen", NAME),
    "issuer usage": ("--ledger", "azlic.db", *DATABASE),
    "issuer serve": ("--listen", NAME),
    "engine": (NAME,),
}
"""They run until they are told to end: test_outlet.py lets them. Here they end at once, at what these words say."""
WORDS: dict[str, tuple[str, ...]] = {
    **SITE_WORDS,
    **{name: (*words, *(() if "--database" in words else DATABASE)) for name, words in ISSUER_WORDS.items()},
    "verify": ("license", NAME, "--record"),
    "diagnose": ("--billing", "http://127.0.0.1:9/x", "--license", "license", "--output", "output"),
    "doctor": ("--license", "license", "--output", "output"),
    "ingest": ("output",),
    "close": ("2026-02", "--accept", "known", "--yes"),
    "plan import": (f"{NAME}.json",),
    "plan show": ("read-2026",),
    "plan map": ("read-2026", "Sample.Meter"),
    "plan rule add": ("read-2026", "--output", f"output/{NAME}"),
    "audit": ("--files",),
    "restore": ("new.db", "--yes"),
    "alerts": (),
    "alerts forget": (f"{NAME}-gone",),
    "adopt": (f"{NAME}-opaque", "--container", "text-translation", "--expires", "2027-01-01"),
    "adopted remove": (f"{NAME}-opaque", "--yes"),
    "calendar": ("-o", "calendar.ics"),
    "check": ("--prometheus", "azlic.prom"),
    "accept": ("march.azlic", "--output", "ack.json", "--keys", "site-keys", "--database", "head.db"),
    "inspect": ("march.azlic", "--key", "site-keys/site.pem"),
    "acknowledge": ("ack.json", "--head-office", "site.pem"),
    "site init": ("--keys", f"{NAME}-keys"),
    "request": ("--resource", "plant-read", "--container", "read", "--image-version", "3.2.0", "--keys", "site-keys",
                "-o", f"{NAME}-request"),
    "install": ("license/license.dat", NAME, "--container", "read", "--image-version", "3.2.0"),
    "download": ("http://127.0.0.1:9/r", "license", "--container", "read", "--image-version", "3.2.0",
                 "--api-key-file", f"{NAME}-key"),
    "trust add": (f"{NAME}.json",),
    "trust update": (f"{NAME}.json", "license/license.dat"),
    "trust list": (),
    "containers": (),
    "tags": ("tags.txt",),
    "run": ("read", "--license", f"/{NAME}"),
    "engine": (NAME,),
    "watch": (f"{NAME}-gone",),
    "serve": ("--token-file", f"{NAME}-gone"),
    "issuer usage": ("--ledger", "azlic.db", *DATABASE),
    "issuer serve": ("--tls-certificate", NAME, "--tls-key", NAME, *DATABASE),
    "units": ("units",),
    "rules": ("rules",),
}  # fmt: skip
PROGRAM: Any = get_command(command_line([]))
FORMS = ("csv", "markdown", "html", "json")


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with clock_at(START), stamina.set_testing(True, attempts=1):
        yield


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site in a folder whose name means harm, so that every path that is told holds it."""
    folder = tmp_path / NAME
    folder.mkdir()
    site = Site(folder)
    yield site
    site.close()


@pytest.fixture
def hostile(cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Such a site with everything that the words above name, and whatever can have a name has a hostile one."""
    monkeypatch.setenv("COLUMNS", "5000")
    monkeypatch.setenv("AZLIC_SITE", "hall-7")
    monkeypatch.setenv("AZLIC_ISSUER_KEYS", str(site.public_key.parent))
    monkeypatch.setenv("AZLIC_SITE_KEYS", str(site.folder / "site-keys"))
    monkeypatch.setenv("AZLIC_LICENSES", f"{site.license}:{site.folder / NAME}:{site.folder / NAME}-opaque")
    site.install(a_license(expires_at=day("2026-04-01")))
    site.add_resource()
    folder = site.folder
    for name in (NAME, f"{NAME}-opaque", "opaque", "models"):
        (folder / name).mkdir()
        (folder / name / "license.dat").write_bytes(TEXT.encode())
    for place in (NAME, f"{NAME}-gone"):
        usage = site.output / place / CONTAINER_ID / "usage-2026-03-01.jsonl"
        usage.parent.mkdir(parents=True)
        usage.write_bytes(
            a_line(place[-4:]) + b"\n" + TEXT.replace("\n", "").encode() + b"\n" + b'{"%s": 1}\n' % b"\x9b\xc2\x85"
        )
    (site.output / NAME / CONTAINER_ID / f"usage-{NAME}.jsonl").write_bytes(a_line("b") + b"\n")
    (folder / "report.json").write_text(json.dumps({"apiType": TEXT, "serviceName": TEXT, "meters": [{"name": TEXT}]}))
    (folder / f"{NAME}.json").write_text(json.dumps([{"name": TEXT, "properties": {TEXT: TEXT}}]))
    (folder / "tags.txt").write_text("3.2.0\n" + TEXT.replace("\n", "") + "\n")
    (folder / "site.pem").write_bytes(site.public_key.read_bytes())
    (folder / f"{NAME}-key").write_text("k" * 32)
    channels = folder / "channels.toml"
    channels.write_text("[page]\ncommand = ['/bin/sh', '-c', 'cat > told.json']\n")
    channels.chmod(0o600)
    (folder / "azlic.toml").write_text('channels = "channels.toml"\ntextfile = "."\n')
    assert cli("site", "init", "--keys", "site-keys").status == 0
    assert cli("ingest", "output").status == 1
    for words in (("plan", "import", "license"), ("export", "-o", "march.azlic"), ("verify", NAME, "license")):
        assert cli(*words).status in (0, 1), words
    (folder / "head.db").touch()  # a second ledger is meant
    for command in ("ingest output", "handing-sites add hall-7 site-keys/site.pem"):
        assert cli(*command.split(), "--database", "head.db").status in (0, 1), command
    shutil.rmtree(site.output / f"{NAME}-gone")
    _, reset = sign_clock_reset(
        site.issuer_store,
        site.public_key.parent,
        instant=site.now,
        reason="wrong",
        site=None,
        now=site.now,
        actor=OPERATOR,
    )
    (folder / "reset.json").write_bytes(reset)
    return cli


def test_every_command_is_tried_here() -> None:
    assert WORDS.keys() - {"alerts"} == EVERY


def calls(command: str) -> Iterator[tuple[str, ...]]:
    """A command as it is usually called, then for scripts, then in its other forms."""
    words = (*command.split(), *WORDS[command])
    yield words
    if any("--json" in one.opts for one in parameters(command)):
        yield (*words, "--json")
    if command == "report":
        yield from ((*words, *span, "--format", form) for form in FORMS for span in ((), ("2026",)))
        yield from ((*words, "--format", "pdf", "-o", f"{NAME}.pdf"), (*words, "--format", "html", "-o", "r.html"))
    if command == "run":
        yield from (
            ("run", "read", "--as", form, "--license", f"/{NAME}") for form in ("compose", "kubernetes", "quadlet")
        )


def parameters(command: str) -> list[Any]:
    found = PROGRAM
    for word in command.split():
        found = found.commands[word]
    return list(found.params)


def wrong_calls(cli: Cli, tried: list[tuple[str, ...]], folder: Path) -> dict[str, object]:
    """The calls of which something got out, on the terminal or into a file."""
    wrong: dict[str, object] = {}
    for words in tried:
        before = {path for path in folder.rglob("*") if path.is_file()}
        answer = cli(*words)
        out = answer.out.replace("\r\n", "\n") if words[0] == "calendar" else answer.out
        found = {"out": leaks(out), "err": leaks(answer.err), **leaks_of_files(folder, before)}
        if any(found.values()):
            wrong[ascii(" ".join(words))] = found
        if "--json" in words and answer.status in (0, 1):
            assert all(isinstance(json.loads(text), dict) for text in documents(answer.out)), words

    return wrong


def documents(out: str) -> list[str]:
    return out.splitlines() if out.startswith('{"') else [out] if out else []


def usual_calls() -> list[tuple[str, ...]]:
    return [words for command in WORDS for words in calls(command)]


def test_neither_a_place_nor_a_word_with_a_hostile_name_comes_back_as_it_is(hostile: Cli, site: Site) -> None:
    """A sample of what the long tests try."""
    chance = random.Random(7)
    tried = [words for words in usual_calls() if "pdf" not in words and words[0] != "notify"]
    assert wrong_calls(hostile, chance.sample(tried, 25) + chance.sample(hostile_calls(), 20), site.folder) == {}


@pytest.mark.long
def test_no_command_lets_a_hostile_name_out(hostile: Cli, site: Site) -> None:
    assert wrong_calls(hostile, usual_calls(), site.folder) == {}
    assert leaks((site.folder / "told.json").read_bytes()) == []


def hostile_calls() -> list[tuple[str, ...]]:
    """Every option of every command with a hostile value, and its arguments; options and commands that are none."""
    tried: list[tuple[str, ...]] = [(NAME,), (f"--{NAME}",)]
    for command in sorted(WORDS):
        name, words, gone = tuple(command.split()), WORDS[command], f"{NAME}-nowhere"
        options = [max(one.opts, key=len) for one in parameters(command) if one.param_type_name == "option"]
        valued = [option for option in options if not option.startswith(("--json", "--yes", "--fix"))]
        end = WAITING.get(command, ())
        folders = [max(one.opts, key=len) for one in parameters(command) if one.metavar in ("FOLDER", "FILE", "DIR")]
        tried += [(*name, *words, option, NAME, *end) for option in valued]
        tried += [(*name, *words, option, gone, *end) for option in valued if option in folders]
        tried += [(*name, *words, f"--{NAME}"), (*name, gone, *end), (*name, gone, gone, *end)]
    return tried


@pytest.mark.long
def test_no_hostile_word_of_any_command_comes_back_as_it_is(hostile: Cli, site: Site) -> None:
    assert wrong_calls(hostile, hostile_calls(), site.folder) == {}


@pytest.mark.long
def test_no_hostile_setting_comes_back_as_it_is(hostile: Cli, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong: dict[str, object] = {}
    asked = [("config", "show"), ("config", "show", "--json"), ("check",), ("verify",), ("units", "units")]
    for name in NAMES:
        with monkeypatch.context() as patch:
            patch.setenv(variable_of(name), NAME)
            wrong |= {f"{name} {key}": found for key, found in wrong_calls(hostile, asked, site.folder).items()}
    file = site.folder / "azlic.toml"
    quoted = json.dumps(TEXT)
    for text in (f"{quoted} = 1", f"site = {quoted}", f"[pull]\n{quoted} = {quoted}", f"site = '{TEXT}", TEXT):
        file.write_text(text)
        wrong |= {f"{text!r} {key}": found for key, found in wrong_calls(hostile, asked, site.folder).items()}
    assert wrong == {}
