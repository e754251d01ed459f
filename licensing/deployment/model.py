"""One container as it is to be started, or its license as it is to be downloaded: checked before anything is written.

Source: seeds/read-ocr-container and seeds/speech-to-text-container (the two documented lines), facts §1.2 and §1.3.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from licensing.containers import ContainerType, Image, Size
from licensing.core.errors import BadCall
from licensing.core.web_address import has_only_a_path, parse_web_address

NONROOT = (65532, 65532)
TRUST_TARGET = "/etc/azlic/trust.d"
API_KEY = "ApiKey"
LARGEST_ID = 2**31 - 1  # what Kubernetes takes
_OWN = ("apikey", "billing", "downloadlicense", "eula", "mountslicense", "mountsoutput", "urls")
"""The letters of the settings that are written here: nobody else may state them, in whatever spelling."""


class VolumeMount(NamedTuple):
    """A folder of the container: what it is for, and where it comes from on the host (None: a claim of the cluster)."""

    name: str
    folder: Path | None
    target: str
    read_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A container to be started, or, with ``billing``, its license to be downloaded; or it runs ``connected`` by it.

    ``folders`` are absolute paths of the host by the name of their mount: license, output, models, trust. A mount
    without one is a claim of the cluster. ``cpus`` and ``memory`` are written as docker takes them, 8 and 16g; ``user``
    is uid and gid; ``more`` are settings of this container beyond the documented ones. Raises ``BadCall`` for what
    is invalid, also for an API key: that comes from the environment or a secret, never from the file.
    """

    kind: ContainerType
    image: Image
    name: str
    cpus: str
    memory: str
    folders: Mapping[str, Path] = field(default_factory=dict)
    port: int = 5000
    user: tuple[int, int] = NONROOT
    namespace: str | None = None
    billing: str | None = None
    connected: bool = False
    more: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Hold every part to what docker, podman and Kubernetes all take."""
        if self.connected and self.billing is None:
            raise BadCall("--connected needs --billing", hint="for example --billing https://issuer.example/web-read")
        if not self.kind.disconnected and not self.connected:
            raise BadCall(f"{self.kind.title} does not run disconnected", hint=f"see {self.kind.source}")
        for option, name, longest in (("--name", self.name, 40), ("--namespace", self.namespace or "default", 63)):
            if not re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", name) or len(name) > longest:
                raise BadCall(
                    f"{option} {name[:80]!r} is not a name of at most {longest} lower-case letters, digits and hyphens",
                    hint=f"for example {option} {self.kind.name[:longest]}",
                )
        if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", self.cpus) or float(self.cpus) == 0:
            raise BadCall(f"--cpus {self.cpus[:20]!r} is not a number of cores", hint="for example --cpus 8")
        if not re.fullmatch(r"[1-9][0-9]{0,9}[kmg]", self.memory):
            raise BadCall(f"--memory {self.memory[:20]!r} is not a size", hint="for example --memory 16g")
        if not 1 <= self.port <= 65535:
            raise BadCall(f"--port {self.port} is not a port", hint="for example --port 5000")
        for mount, folder in self.folders.items():
            _check_folder(mount, folder)
        for key, value in self.more.items():
            _check_setting(key, value)
        if self.billing is not None:
            _check_endpoint(self.billing)

    @property
    def is_download(self) -> bool:
        """Whether this is the ``DownloadLicense=True`` step."""
        return self.takes_key and not self.connected

    @property
    def takes_key(self) -> bool:
        """Whether the container is given an API key: out of the shell, or a secret."""
        return self.billing is not None

    @property
    def secret(self) -> str:
        """What the secret with the API key is called, in podman's store and in Kubernetes."""
        return f"{self.name}-api-key"

    @property
    def settings(self) -> dict[str, str]:
        """The documented settings of this step, in their documented order and spelling; never the API key."""
        settings = {"Eula": "accept"}
        if self.billing is not None:
            settings |= {"Billing": self.billing}
        if self.is_download:
            settings |= {"DownloadLicense": "True"}
        if not self.connected:
            settings |= {"Mounts:License": self.kind.license_mount}
        if self.is_download:
            return settings
        settings |= {"Mounts:Output": self.kind.output_mount}
        return settings | ({"urls": f"http://+:{self.kind.port}"} if self.image.is_ours else {})

    @property
    def variables(self) -> dict[str, str]:
        """What is passed in the environment: further settings, and where our own containers find whom to trust."""
        return dict(self.more) | ({"AZLIC_TRUST": TRUST_TARGET} if self._trusts else {})

    @property
    def mounts(self) -> tuple[VolumeMount, ...]:
        """The folders this step needs. The license is read-only except where it is downloaded."""
        return tuple(self._mounts())

    @property
    def _trusts(self) -> bool:
        """Whether it asks who signed its license: our own containers do, if they need one."""
        return self.image.is_ours and not self.connected

    def _mounts(self) -> Iterator[VolumeMount]:
        if not self.connected:
            yield VolumeMount("license", self.folders.get("license"), self.kind.license_mount, not self.is_download)
        if not self.is_download:
            yield VolumeMount("output", self.folders.get("output"), self.kind.output_mount, False)
        if self.kind.models and not self.image.is_ours:
            yield VolumeMount("models", self.folders.get("models"), self.kind.models, not self.takes_key)
        if self._trusts:
            yield VolumeMount("trust", self.folders.get("trust"), TRUST_TARGET, True)

    @property
    def is_below_minimum(self) -> bool:
        """Whether the container gets less than the least its documentation states."""
        minimum = self.kind.needs_of(self.image.tag).minimum or Size(0, 0)
        number, unit = int(self.memory[:-1]), self.memory[-1]
        bytes_ = number * {"k": 1024, "m": 1024**2, "g": 1024**3}[unit]
        return float(self.cpus) < minimum.cores or bytes_ < minimum.memory_gb * 1024**3


def parse_settings(words: Iterable[str]) -> dict[str, str]:
    """Read ``Key=value`` words. Raises ``BadCall`` for a word without a value; a value is never repeated."""
    settings: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise BadCall(f"{key[:60]!r} is not of the form Key=value", hint="for example Logging:Disk:Format=json")
        settings[key] = value
    return settings


def _check_folder(mount: str, folder: Path) -> None:
    text = str(folder)
    if not folder.is_absolute() or ":" in text or not text.isprintable():
        raise BadCall(
            f"--{mount} {text!r} cannot be mounted: an absolute path without colons is needed",
            hint=f"for example --{mount} /srv/{mount}",
        )


def _check_setting(key: str, value: str) -> None:
    if re.sub("[^a-z]", "", key.lower()) in _OWN:
        raise BadCall(
            f"the setting {key[:60]!r} cannot be set here",
            hint="an API key comes from the environment or a secret; the rest is written from the options",
        )
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}", key) or not value.isprintable():
        raise BadCall(
            f"{key[:60]!r} is not a setting of the form Key=value", hint="for example Logging:Disk:Format=json"
        )


def _check_endpoint(billing: str) -> None:
    url = parse_web_address(billing)
    if (
        url is None
        or not has_only_a_path(url)
        or not billing.isprintable()
        or re.search(r"""[\s?#"'\\{}<>]""", billing)
    ):
        raise BadCall(
            "--billing is not the endpoint of a resource",
            hint="for example --billing https://plant-read.cognitiveservices.azure.com",
        )
