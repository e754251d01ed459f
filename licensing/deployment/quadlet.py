"""The container as a podman unit, read by systemd's generator: quadlet."""

import re
from collections.abc import Iterator

from licensing.core.errors import BadCall
from licensing.deployment.model import API_KEY, Deployment


def quadlet_unit(deployment: Deployment) -> str:
    """A ``.container`` unit. A download is a service that runs once; the key comes from podman's secret store.

    Source: podman-systemd.unit(5), podman 4.4 and later.
    """
    sections = {
        "Unit": [("Description", _description(deployment))],
        "Container": list(_container(deployment)),
        "Service": list(_service(deployment)),
        "Install": [] if deployment.is_download else [("WantedBy", "multi-user.target default.target")],
    }
    return "\n".join(
        f"[{section}]\n" + "".join(f"{key}={value}\n" for key, value in lines)
        for section, lines in sections.items()
        if lines
    )


def _description(deployment: Deployment) -> str:
    return f"License of {deployment.kind.title}" if deployment.is_download else deployment.kind.title


def _service(deployment: Deployment) -> Iterator[tuple[str, str]]:
    if deployment.is_download:
        yield "Type", "oneshot"
    else:
        yield "Restart", "on-failure"
        yield "RestartSec", "30"


def _container(deployment: Deployment) -> Iterator[tuple[str, str]]:
    yield "ContainerName", f"{deployment.name}-download" if deployment.is_download else deployment.name
    yield "Image", str(deployment.image)
    yield "User", str(deployment.user[0])
    yield "Group", str(deployment.user[1])
    if not deployment.is_download:
        yield "PublishPort", f"{deployment.port}:{deployment.kind.port}"
    for mount in deployment.mounts:
        yield "Volume", f"{_one(str(mount.folder))}:{mount.target}:{'ro,z' if mount.read_only else 'z'}"
    if deployment.takes_key:
        yield "Secret", f"{deployment.secret},type=env,target={API_KEY}"
    for key, value in deployment.variables.items():
        yield "Environment", f"{key}={_one(value)}"
    yield "Exec", " ".join(f"{key}={_one(value)}" for key, value in deployment.settings.items())
    yield "PodmanArgs", f"--memory={deployment.memory} --cpus={deployment.cpus}"


def _one(value: str) -> str:
    """A value that systemd takes as it is: one word, nothing in it to be replaced."""
    if not value or re.search(r"""[\s"'\\$%]""", value):
        raise BadCall(
            f"a podman unit cannot hold {value[:60]!r}: systemd would split it or expand something in it",
            hint="use paths and values without spaces, quotes, backslashes, $ and %, or another form: --as compose",
        )
    return value
