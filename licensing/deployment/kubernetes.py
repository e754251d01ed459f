"""The container as Kubernetes manifests: a Deployment with its Service, or a Job for the download."""

from typing import Any

from licensing.deployment.model import API_KEY, Deployment, VolumeMount

_STORAGE = "1Gi"


def kubernetes_manifest(deployment: Deployment) -> str:
    """Claims for the folders that come from none of a node's, then a Deployment and a Service, or a one-shot Job.

    Settings are variables with ``__`` for every colon: Kubernetes takes none in a name. The volumes are given to the
    container's group (fsGroup). Source: facts §1.3; the Kubernetes API, apps/v1, batch/v1 and v1.
    """
    return _manifest(deployment, _user_and_group(deployment))


def openshift_manifest(deployment: Deployment) -> str:
    """The same for OpenShift, whose restricted-v2 chooses user and fsGroup itself, out of the namespace's ranges.

    It refuses a pod that names others. The user's group is 0, and root it never is. Source: OpenShift, "Managing
    security context constraints".
    """
    return _manifest(deployment, {"runAsNonRoot": True})


def _manifest(deployment: Deployment, user: dict[str, Any]) -> str:
    import yaml  # noqa: PLC0415 - only who writes YAML needs it

    work = [_job(deployment, user)] if deployment.is_download else [_deployment(deployment, user), _service(deployment)]
    return yaml.safe_dump_all([*_claims(deployment), *work], sort_keys=False)


def _metadata(deployment: Deployment, name: str) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": deployment.kind.name[:63], "app.kubernetes.io/instance": deployment.name}
    namespace = {"namespace": deployment.namespace} if deployment.namespace else {}
    return {"name": name, **namespace, "labels": labels}


def _selector(deployment: Deployment) -> dict[str, str]:
    return {"app.kubernetes.io/instance": deployment.name}


def _claims(deployment: Deployment) -> list[dict[str, Any]]:
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": _metadata(deployment, f"{deployment.name}-{mount.name}"),
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": _STORAGE}}},
        }
        for mount in deployment.mounts
        if mount.folder is None and mount.name != "trust"
    ]


def _user_and_group(deployment: Deployment) -> dict[str, Any]:
    uid, gid = deployment.user
    return {
        "runAsUser": uid,
        "runAsGroup": gid,
        "runAsNonRoot": uid != 0,
        "fsGroup": gid,
        "fsGroupChangePolicy": "OnRootMismatch",  # a volume of many usage files is not gone through at each start
    }


def _deployment(deployment: Deployment, user: dict[str, Any]) -> dict[str, Any]:
    container = _container(deployment, user) | {
        "ports": [{"name": "http", "containerPort": deployment.kind.port}],
        "startupProbe": _probe("/ready", every=10, failures=60),
        "readinessProbe": _probe("/ready", every=10, failures=3),
        "livenessProbe": _probe("/status", every=30, failures=10),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(deployment, deployment.name),
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},  # two at once would want the same volumes
            "selector": {"matchLabels": _selector(deployment)},
            "template": {
                "metadata": {"labels": _metadata(deployment, deployment.name)["labels"]},
                "spec": _pod(deployment, container, user),
            },
        },
    }


def _service(deployment: Deployment) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(deployment, deployment.name),
        "spec": {
            "selector": _selector(deployment),
            "ports": [{"name": "http", "port": deployment.port, "targetPort": "http"}],
        },
    }


def _job(deployment: Deployment, user: dict[str, Any]) -> dict[str, Any]:
    pod = _pod(deployment, _container(deployment, user), user) | {"restartPolicy": "Never"}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _metadata(deployment, f"{deployment.name}-download-license"),
        "spec": {"backoffLimit": 2, "template": {"spec": pod}},
    }


def _pod(deployment: Deployment, container: dict[str, Any], user: dict[str, Any]) -> dict[str, Any]:
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": user | {"seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [_volume(deployment, mount) for mount in deployment.mounts],
    }


def _container(deployment: Deployment, user: dict[str, Any]) -> dict[str, Any]:
    limits = {"cpu": deployment.cpus, "memory": f"{deployment.memory[:-1]}{deployment.memory[-1].capitalize()}i"}
    return {
        "name": deployment.kind.name,
        "image": str(deployment.image),
        "imagePullPolicy": "IfNotPresent",  # with no network, latest must not be asked for again
        "env": _environment(deployment),
        "resources": {"requests": limits, "limits": dict(limits)},
        "securityContext": {"allowPrivilegeEscalation": False}
        | ({"capabilities": {"drop": ["ALL"]}} if user["runAsNonRoot"] else {}),
        "volumeMounts": [
            {"name": mount.name, "mountPath": mount.target, "readOnly": mount.read_only} for mount in deployment.mounts
        ],
    }


def _environment(deployment: Deployment) -> list[dict[str, Any]]:
    stated = (deployment.settings | deployment.variables).items()
    variables: list[dict[str, Any]] = [
        {"name": key.replace(":", "__"), "value": value.replace("$", "$$")} for key, value in stated
    ]
    if deployment.takes_key:
        secret = {"name": deployment.secret, "key": API_KEY}
        variables.append({"name": API_KEY, "valueFrom": {"secretKeyRef": secret}})
    return variables


def _volume(deployment: Deployment, mount: VolumeMount) -> dict[str, Any]:
    name = f"{deployment.name}-{mount.name}"
    if mount.folder is not None:
        return {"name": mount.name, "hostPath": {"path": str(mount.folder), "type": "Directory"}}
    if mount.name == "trust":
        return {"name": mount.name, "configMap": {"name": name}}
    return {"name": mount.name, "persistentVolumeClaim": {"claimName": name}}


def _probe(path: str, *, every: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": every,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }
