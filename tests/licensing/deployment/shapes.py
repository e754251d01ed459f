"""Deployments to be written, and how a written one is read back: as the tool that gets it would."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from engines.options import ContainerOptions, parse_options
from licensing.containers import find_container
from licensing.deployment import Deployment

OURS = "registry.plant.example:5000/azlic/read:3.2.0"
BILLING = "https://plant-read.cognitiveservices.azure.com"
FOLDERS = {name: Path(f"/srv/{name}") for name in ("license", "output", "models", "trust")}
_TAKES_A_VALUE = {"--name", "-p", "--memory", "--cpus", "--user", "-v", "--env"}


def a_deployment(container: str = "read", **changes: Any) -> Deployment:
    """A deployment of a container of the catalogue, or of an image, on folders of the host."""
    kind, image = find_container(container)
    allotted = kind.needs_of(image.tag).allotted
    standing: dict[str, Any] = {
        "kind": kind,
        "image": image,
        "name": kind.name,
        "cpus": str(allotted.cores),
        "memory": f"{allotted.memory_gb}g",
        "folders": FOLDERS,
    }
    return Deployment(**standing | changes)


def docker_parts(line: str) -> tuple[list[tuple[str, str]], str, list[str]]:
    """A docker line as docker reads it: its flags with their values, the image, the container's words."""
    words = shlex.split(line)
    assert words[:3] == ["docker", "run", "--rm"]
    flags, rest = [], words[3:]
    while rest[0].startswith("-"):
        assert rest[0] in _TAKES_A_VALUE
        flags.append((rest[0], rest[1]))
        rest = rest[2:]
    return flags, rest[0], rest[1:]


def docker_options(line: str, shell: Mapping[str, str] | None = None) -> ContainerOptions:
    """What the container is told by a docker line that a shell with these variables runs."""
    flags, _, words = docker_parts(line)
    variables = [value.partition("=") for flag, value in flags if flag == "--env"]
    environ = {key: value if equals else (shell or {})[key] for key, equals, value in variables}
    return parse_options(words, environ)


def loaded(text: str) -> Any:
    """The one document of a YAML text, by the reader that is written in C."""
    (document,) = all_loaded(text)
    return document


def all_loaded(text: str) -> list[Any]:
    """The documents of a YAML text."""
    return list(yaml.load_all(text, Loader=yaml.CSafeLoader))


def the_service(text: str) -> dict[str, Any]:
    """The one service of a compose file."""
    (service,) = loaded(text)["services"].values()
    assert isinstance(service, dict)
    return service


def compose_options(text: str, shell: Mapping[str, str] | None = None) -> ContainerOptions:
    """What the container is told by a compose file, its variables put in as compose does."""
    environ = dict(the_service(text)["environment"])
    if "ApiKey" in environ:
        assert environ["ApiKey"].startswith("${ApiKey:?")
        environ["ApiKey"] = (shell or {})["ApiKey"]
    return parse_options([], {key: value.replace("$$", "$") for key, value in environ.items()})


def documents(text: str) -> dict[str, dict[str, Any]]:
    """The documents of a manifest by their kind; of several of a kind, the last."""
    return {document["kind"]: document for document in all_loaded(text)}


def the_pod(text: str) -> dict[str, Any]:
    """The pod of a manifest's Deployment or Job."""
    found = documents(text)
    pod = (found.get("Deployment") or found["Job"])["spec"]["template"]["spec"]
    assert isinstance(pod, dict)
    return pod


def kubernetes_options(text: str, secrets: Mapping[str, str] | None = None) -> ContainerOptions:
    """What the container is told by a manifest, its secrets looked up by ``NAME/KEY``."""
    environ = {}
    for variable in the_pod(text)["containers"][0]["env"]:
        if "value" in variable:
            environ[variable["name"]] = variable["value"].replace("$$", "$")
        else:
            where = variable["valueFrom"]["secretKeyRef"]
            environ[variable["name"]] = (secrets or {})[f"{where['name']}/{where['key']}"]
    return parse_options([], environ)


def unit_lines(text: str) -> dict[str, list[tuple[str, str]]]:
    """A unit's sections, each with its keys in order: a key may stand several times."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for line in text.splitlines():
        if line.startswith("["):
            current = sections.setdefault(line.strip("[]"), [])
        elif line:
            key, _, value = line.partition("=")
            current.append((key, value))
    return sections


def quadlet_options(text: str, secrets: Mapping[str, str] | None = None) -> ContainerOptions:
    """What the container is told by a podman unit."""
    lines = unit_lines(text)["Container"]
    environ = dict(value.split("=", 1) for key, value in lines if key == "Environment")
    for key, value in lines:
        if key == "Secret":
            name, kind, target = value.split(",")
            assert kind == "type=env"
            environ[target.removeprefix("target=")] = (secrets or {})[name]
    (words,) = (value for key, value in lines if key == "Exec")
    return parse_options(words.split(" "), environ)
