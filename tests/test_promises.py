"""What the project promises about itself: imports go down, one clock, helps with examples, a README that is true."""

import ast
import doctest
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Container, Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from azlic.app import command_line
from engines.catalogue import ENGINES
from engines.options import COMMON
from tests.serving import free_port

ROOT = Path(__file__).parent.parent
FLOORS = ("azlic", "engines", "usage", "licensing", "migrations")
CLOCKS = {
    *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")),
    "datetime.date.today",
    *(f"time.{name}" for name in ("time", "time_ns", "localtime", "gmtime", "ctime", "asctime", "strftime")),
    *("time.clock_gettime", "time.clock_gettime_ns", "os.times"),
}
"""What tells the hour or the day. ``time.monotonic`` and ``perf_counter`` do not: they measure how long we wait."""


@cache
def modules(package: str) -> list[tuple[Path, ast.Module]]:
    return [(path.relative_to(ROOT), ast.parse(path.read_text())) for path in sorted((ROOT / package).rglob("*.py"))]


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("package", FLOORS)
def test_imports_go_down_only(package: str) -> None:
    above = set(FLOORS[: FLOORS.index(package)])
    wrong = {f"{path} imports {name}" for path, tree in modules(package) for name in imported(tree) if name in above}
    assert not wrong


def looks_at_a_clock(tree: ast.Module) -> set[str]:
    """The clocks that a module's names stand for, whatever they were imported as."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
            names |= {top: top for alias in node.names if (top := alias.name.partition(".")[0]) and not alias.asname}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}

    def stands_for(node: ast.expr) -> str:
        if isinstance(node, ast.Attribute):
            return f"{stands_for(node.value)}.{node.attr}"
        return names.get(node.id, "") if isinstance(node, ast.Name) else ""

    used = {stands_for(node) for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute)}
    return (used | set(names.values())) & CLOCKS


def test_only_the_outermost_layer_looks_at_the_clock() -> None:
    looks = {str(path) for package in FLOORS for path, tree in modules(package) if looks_at_a_clock(tree)}
    assert looks == {"azlic/clock.py"}


@pytest.mark.parametrize(
    ("source", "clock"),
    [
        ("import time\ntime.time()", "time.time"),
        ("from time import time\ntime()", "time.time"),
        ("from time import time_ns as ns", "time.time_ns"),
        ("import time as t\nt.gmtime()", "time.gmtime"),
        ("import datetime\ndatetime.datetime.now()", "datetime.datetime.now"),
        ("from datetime import datetime\nclock = datetime.now", "datetime.datetime.now"),
        ("from datetime import datetime as dt\ndt.now()", "datetime.datetime.now"),
        ("import datetime as d\nd.date.today()", "datetime.date.today"),
        ("def f():\n    from datetime import date\n    return date.today()", "datetime.date.today"),
        ("import os.path\nos.times()", "os.times"),
    ],
)
def test_a_look_at_the_clock_is_seen_by_whatever_name(source: str, clock: str) -> None:
    assert looks_at_a_clock(ast.parse(source)) == {clock}


@pytest.mark.parametrize(
    "source",
    [
        "from time import monotonic, sleep\nmonotonic()",
        "import time\ntime.perf_counter()",
        "from datetime import datetime\ndatetime.fromtimestamp(0)",
        "from azlic import clock\nclock.now()",
        "from pathlib import Path\nPath('x').stat().st_mtime",
        "time = row.time\nrow.datetime.now",
    ],
)
def test_what_measures_or_reads_a_time_is_no_look_at_the_clock(source: str) -> None:
    assert looks_at_a_clock(ast.parse(source)) == set()


GROUND = {"quantity", "months"}
ARROWS: dict[str, dict[str, set[str]]] = {
    "usage": {
        "records": GROUND,
        "ledger": {"records"} | GROUND,
        "intake": {"ledger", "records"} | GROUND,
        "plans": {"ledger"} | GROUND,
        "readings": {"plans", "ledger", "records"} | GROUND,
        "closing": {"auditing", "reporting", "plans", "intake", "ledger", "records"} | GROUND,
        "reporting": {"plans", "ledger", "records"} | GROUND,
        "auditing": {"ledger", "records"} | GROUND,
        "handover": {"ledger", "records"} | GROUND,
        "alerts": {"reporting", "plans", "ledger"} | GROUND,
        "connected": {"reporting", "plans", "ledger", "records"} | GROUND,
    },
    "licensing": {
        "core": set(),
        "db": {"core"},
        "containers": {"core"},
        "signing": {"core", "containers"},
        "sealing": {"core"},
        "verdict": {"signing", "core"},
        "history": {"db", "verdict", "core"},
        "trust": {"db", "history", "signing", "core"},
        "verification": {"trust", "verdict", "signing", "containers", "core"},
        "delivery": {"verification", "trust", "verdict", "signing", "core"},
        "adoption": {"verification", "history", "verdict", "db", "containers", "core"},
        "issuer": {"delivery", "history", "trust", "sealing", "signing", "db", "containers", "core"},
        "deployment": {"containers", "core"},
        "doctor": {"delivery", "verification", "trust", "verdict", "db", "containers", "core"},
    },
    "engines": {
        "logs": set(),
        "server": {"logs"},
        "metering": set(),
        "results": set(),
        "options": {"logs"},
        "models": set(),
        "read": {"extras", "metering", "results", "server"},
        "speech": {"extras", "metering", "server"},
        "permit": {"metering", "server"},
        "host": {"permit", "server"},
        "engine": {"metering", "server"},
        "extras": set(),
        "container": {"engine", "host", "logs", "metering", "models", "options", "permit", "server"},
        "catalogue": {"engine", "models", "options", "read", "results", "speech"},
    },
    "azlic": {
        "lines": set(),
        "output": {"lines"},
        "render": {"lines", "monitoring", "output", "settings"},
        "verifier": {"settings"},
        "monitoring": {"output", "settings", "verifier"},
        "web": {"monitoring", "render"},
        "commands": {
            "render",
            "web",
            "monitoring",
            "mount_history",
            "verifier",
            "clock",
            "options",
            "output",
            "sd_notify",
            "signals",
            "settings",
        },
        "app": {"commands", "plain_help"},
        "__main__": {"app", "commands", "output"},
    },
}
"""The rooms of each floor, and which others a room may import from: what ARCHITECTURE.md draws."""


@cache
def houses() -> dict[str, set[str]]:
    """Every module, and the modules that it imports; an import inside a function is one too."""
    files = {
        ".".join(path.with_suffix("").parts).removesuffix(".__init__"): tree
        for package in FLOORS
        for path, tree in modules(package)
    }
    return {name: set(_imports(tree, files)) for name, tree in files.items()}


def _imports(tree: ast.Module, known: Container[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                inner = f"{node.module}.{name.name}"
                yield inner if inner in known else node.module


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("package", ARROWS)
def test_rooms_import_only_from_the_rooms_below_them(package: str) -> None:
    arrows = {
        (room(one), room(other))
        for one, imports in houses().items()
        for other in imports
        if one.startswith(f"{package}.") and other.startswith(f"{package}.") and room(one) != room(other)
    }
    allowed = {(one, other) for one, others in ARROWS[package].items() for other in others}
    assert arrows - allowed == set()


def test_the_page_shares_the_words_of_the_report_and_nothing_else_of_it() -> None:
    arrows = {other for one, imports in houses().items() if one.startswith("azlic.web") for other in imports}
    assert {other for other in arrows if other.startswith("azlic.render")} == {"azlic.render.words"}


def test_no_circle_of_modules() -> None:
    TopologicalSorter(houses()).prepare()  # raises CycleError with the circle


def test_no_module_imports_from_a_module_that_is_not_there() -> None:
    house = houses()
    wrong = {
        (one, other)
        for one, imports in house.items()
        for other in imports
        if other.partition(".")[0] in FLOORS and other not in house
    }
    assert wrong == set()


def commands(command: object, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    nested = getattr(command, "commands", None)
    if nested is None:
        yield words
    else:
        for name, inner in nested.items():
            yield from commands(inner, (*words, name))


@pytest.mark.parametrize("words", list(commands(get_command(command_line([])))), ids=" ".join)
def test_every_command_has_a_help_with_an_example(words: tuple[str, ...]) -> None:
    example = asked_for_help(*words, "--help").partition("Example: ")[2].partition("\n\n")[0].replace("\\\n", "")
    assert " ".join(example.split()).startswith(" ".join(("azlic", *words)))
    assert "\n" not in example.strip(), "a line that goes on ends in a backslash"


def groups(command: object, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    nested = getattr(command, "commands", None)
    if nested is not None:
        yield words
        for name, inner in nested.items():
            yield from groups(inner, (*words, name))


def asked_for_help(*words: str) -> str:
    """The program's answer on a terminal of 80 columns."""
    answer = CliRunner().invoke(command_line(words), words, env={"COLUMNS": "80", "NO_COLOR": "1"})
    assert answer.exit_code == 0, answer
    return answer.stdout


def test_a_program_that_is_made_again_has_each_command_once() -> None:
    registered = [0, 0]
    for made in range(2):
        waiting = [command_line([])]
        for app in waiting:
            waiting += [group.typer_instance for group in app.registered_groups if group.typer_instance]
            registered[made] += len(app.registered_commands) + len(app.registered_groups)
    assert registered[0] == registered[1]


@pytest.mark.parametrize("words", list(groups(get_command(command_line([])))), ids=" ".join)
def test_no_short_help_is_cut_off_at_80_columns(words: tuple[str, ...]) -> None:
    told = asked_for_help(*words, "-h")
    assert "..." not in told.partition("Commands:")[2]


@pytest.mark.parametrize("words", [(), ("verify",), ("issuer", "resource"), ("issuer", "resource", "add"), ("engine",)])
def test_h_is_help(words: tuple[str, ...]) -> None:
    assert asked_for_help(*words, "-h") == asked_for_help(*words, "--help")


@pytest.mark.parametrize("words", list(commands(get_command(command_line([])))), ids=" ".join)
def test_an_argument_is_told_without_its_type_in_python(words: tuple[str, ...]) -> None:
    told = asked_for_help(*words, "-h")
    assert not re.search(r"<(list|str|path)", told.partition("Arguments:")[2].partition("Options:")[0])


def test_the_help_of_an_engine_lists_the_containers_options() -> None:
    told = asked_for_help("engine", "--help")
    common, _, of_engines = told.partition("Of the engines, ")
    keys = {option.key.replace("*", "NAME") for option in COMMON}
    assert set(re.findall(r"^ +(\S+?)=", common, flags=re.MULTILINE)) == keys
    for name, offer in ENGINES.items():
        own = of_engines.partition(f"{name} takes:")[2].lstrip("\n").partition("\n\n")[0]
        assert re.findall(r"^ +(\S+?)=", own, flags=re.MULTILINE) == [option.key for option in offer.options]
    assert max(map(len, told.splitlines())) <= 80


def test_the_version_is_told() -> None:
    azlic = Path(sys.executable).with_name("azlic")
    told = subprocess.run([azlic, "--version"], check=True, capture_output=True, text=True)
    assert re.fullmatch(r"azlic \d+\.\d+\.\d+\n", told.stdout)


def test_shell_completion_completes_commands() -> None:
    azlic = Path(sys.executable).with_name("azlic")
    asked = {"_AZLIC_COMPLETE": "complete_bash", "COMP_WORDS": "azlic ver", "COMP_CWORD": "1"}
    told = subprocess.run([azlic], capture_output=True, text=True, env=os.environ | asked, check=False)
    assert told.stdout.split() == ["verify"]


def _plain() -> dict[str, str]:
    return os.environ | {"COLUMNS": "80", "NO_COLOR": "1"}


class Session:
    """The README's session: each command is run as it stands, and its answer compared with what stands below it."""

    def __init__(self, folder: Path) -> None:
        """Its terminal is wide: a reader's paths are short, and pytest's are not."""
        self.folder = folder
        self.servers: list[subprocess.Popen[bytes]] = []
        self.environment = _plain() | {
            "COLUMNS": "250",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }

    def run(self, command: str) -> str:
        if command.startswith("export "):
            settings = [word.partition("=") for word in shlex.split(command)[1:]]
            self.environment |= {name: value.replace("$PWD", str(self.folder)) for name, _, value in settings}
            return ""
        if command.endswith(" &"):
            words = command.removesuffix(" &").split()
            server = subprocess.Popen(words, cwd=self.folder, env=self.environment, stderr=subprocess.PIPE)
            self.servers.append(server)
            assert server.stderr is not None and b"listening" in server.stderr.readline()
            return ""
        words = ["sh", "-c", command]
        told = subprocess.run(words, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False)
        return told.stdout

    def close(self) -> None:
        for server in self.servers:
            server.terminate()
            server.communicate()


def test_the_readme_session_is_true(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    blocks = "".join(re.findall(r"```console\n(.*?)```", readme, flags=re.DOTALL))
    assert blocks.count(":5080") == 3
    blocks = blocks.replace(":5080", f":{free_port()}")  # the README's may be taken
    steps = re.split(r"^\$ ", blocks, flags=re.MULTILINE)[1:]
    assert len(steps) >= 10
    checker = doctest.OutputChecker()
    session = Session(tmp_path)
    try:
        for step in steps:
            command, _, expected = step.partition("\n")
            told = session.run(command)
            assert checker.check_output(expected, told, doctest.ELLIPSIS), (command, told)
        _python_block(readme, session)
    finally:
        session.close()


def _python_block(readme: str, session: Session) -> None:
    found = re.search(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    assert found is not None
    told = subprocess.run(
        [sys.executable, "-c", found[1]],
        cwd=session.folder,
        env=session.environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told.startswith("valid True 36") and "15 not ended True" in told


def test_the_help_of_the_program_lists_every_command_once_below_a_title_within_80_columns() -> None:
    told = asked_for_help("--help").partition("Commands:")[2]
    listed = re.findall(r"^    ([a-z-]+) ", told, re.MULTILINE)
    assert sorted(listed) == sorted({words[0] for words in commands(get_command(command_line([])))})
    assert len(re.findall(r"^  [A-Z].*:$", told, re.MULTILINE)) > 5
    assert max(map(len, asked_for_help("--help").splitlines())) <= 80
