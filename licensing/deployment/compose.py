"""The container as a compose file."""

from typing import Any

from licensing.deployment.model import API_KEY, Deployment


def compose_file(deployment: Deployment) -> str:
    """A compose file with one service. The key, where it needs one, is in the variable ApiKey when it is run.

    A folder that is not there is an error, never made as root's. Source: the Compose Specification; facts §1.3 (the
    settings as variables with colons).
    """
    import yaml  # noqa: PLC0415 - only who writes YAML needs it

    name = f"{deployment.name}-download" if deployment.is_download else deployment.name
    return yaml.safe_dump({"name": name, "services": {deployment.name: _service(deployment)}}, sort_keys=False)


def _service(deployment: Deployment) -> dict[str, Any]:
    service: dict[str, Any] = {
        "image": str(deployment.image),
        "user": ":".join(map(str, deployment.user)),
        "cpus": deployment.cpus,
        "mem_limit": deployment.memory,
        "restart": "no" if deployment.is_download else "unless-stopped",
    }
    if not deployment.is_download:
        service["ports"] = [f"{deployment.port}:{deployment.kind.port}"]
    service["environment"] = _environment(deployment)
    service["volumes"] = [
        {
            "type": "bind",
            "source": _literal(str(mount.folder)),
            "target": mount.target,
            "read_only": mount.read_only,
            "bind": {"create_host_path": False},
        }
        for mount in deployment.mounts
    ]
    return service


def _environment(deployment: Deployment) -> dict[str, str]:
    stated = {key: _literal(value) for key, value in (deployment.settings | deployment.variables).items()}
    asked = {API_KEY: f"${{{API_KEY}:?put the API key into the variable {API_KEY}}}"}
    return stated | (asked if deployment.takes_key else {})


def _literal(text: str) -> str:
    return text.replace("$", "$$")
