"""`azlic run`, as an operator runs it."""

import pytest
import yaml

from tests.azlic.conftest import Cli
from tests.licensing.deployment.shapes import docker_options, docker_parts, documents
from tests.site import Site

BILLING = "https://plant-read.cognitiveservices.azure.com"
KEY = "0123456789abcdef0123456789abcdef"


def test_a_docker_line_with_folders_here_and_the_recommended_size(cli: Cli, site: Site) -> None:
    answer = cli("run", "read")
    flags, image, words = docker_parts(answer.out)
    assert answer.status == 0 and answer.out.count("\n") == 1
    assert ("--memory", "16g") in flags and ("--cpus", "8") in flags
    assert ("-v", f"{site.folder}/license:/license:ro") in flags and ("-v", f"{site.folder}/output:/output") in flags
    assert image.endswith("vision/read:3.2-model-2022-04-30") and len(words) == 3
    assert f"chown -R 65532:65532 {site.folder}/license" in answer.err


def test_every_option_has_its_place(cli: Cli) -> None:
    words = (
        "--image r.example/read:3.2 --license /l --output /o --cpus 4 --memory 8G --port 5001 --user 1:2 --name hall"
    )
    flags, image, _ = docker_parts(cli("run", "read", *words.split(), "Logging:Disk:Format=json").out)
    assert image == "r.example/read:3.2"
    stated = {"--cpus": "4", "--memory": "8g", "-p": "5001:5000", "--user": "1:2", "--name": "hall"}
    assert stated.items() <= dict(flags).items()
    assert ("--env", "Logging:Disk:Format=json") in flags


@pytest.mark.parametrize("step", ["--download", "--connected"])
@pytest.mark.parametrize("form", ["docker", "compose", "kubernetes", "quadlet"])
def test_what_takes_a_key_never_holds_it_and_says_where_to_put_it(cli: Cli, form: str, step: str) -> None:
    answer = cli("run", "read", "--as", form, step, "--billing", BILLING)
    assert answer.status == 0 and BILLING in answer.out
    assert ("DownloadLicense" in answer.out) is (step == "--download")
    told = {
        "docker": 'export ApiKey="$(cat key1)"',
        "compose": 'export ApiKey="$(cat key1)"',
        "kubernetes": 'printf %s "$(cat key1)" | kubectl create secret generic read-api-key'
        " --from-file=ApiKey=/dev/stdin",
        "quadlet": 'printf %s "$(cat key1)" | podman secret create read-api-key -',
    }
    assert f"before: {told[form]}" in answer.err or f"hold the API key: {told[form]}" in answer.err


def test_a_downloads_line_is_understood_by_our_container(cli: Cli) -> None:
    line = cli("run", "read", "--download", "--billing", BILLING).out
    options = docker_options(line, {"ApiKey": f"{KEY}\n"})
    assert (options.billing, options.api_key, options.download_license) == (BILLING, KEY, True)


def test_a_connected_run_has_no_license_and_no_trust_store(cli: Cli) -> None:
    for container in ("read", "azlic/read:3.2.0", "language-identification"):
        line = cli("run", container, "--connected", "--billing", BILLING).out
        options = docker_options(line, {"ApiKey": KEY})
        assert (options.billing, options.api_key, options.download_license) == (BILLING, KEY, False)
        assert "icense" not in line and "trust" not in line.lower() and ":/output" in line


def test_kubernetes_takes_claims_unless_a_folder_of_the_node_is_named(cli: Cli) -> None:
    claimed = cli("run", "read", "--as", "kubernetes", "--namespace", "plant")
    assert claimed.out.count("kind: PersistentVolumeClaim") == 2 and "chown" not in claimed.err
    named = cli("run", "read", "--as", "kubernetes", "--license", "/srv/license")
    assert named.out.count("kind: PersistentVolumeClaim") == 1 and "path: /srv/license" in named.out
    assert documents(claimed.out)["Service"]["metadata"]["namespace"] == "plant"


def test_our_own_container_is_given_the_trust_store(cli: Cli, site: Site) -> None:
    line = cli("run", "azlic/read:3.2.0").out
    assert ("-v", f"{site.trust.folder}:/etc/azlic/trust.d:ro") in docker_parts(line)[0]
    manifest = cli("run", "azlic/read:3.2.0", "--as", "kubernetes")
    assert "name: read-trust" in manifest.out and "kubectl create configmap read-trust" in manifest.err


def test_doubts_are_said_and_do_not_stop_it(cli: Cli) -> None:
    answer = cli("run", "speech-to-text", "--cpus", "2")
    assert answer.status == 0 and "the tag latest moves" in answer.err and "less than the minimum" in answer.err
    assert "also needs MODELS and TRANSLATORSYSTEMCONFIG" in cli("run", "text-translation").err
    assert "also needs" not in cli("run", "summarization", "rai_terms=accept").err


def test_a_file_is_written_whole_and_closed_to_others(cli: Cli, site: Site) -> None:
    assert cli("run", "read", "--as", "compose", "-o", "read.yaml").out == ""
    path = site.folder / "read.yaml"
    assert path.stat().st_mode & 0o777 == 0o640
    assert yaml.safe_load(path.read_text())["services"].keys() == {"read"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("read --as helm", "there is no form 'helm'"),
        ("read --download", "--download and --billing belong together"),
        (f"read --billing {BILLING}", "--download and --billing belong together"),
        ("read --connected", "--connected needs --billing"),
        (f"read --connected --download --billing {BILLING}", "--download and --connected exclude each other"),
        ("language-identification", "does not run disconnected"),
        ("plant/ocr:1", "cannot tell which container 'plant/ocr:1' is"),
        ("read --image READ", "'READ' is not the name of an image"),
        ("read --user root", "--user 'root' is not of the form UID:GID"),
        (f"read ApiKey={KEY}", "the setting 'ApiKey' cannot be set here"),
        ("read --license /a:b", "--license '/a:b' cannot be mounted"),
        ("read --as quadlet --license /srv/$x", "a podman unit cannot hold '/srv/$x'"),
    ],
)
def test_what_cannot_be_meant_is_refused(cli: Cli, words: str, told: str) -> None:
    answer = cli("run", *words.split())
    assert (answer.status, answer.out) == (2, "")
    assert told in answer.err and KEY not in answer.err
