"""What is known of one kind of container."""

from typing import NamedTuple

OURS = "azlic/"
"""How the repositories of this project's own images begin, after a registry's name."""


class Size(NamedTuple):
    """Processor cores and gigabytes of memory, as ``--cpus`` and ``--memory`` give them to a container."""

    cores: int
    memory_gb: int


class Needs(NamedTuple):
    """What the images whose tag contains ``version`` need (all images where it is empty).

    ``model_gb`` is memory that the loaded model takes on top of both sizes, from and to. None where nothing is stated.
    """

    recommended: Size
    minimum: Size | None = None
    model_gb: tuple[int, int] | None = None
    version: str = ""

    @property
    def least(self) -> Size | None:
        """The least a container runs with, the smallest model included; None where no minimum is stated."""
        if self.minimum is None:
            return None
        cores, memory = self.minimum
        return Size(cores, memory + (self.model_gb[0] if self.model_gb else 0))

    @property
    def allotted(self) -> Size:
        """What a container is given unless its operator says otherwise: the recommended size, its model included."""
        cores, memory = self.recommended
        return Size(cores, memory + (self.model_gb[1] if self.model_gb else 0))


class ContainerType(NamedTuple):
    """One kind of container: its name in licenses and commands, and what it is called elsewhere.

    ``service`` names its folder in the output mount (empty where that is not public), ``resource_kind`` the Azure
    resource that may license it, ``plan_types`` the commitments that pay for it, ``meters`` what our own engine of this
    type counts. ``models`` is where it looks for models that are mounted, ``asks`` the settings that it needs besides
    the documented ones. ``source`` says where it stands whether it runs disconnected.
    """

    name: str
    title: str
    service: str
    resource_kind: str
    repositories: tuple[str, ...]
    meters: tuple[str, ...]
    needs: tuple[Needs, ...]
    source: str
    plan_types: tuple[str, ...] = ()
    disconnected: bool = True
    tag: str = "latest"
    scheme: str = "http"
    models: str | None = None
    asks: tuple[str, ...] = ()
    has_engine: bool = False
    port: int = 5000
    license_mount: str = "/license"
    output_mount: str = "/output"

    def needs_of(self, tag: str) -> Needs:
        """What an image with this tag needs; of a version that is not listed, what the newest one does."""
        return next((needs for needs in self.needs if needs.version in tag), self.needs[0])

    @property
    def repository(self) -> str:
        """The published repository that its documentation names."""
        return next(name for name in self.repositories if not name.startswith(OURS))

    @property
    def image(self) -> str:
        """The published image that its documentation names."""
        return f"{self.repository}:{self.tag}"
