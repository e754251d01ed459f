"""The documented docker line: one line, quoted for a POSIX shell."""

import shlex
from collections.abc import Iterator

from licensing.deployment.model import API_KEY, Deployment


def docker_line(deployment: Deployment) -> str:
    """The ``docker run`` line. A key, where one is needed, is in the variable ApiKey of the shell that runs it.

    Source: seeds/speech-to-text-container; ``-it`` is left out, so that it runs without a terminal too.
    """
    return shlex.join(["docker", "run", *_flags(deployment), str(deployment.image), *_words(deployment)]) + "\n"


def _flags(deployment: Deployment) -> Iterator[str]:
    yield "--rm"
    if not deployment.is_download:
        yield from ("--name", deployment.name, "-p", f"{deployment.port}:{deployment.kind.port}")
    yield from ("--memory", deployment.memory, "--cpus", deployment.cpus)
    yield from ("--user", ":".join(map(str, deployment.user)))
    for mount in deployment.mounts:
        yield from ("-v", f"{mount.folder}:{mount.target}{':ro' if mount.read_only else ''}")
    if deployment.takes_key:
        yield from ("--env", API_KEY)
    for key, value in deployment.variables.items():
        yield from ("--env", f"{key}={value}")


def _words(deployment: Deployment) -> list[str]:
    return [f"{key}={value}" for key, value in deployment.settings.items()]
