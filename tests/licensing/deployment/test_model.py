from pathlib import Path
from typing import Any

import pytest

from licensing.core.errors import BadCall
from licensing.core.user import parse_user
from licensing.deployment import LARGEST_ID, parse_settings
from tests.licensing.deployment.shapes import a_deployment


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "Read"}, "--name 'Read' is not a name"),
        ({"name": "r" * 41}, "is not a name of at most 40"),
        ({"namespace": "a_b"}, "--namespace 'a_b' is not a name"),
        ({"cpus": "0"}, "--cpus '0' is not a number of cores"),
        ({"cpus": "-1"}, "--cpus '-1'"),
        ({"cpus": "8;id"}, "--cpus '8;id'"),
        ({"memory": "16"}, "--memory '16' is not a size"),
        ({"memory": "16gb"}, "--memory '16gb' is not a size"),
        ({"port": 0}, "--port 0 is not a port"),
        ({"folders": {"license": Path("license")}}, "--license 'license' cannot be mounted"),
        ({"folders": {"license": Path("/a:b")}}, "--license '/a:b' cannot be mounted"),
        ({"folders": {"output": Path("/a\nb")}}, "cannot be mounted"),
        ({"more": {"a b": "x"}}, "'a b' is not a setting"),
        ({"more": {"a": "x\ny"}}, "'a' is not a setting"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(BadCall) as error:
        a_deployment(**changes)
    assert told in error.value.message


@pytest.mark.parametrize("key", ["ApiKey", "apikey", "API_KEY", "Mounts_License", "Mounts:Output", "EULA", "Urls"])
def test_the_settings_that_are_written_here_cannot_be_stated_besides(key: str) -> None:
    with pytest.raises(BadCall) as error:
        a_deployment(more={key: "0123456789abcdef"})
    assert key in error.value.message and "0123456789abcdef" not in f"{error.value!r}{error.value.hint}"


@pytest.mark.parametrize(
    "billing",
    [
        "",
        "plant",
        "ftp://x",
        "https://",
        "https://u:p@x",
        "https://x?key=1",
        "https://x/ y",
        "{ENDPOINT_URI}",
        "https://[",
    ],
)
def test_an_endpoint_is_an_address_without_a_secret(billing: str) -> None:
    with pytest.raises(BadCall, match="--billing is not the endpoint"):
        a_deployment(billing=billing)


def test_a_container_that_does_not_run_disconnected_is_refused() -> None:
    with pytest.raises(BadCall, match="Speech language identification does not run disconnected"):
        a_deployment("language-identification")


@pytest.mark.parametrize(
    ("changes", "below"),
    [
        ({}, False),
        ({"cpus": "4", "memory": "8g"}, False),
        ({"cpus": "3.5"}, True),
        ({"memory": "8191m"}, True),
        ({"memory": "8388608k"}, False),
    ],
)
def test_less_than_the_documented_minimum_is_seen(changes: dict[str, str], below: bool) -> None:
    assert a_deployment(**changes).is_below_minimum is below


def test_a_container_with_no_stated_minimum_is_never_below_it() -> None:
    assert not a_deployment("summarization", cpus="1", memory="1g").is_below_minimum


@pytest.mark.parametrize("user", ["", "root", "1", "1:2:3", "-1:0", "1:99999999999", "4294967295:0"])
def test_a_user_is_two_numbers(user: str) -> None:
    with pytest.raises(BadCall, match="is not of the form UID:GID"):
        parse_user(user, largest=LARGEST_ID)
    assert parse_user("0:65532", largest=LARGEST_ID) == (0, 65532)


def test_further_settings_are_words_with_values() -> None:
    assert parse_settings(["MODELS=a=b", "X="]) == {"MODELS": "a=b", "X": ""}
    with pytest.raises(BadCall, match="'downloadmodel' is not of the form"):
        parse_settings(["downloadmodel"])
