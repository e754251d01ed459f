"""What a person should know of a line or manifest that was written: doubts, and the steps around it."""

from collections.abc import Iterator

from licensing.core.text import command_word
from licensing.deployment import CLUSTERS, Deployment


def notes(deployment: Deployment, form: str) -> Iterator[str]:
    """Each note in a sentence or two; the doubts first."""
    yield from _doubts(deployment)
    yield from _before(deployment, form)


def _doubts(deployment: Deployment) -> Iterator[str]:
    kind, image = deployment.kind, deployment.image
    if image.tag in ("", "latest") and not image.digest:
        doubt = "" if deployment.connected else ", and a license may not cover a newer image"
        locales = "Where a container has locales, latest is en-US"
        yield f"the tag latest moves{doubt}; name a version: see azlic tags. {locales}"
    if deployment.is_below_minimum:
        yield f"this is less than the minimum its documentation states: see azlic containers {kind.name}"
    stated = {key.lower() for key in deployment.more}
    if missing := [key for key in kind.asks if key.lower() not in stated and not deployment.is_download]:
        yield f"{kind.name} also needs {' and '.join(missing)}: add {missing[0]}=... to this command"


def _before(deployment: Deployment, form: str) -> Iterator[str]:
    uid, gid = deployment.user
    named = [command_word(str(mount.folder)) for mount in deployment.mounts if mount.folder and mount.name != "trust"]
    if named and form == "openshift":
        yield (
            "OpenShift's restricted-v2 lets no pod have a node's folders: leave them away, and they are claims;"
            f" or allow it with another SCC. The container is in group 0: chgrp -R 0 {' '.join(named)}"
            f" && chmod -R g=u {' '.join(named)}"
        )
    elif named:
        yield f"before: the folders must belong to the container: chown -R {uid}:{gid} {' '.join(named)}"
    if form in CLUSTERS and any(mount.folder is None and mount.name != "trust" for mount in deployment.mounts):
        owner = "group 0 (chgrp -R 0, chmod -R g=u)" if form == "openshift" else f"group {gid} (chgrp -R {gid})"
        yield f"a claim on NFS keeps the owners that it has, whatever fsGroup says: give its files to {owner}"
    namespace = f" --namespace {deployment.namespace}" if deployment.namespace else ""
    if form in CLUSTERS and any(mount.name == "trust" and not mount.folder for mount in deployment.mounts):
        yield f"before: kubectl create configmap {deployment.name}-trust --from-file=trust.d{namespace}"
    if deployment.takes_key:
        yield f"before: {_key_step(deployment, form, namespace)}"


def _key_step(deployment: Deployment, form: str, namespace: str) -> str:
    """How the API key gets to the container: never as an argument, and without its file's line break."""
    key = 'printf %s "$(cat key1)" |'
    if form in CLUSTERS:
        return f"{key} kubectl create secret generic {deployment.secret} --from-file=ApiKey=/dev/stdin{namespace}"
    if form == "quadlet":
        return f"{key} podman secret create {deployment.secret} -"
    return 'the variable ApiKey must hold the API key: export ApiKey="$(cat key1)"'
