"""Every form tells the container the same, and each is valid by its own schema or parser."""

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import kubernetes_validate.utils
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.options import ContainerOptions, parse_options
from licensing.containers import CONTAINER_TYPES
from licensing.core.errors import BadCall
from licensing.deployment import FORMS, Deployment, write_form
from tests.licensing.deployment.shapes import (
    BILLING,
    OURS,
    a_deployment,
    all_loaded,
    compose_options,
    docker_options,
    docker_parts,
    documents,
    kubernetes_options,
    loaded,
    quadlet_options,
    the_pod,
    the_service,
    unit_lines,
)

kubernetes_validate.utils.schema_contents = cache(kubernetes_validate.utils.schema_contents)  # megabytes, each time
KEY = "0123456789abcdef0123456789abcdef"
VENDOR = Path(__file__).parents[2] / "vendor"
QUADLET = shutil.which("quadlet", path=f"/usr/libexec/podman:/usr/lib/podman:{os.environ['PATH']}")
DISCONNECTED = [name for name, kind in CONTAINER_TYPES.items() if kind.disconnected]
CONNECTED: dict[str, Any] = {"billing": BILLING, "connected": True}
STEPS = [
    pytest.param({}, id="run"),
    pytest.param({"billing": BILLING}, id="download"),
    pytest.param(CONNECTED, id="connected"),
]
RUN = parse_options(["Eula=accept", "Mounts:License=/license", "Mounts:Output=/output"], {})
REPORTING = parse_options(f"eula=accept billing={BILLING} apikey={KEY} Mounts:Output=/output".split(), {})
DOWNLOAD = parse_options(
    f"eula=accept billing={BILLING} apikey={KEY} DownloadLicense=True Mounts:License=/license".split(), {}
)


def options_of(deployment: Deployment, form: str) -> ContainerOptions:
    text = write_form(deployment, form)
    assert KEY not in text
    readers = {
        "docker": lambda: docker_options(text, {"ApiKey": KEY}),
        "compose": lambda: compose_options(text, {"ApiKey": KEY}),
        "kubernetes": lambda: kubernetes_options(text, {f"{deployment.name}-api-key/ApiKey": KEY}),
        "openshift": lambda: kubernetes_options(text, {f"{deployment.name}-api-key/ApiKey": KEY}),
        "quadlet": lambda: quadlet_options(text, {f"{deployment.name}-api-key": KEY}),
    }
    return readers[form]()


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_what_the_documented_lines_say(form: str) -> None:
    assert options_of(a_deployment(), form) == RUN
    assert options_of(a_deployment(billing=BILLING), form) == DOWNLOAD
    assert options_of(a_deployment(**CONNECTED), form) == REPORTING


@pytest.mark.parametrize("form", FORMS)
def test_our_own_container_listens_on_every_address_and_knows_whom_to_trust(form: str) -> None:
    deployment = a_deployment(OURS)
    assert options_of(deployment, form).host == "0.0.0.0"  # noqa: S104
    text = write_form(deployment, form)
    assert "AZLIC_TRUST" in text and "/etc/azlic/trust.d" in text and "/srv/trust" in text
    assert "AZLIC_TRUST" not in write_form(a_deployment(), form)


@pytest.mark.parametrize("container", [*DISCONNECTED, OURS])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("form", FORMS)
def test_every_container_of_the_catalogue_can_be_written(container: str, step: dict[str, str], form: str) -> None:
    assert options_of(a_deployment(container, **step), form).license == Path("/license")


def test_a_docker_line_gives_cores_memory_user_and_mounts() -> None:
    flags, image, words = docker_parts(write_form(a_deployment(port=5001, user=(1000, 1001)), "docker"))
    assert flags == [
        ("--name", "read"),
        ("-p", "5001:5000"),
        ("--memory", "16g"),
        ("--cpus", "8"),
        ("--user", "1000:1001"),
        ("-v", "/srv/license:/license:ro"),
        ("-v", "/srv/output:/output"),
    ]
    assert image == "mcr.microsoft.com/azure-cognitive-services/vision/read:3.2-model-2022-04-30"
    assert words == ["Eula=accept", "Mounts:License=/license", "Mounts:Output=/output"]


def test_a_download_writes_the_license_and_takes_the_key_from_the_shell() -> None:
    flags, _, _ = docker_parts(write_form(a_deployment(billing=BILLING), "docker"))
    assert ("-v", "/srv/license:/license") in flags and ("--env", "ApiKey") in flags
    assert not any("/srv/output" in value for _, value in flags)


def test_models_are_mounted_where_a_container_looks_for_them() -> None:
    flags, _, _ = docker_parts(write_form(a_deployment("custom-speech-to-text"), "docker"))
    assert ("-v", "/srv/models:/usr/local/models:ro") in flags


@pytest.mark.skipif(shutil.which("docker") is None, reason="docker is not installed")
@pytest.mark.parametrize("step", STEPS)
def test_docker_itself_takes_the_line(step: dict[str, str], tmp_path: Path) -> None:
    """It gets as far as looking for its server; a flag it does not know ends with 125 and its usage before that."""
    line = write_form(a_deployment(**step), "docker")
    nowhere = {"DOCKER_HOST": f"unix://{tmp_path}/none", "DOCKER_CONFIG": str(tmp_path), "ApiKey": KEY}
    told = subprocess.run(["sh", "-c", line], env=os.environ | nowhere, capture_output=True, text=True, check=False)
    assert "connect" in told.stderr and "Usage" not in told.stderr


@pytest.mark.parametrize("container", [*DISCONNECTED, OURS])
@pytest.mark.parametrize("step", STEPS)
def test_a_compose_file_holds_to_the_compose_specification(container: str, step: dict[str, str]) -> None:
    schema = json.loads((VENDOR / "compose-spec.json").read_text())
    text = write_form(a_deployment(container, more={"Languages": "en,$de"}, **step), "compose")
    jsonschema.Draft202012Validator(schema).validate(loaded(text))


def test_a_compose_file_gives_cores_memory_user_and_mounts() -> None:
    service = the_service(write_form(a_deployment(), "compose"))
    assert (service["cpus"], service["mem_limit"], service["user"]) == ("8", "16g", "65532:65532")
    assert service["ports"] == ["5000:5000"] and service["restart"] == "unless-stopped"
    mounts = [(mount["source"], mount["target"], mount["read_only"]) for mount in service["volumes"]]
    assert mounts == [("/srv/license", "/license", True), ("/srv/output", "/output", False)]
    assert not any(mount["bind"]["create_host_path"] for mount in service["volumes"])


@pytest.mark.parametrize("container", [*DISCONNECTED, OURS])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("folders", [pytest.param({}, id="claims"), pytest.param(None, id="folders")])
def test_a_manifest_holds_to_the_schemas_of_kubernetes(
    container: str, step: dict[str, str], folders: dict[str, Path] | None
) -> None:
    changes = {} if folders is None else {"folders": folders}
    text = write_form(a_deployment(container, namespace="plant", **changes, **step), "kubernetes")
    for document in all_loaded(text):
        assert document["metadata"]["namespace"] == "plant"
        kubernetes_validate.validate(document, "1.37", strict=True)
    assert "&id" not in text


def test_the_schemas_of_kubernetes_do_refuse() -> None:
    document = documents(write_form(a_deployment(), "kubernetes"))["Deployment"]
    document["spec"]["template"]["spec"]["containers"][0]["mem_limit"] = "8g"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, "1.37", strict=True)


def test_a_pod_runs_as_nonroot_and_asks_ready_and_status() -> None:
    pod = the_pod(write_form(a_deployment(), "kubernetes"))
    security, container = pod["securityContext"], pod["containers"][0]
    assert (security["runAsUser"], security["runAsGroup"], security["fsGroup"]) == (65532, 65532, 65532)
    assert security["runAsNonRoot"] is True
    assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert container["readinessProbe"]["httpGet"] == {"path": "/ready", "port": "http"}
    assert container["livenessProbe"]["httpGet"] == {"path": "/status", "port": "http"}
    assert container["resources"]["limits"] == {"cpu": "8", "memory": "16Gi"}
    assert {variable["name"] for variable in container["env"]} == {"Eula", "Mounts__License", "Mounts__Output"}


@pytest.mark.parametrize("container", [*DISCONNECTED, OURS])
@pytest.mark.parametrize("step", STEPS)
def test_openshifts_restricted_v2_admits_every_pod(container: str, step: dict[str, str]) -> None:
    """It chooses user and fsGroup, and lets no pod have a node's folders, another seccomp profile or capabilities."""
    text = write_form(a_deployment(container, folders={}, user=(0, 0), **step), "openshift")
    for document in all_loaded(text):
        kubernetes_validate.validate(document, "1.37", strict=True)
    pod = the_pod(text)
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    (inside,) = pod["containers"]
    assert inside["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert all({"persistentVolumeClaim", "configMap"} & set(volume) for volume in pod["volumes"])
    assert not {"hostNetwork", "hostPID", "hostIPC", "serviceAccountName"} & set(pod)
    assert all(port["containerPort"] >= 1024 for port in inside.get("ports", []))


def test_a_pod_of_root_is_not_said_to_be_nonroot() -> None:
    pod = the_pod(write_form(a_deployment(user=(0, 0)), "kubernetes"))
    assert pod["securityContext"]["runAsNonRoot"] is False
    assert "capabilities" not in pod["containers"][0]["securityContext"]


def test_the_service_of_a_manifest_finds_its_pod() -> None:
    found = documents(write_form(a_deployment(name="hall-7", port=8080), "kubernetes"))
    selector = found["Service"]["spec"]["selector"]
    assert selector.items() <= found["Deployment"]["spec"]["template"]["metadata"]["labels"].items()
    assert found["Service"]["spec"]["ports"] == [{"name": "http", "port": 8080, "targetPort": "http"}]


def test_a_manifest_for_the_download_is_a_job_that_ends() -> None:
    found = documents(write_form(a_deployment(billing=BILLING, folders={}), "kubernetes"))
    assert found.keys() == {"PersistentVolumeClaim", "Job"}
    pod = found["Job"]["spec"]["template"]["spec"]
    assert pod["restartPolicy"] == "Never" and "livenessProbe" not in pod["containers"][0]
    assert pod["containers"][0]["volumeMounts"] == [{"name": "license", "mountPath": "/license", "readOnly": False}]
    assert pod["volumes"][0]["persistentVolumeClaim"]["claimName"] == "read-license"


def test_a_unit_has_the_fields_that_podman_documents() -> None:
    unit = unit_lines(write_form(a_deployment(), "quadlet"))
    assert unit["Container"] == [
        ("ContainerName", "read"),
        ("Image", "mcr.microsoft.com/azure-cognitive-services/vision/read:3.2-model-2022-04-30"),
        ("User", "65532"),
        ("Group", "65532"),
        ("PublishPort", "5000:5000"),
        ("Volume", "/srv/license:/license:ro,z"),
        ("Volume", "/srv/output:/output:z"),
        ("Exec", "Eula=accept Mounts:License=/license Mounts:Output=/output"),
        ("PodmanArgs", "--memory=16g --cpus=8"),
    ]
    assert unit.keys() == {"Unit", "Container", "Service", "Install"}


def test_a_unit_for_the_download_runs_once_and_is_never_started_by_itself() -> None:
    unit = unit_lines(write_form(a_deployment(billing=BILLING), "quadlet"))
    assert unit["Service"] == [("Type", "oneshot")] and "Install" not in unit
    assert ("Secret", "read-api-key,type=env,target=ApiKey") in unit["Container"]


@pytest.mark.skipif(QUADLET is None, reason="podman's quadlet generator is not installed")
@pytest.mark.parametrize("container", [*DISCONNECTED, OURS])
@pytest.mark.parametrize("step", STEPS)
def test_the_generator_of_podman_takes_a_unit(container: str, step: dict[str, str], tmp_path: Path) -> None:
    text = write_form(a_deployment(container, more={"Languages": "en,de"}, **step), "quadlet")
    (tmp_path / "it.container").write_text(text)
    told = subprocess.run(
        [str(QUADLET), "-dryrun"],
        env=os.environ | {"QUADLET_UNIT_DIRS": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    started = next(line for line in told.stdout.splitlines() if line.startswith("ExecStart="))
    assert "Mounts:License=/license" in started and "--user 65532:65532" in started
    assert ("--secret" in started) is bool(step)


@pytest.mark.parametrize("folder", ["/srv/hall 7", "/srv/$HOME", "/srv/100%", '/srv/"x"', "/srv/back\\slash"])
def test_a_unit_refuses_what_systemd_would_take_apart(folder: str) -> None:
    deployment = a_deployment(folders={"license": Path(folder), "output": Path("/o")})
    with pytest.raises(BadCall, match="a podman unit cannot hold"):
        write_form(deployment, "quadlet")
    assert f"{folder}:/license:ro" in dict(map(reversed, docker_parts(write_form(deployment, "docker"))[0]))  # type: ignore[arg-type]


FOLDER = st.text(st.characters(blacklist_categories=["C", "Z"], blacklist_characters=":/"), min_size=1).map(
    "/{}".format
)


@given(folder=FOLDER.filter(lambda path: path not in ("/.", "/..")), value=st.text("a $'\"\\%{}é#:-"))
def test_folders_and_settings_arrive_as_they_were_stated(folder: str, value: str) -> None:
    deployment = a_deployment(folders={"license": Path(folder), "output": Path("/o")}, more={"Logging:X": value})
    flags, _, _ = docker_parts(write_form(deployment, "docker"))
    assert ("-v", f"{folder}:/license:ro") in flags and ("--env", f"Logging:X={value}") in flags
    service = the_service(write_form(deployment, "compose"))
    assert service["volumes"][0]["source"].replace("$$", "$") == folder
    assert service["environment"]["Logging:X"].replace("$$", "$") == value
    variables = the_pod(write_form(deployment, "kubernetes"))["containers"][0]["env"]
    assert {"name": "Logging__X", "value": value.replace("$", "$$")} in variables


def test_a_mount_without_a_folder_is_a_claim_on_kubernetes_and_refused_elsewhere() -> None:
    deployment = a_deployment(folders={"license": Path("/l")})
    assert "claimName: read-output" in write_form(deployment, "kubernetes")
    with pytest.raises(BadCall, match="no folder is named for the output mount"):
        write_form(deployment, "docker")
