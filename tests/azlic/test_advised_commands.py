"""Every command that azlic prints takes names as single words of a shell, whatever is in them."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.azlic.conftest import Cli
from tests.site import Site

ROOT = Path(__file__).parents[2]
PACKAGES = ("azlic", "engines", "licensing", "usage")
COMMAND = re.compile(
    r"(?:^|[\s'(:;&|])(?:azlic(?: [a-z][a-z-]*)+|(?:chmod|chown|chgrp|mkdir|touch|cp|mv|rm|df|find|systemctl) )[^.;,]*$"
)
QUOTING = ("command_word(", "name_word(", "_word(")
PLAIN = {
    "bits", "day", "earlier", "first", "flag", "gid", "identity", "item.key", "kind.lower()", "kind.name",
    "known.effective_at", "month", "more", "os.getegid()", "os.geteuid()", "row.license_id", "rule.scope", "self",
    "self.by_group", "uid", "units", "whose", "-known.units", "2 * units",
    "DISCONNECTED_SKU", "'-R ' if flag else ''", "'end' if here.auto_renew else 'renew'", "type(error).__name__",
    "error", "printable(found)", "self.starts_at",
}  # fmt: skip
"""Numbers, days, words of azlic's own; and errors, behind what is no command."""
QUOTED_BEFORE = {
    "azlic/commands/container.py: instance",
    "azlic/commands/container.py: where",
    "azlic/commands/units.py: ' '.join(units)",
    "azlic/commands/units.py: remove",
    "azlic/render/deployment.py: ' '.join(named)",
    "licensing/doctor/identity.py: where",
    "licensing/doctor/license_folder.py: apart",
    "licensing/doctor/license_folder.py: moved",
    "licensing/doctor/license_folder.py: right",
    "licensing/doctor/links.py: copy",
    "licensing/doctor/links.py: link",
    "licensing/doctor/survey.py: identity.make_folder(word)",
    "licensing/doctor/survey.py: where",
    "licensing/doctor/survey.py: word",
    "usage/plans/amendments.py: word",
}
"""Where several words, or one that is told twice, were quoted before they are put together."""


def filled_in() -> Iterator[tuple[str, str]]:
    """Each value that the code puts into a command, and its file."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                said = ""
                for part in node.values if isinstance(node, ast.JoinedStr) else ():
                    if isinstance(part, ast.FormattedValue):
                        if COMMAND.search(said):
                            yield str(path.relative_to(ROOT)), ast.unparse(part.value)
                        said += "_"
                    elif isinstance(part, ast.Constant):
                        said += str(part.value)


def test_every_name_in_a_command_is_one_word_of_a_shell() -> None:
    bare = [(path, value) for path, value in filled_in() if not any(quoting in value for quoting in QUOTING)]
    assert {f"{path}: {value}" for path, value in bare if value not in PLAIN} == QUOTED_BEFORE
    assert {value for _, value in bare} >= PLAIN


ODD = "x'|;a $(b) -c"
PLAN = (
    "--type", "Sample", "--quota", "100", "--unit", "Hour", "--start", "2026-01-01", "--end", "2027-01-01",
    "--period", "year",
)  # fmt: skip
CALLS = (
    ("plan", "add", ODD, *PLAN),
    ("plan", "show", ODD),
    ("plan", "add", ODD, *PLAN, "--count", "3"),
    ("plan", "add", ODD, *PLAN, "--auto-renew"),
    ("plan", "add", ODD, *PLAN, "--tier", "T2"),
    ("plan", "add", ODD, *PLAN, "--meter", ODD),
    ("plan", "map", ODD, "Sample.Meter", "--remove"),
    ("plan", "amend", ODD, "--units", "-1", "--from", "2026-05-01"),
    ("plan", "rule", "remove", ODD, "--site", "north"),
    ("sources", "separate", ODD),
    ("plan", "import", ODD),
    ("adopt", ODD, "--container", "read", "--expires", "2027-01-01"),
    ("install", "license.dat", ODD, "--container", "read", "--image-version", "3.2.0"),
)


def test_what_is_printed_names_the_thing_when_a_shell_reads_it(
    cli: Cli, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    (site.folder / ODD).mkdir()
    site.install(folder=site.folder / ODD)
    (site.folder / ODD / "license.dat").write_bytes((site.folder / ODD / "license.dat").read_bytes()[:-9])
    for words in CALLS:
        if words[0] == "install":
            (site.folder / ODD / "license.dat").rename(site.folder / "license.dat")
            (site.folder / ODD).rmdir()
        answer = cli(*words)
        printed = re.findall(r"(?:azlic (?!units)|mkdir )[a-z-]+ .*", answer.out + answer.err)
        assert printed, (words, answer)
        assert {ODD, f"./{ODD}"} & set(shlex.split(printed[-1])), (words, printed)
