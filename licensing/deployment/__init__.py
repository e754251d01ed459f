"""How a container is started: the documented line or manifest.

For docker, compose, Kubernetes, OpenShift and podman's quadlet.
"""

from collections.abc import Callable

from licensing.core.errors import BadCall
from licensing.deployment.compose import compose_file
from licensing.deployment.docker import docker_line
from licensing.deployment.kubernetes import kubernetes_manifest, openshift_manifest
from licensing.deployment.model import LARGEST_ID, Deployment, parse_settings
from licensing.deployment.quadlet import quadlet_unit

__all__ = ["CLUSTERS", "FORMS", "LARGEST_ID", "Deployment", "parse_settings", "write_form"]

FORMS: dict[str, Callable[[Deployment], str]] = {
    "docker": docker_line,
    "compose": compose_file,
    "kubernetes": kubernetes_manifest,
    "openshift": openshift_manifest,
    "quadlet": quadlet_unit,
}
CLUSTERS = frozenset({"kubernetes", "openshift"})
"""The forms in which a mount without a folder is a claim."""


def write_form(deployment: Deployment, form: str) -> str:
    """The line or manifest in one of ``FORMS``; it never holds an API key.

    Raises ``BadCall`` for a mount without a folder, except in ``CLUSTERS``, where it is a claim.
    """
    for mount in deployment.mounts:
        if mount.folder is None and form not in CLUSTERS:
            raise BadCall(f"no folder is named for the {mount.name} mount", hint=f"name it with --{mount.name} FOLDER")
    return FORMS[form](deployment)
