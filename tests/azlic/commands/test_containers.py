"""`azlic containers` and `azlic tags`, as an operator runs them."""

import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from engines.catalogue import ENGINES
from licensing.containers import CONTAINER_TYPES
from tests.azlic.conftest import Cli

TAGS = {
    "name": "azure-cognitive-services/speechservices/speech-to-text",
    "tags": ["2.10.0-amd64-de-de", "4.9.0-amd64-de-de", "4.10.0-amd64-en-us", "3.2-model", "\x1b[2J", "latest"],
}


@pytest.fixture
def tags_file(tmp_path: Path) -> Path:
    path = tmp_path / "tags.json"
    path.write_text(json.dumps(TAGS))
    return path


def test_the_catalogue_is_a_table_within_a_terminals_width(cli: Cli) -> None:
    answer = cli("containers")
    assert answer.status == 0 and max(map(len, answer.out.splitlines())) <= 80
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in answer.out.splitlines()}
    assert rows["read"] == "yes 4 cores, 8 GB 8 cores, 16 GB Read"
    assert rows["language-identification"] == "no 1 core, 1 GB 1 core, 1 GB"


def test_one_container_is_told_in_full(cli: Cli) -> None:
    told = " ".join(cli("containers", "speech-to-text").out.split())
    assert "mcr.microsoft.com/azure-cognitive-services/speechservices/speech-to-text:latest" in told
    assert "Mounts:License /license, Mounts:Output /output" in told and "5000, ws://localhost:5000" in told
    assert "at least 4 cores, 4 GB, recommended 8 cores, 8 GB, and 4 to 8 GB for its model" in told
    assert "Plan STT" in told and "Offline yes (Microsoft's list" in told
    assert "azlic/speech-to-text" in told and "verified in full" in told and "opaque: adopted" in told
    assert "signed by an issuer" in cli("containers", "read").out


def test_a_container_that_does_not_run_disconnected_is_said_so(cli: Cli) -> None:
    told = " ".join(cli("containers", "language-identification").out.split())
    assert "Offline no (its documentation: not available as a disconnected container)" in told


def test_a_container_is_found_by_its_image_too(cli: Cli) -> None:
    fields = json.loads(cli("containers", "harbor:5000/azlic/read:3.2.0", "--json").out)
    (read,) = fields["containers"]
    assert fields["schema"] == "azlic.containers/v1"
    assert (read["name"], read["disconnected"], read["plan_types"]) == ("read", True, ["Read"])
    assert [image["license"] for image in read["images"]] == ["azlic", "opaque"]
    assert read["mounts"] == {"Mounts:License": "/license", "Mounts:Output": "/output"}
    assert read["needs"][1]["recommended"] == {"cores": 8, "memory_gb": 24}


def test_the_whole_catalogue_is_there_for_a_script(cli: Cli) -> None:
    assert len(json.loads(cli("containers", "--json").out)["containers"]) == 21


def test_an_unknown_container_is_refused_with_the_names_there_are(cli: Cli) -> None:
    answer = cli("containers", "reed")
    assert answer.status == 2 and "neural-text-to-speech" in answer.err


def test_tags_are_sorted_and_those_of_another_form_listed_apart(cli: Cli, tags_file: Path) -> None:
    answer = cli("tags", tags_file)
    assert answer.status == 0
    order = [answer.out.index(text) for text in ("4.10.0-amd64-en-us", "4.9.0-amd64-de-de", "2.10.0-amd64-de-de")]
    assert order == sorted(order)
    assert "latest: the image for en-us" in answer.out
    assert "of another form, not sorted: 2\n  3.2-model\n  \\x1b[2J" in answer.out and "\x1b" not in answer.out


def test_the_newest_tag_of_a_locale_stands_alone_for_a_script(cli: Cli, tags_file: Path) -> None:
    assert cli("tags", tags_file, "--locale", "de-DE", "--newest").out == "4.9.0-amd64-de-de\n"
    assert cli("tags", tags_file, "--newest").out == "4.9.0-amd64-de-de\n4.10.0-amd64-en-us\n"


def test_a_locale_without_a_tag_is_a_no(cli: Cli, tags_file: Path) -> None:
    answer = cli("tags", tags_file, "--locale", "fr-FR", "--newest")
    assert (answer.status, answer.out) == (1, "")
    assert "no tag is for the locale 'fr-FR'" in answer.err and "one of de-de, en-us" in answer.err


def test_tags_for_a_script(cli: Cli, tags_file: Path) -> None:
    fields = json.loads(cli("tags", tags_file, "--locale", "de-de", "--json").out)
    assert (fields["schema"], fields["newest"], fields["latest"]) == ("azlic.tags/v1", "4.9.0-amd64-de-de", True)
    assert [tag["version"] for tag in fields["tags"]] == ["4.9.0", "2.10.0"]
    assert fields["others"] == ["3.2-model", "\x1b[2J"]


def test_tags_come_from_standard_input_too(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"1.0.0-amd64-de-de\n")))
    assert cli("tags", "-", "--newest").out == "1.0.0-amd64-de-de\n"


def test_what_is_no_list_of_tags_is_the_environments_failure(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(b"{<html>")
    answer = cli("tags", tmp_path / "page.html")
    assert answer.status == 3 and "is not a list of tags: it is not JSON" in answer.err


OURS = {name: kind for kind in CONTAINER_TYPES.values() for name in kind.repositories if name.startswith("azlic/")}


@pytest.mark.parametrize("host", ["", "plant.example:5000/"])
@pytest.mark.parametrize("repository", [*OURS, "azlic/no-such-thing", "azlic/read-2"])
@pytest.mark.parametrize("words", [("containers",), ("run",), ("run", "speech-to-text", "--image")])
def test_an_image_of_ours_that_does_not_exist_is_not_taken_for_one(
    cli: Cli, words: tuple[str, ...], repository: str, host: str
) -> None:
    kind = OURS.get(repository)
    answer = cli(*words, f"{host}{repository}")
    if kind is not None and kind.name in ENGINES:
        assert answer.status == 0, answer.err
        return
    assert answer.status == 2 and f"there is no image '{host}{repository}'" in answer.err
    assert f"images are: {', '.join(name for name in OURS if OURS[name].name in ENGINES)}" in answer.err
    assert "--image" not in answer.err and (kind is None or f"{kind.repository}:" in answer.err)


def test_the_catalogue_knows_which_engines_there_are(cli: Cli) -> None:
    assert {kind.name for kind in CONTAINER_TYPES.values() if kind.has_engine} == set(ENGINES)
    for name, kind in OURS.items():
        told = " ".join(cli("containers", kind.name).out.split())
        assert name in told and ("does not exist yet" in told) is (kind.name not in ENGINES)


def test_no_preview_is_taken_where_the_newest_cannot_be_told(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "tags.json"
    path.write_text(json.dumps({"name": "textanalytics/sentiment", "tags": ["3.0-en", "1.0.0-amd64-preview"]}))
    answer = cli("tags", path, "--newest")
    assert (answer.status, answer.out) == (1, "") and "cannot tell which is the newest" in answer.err
    assert json.loads(cli("tags", path, "--newest", "--json").out)["newest"] is None
    assert cli("tags", path).status == 0
