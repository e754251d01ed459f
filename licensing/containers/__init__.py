"""The kinds of container a license can be for."""

from licensing.containers.catalogue import CONTAINER_TYPES, READ, SPEECH_TO_TEXT
from licensing.containers.image import Image
from licensing.containers.kinds import OURS, ContainerType, Needs, Size
from licensing.containers.version import version_key
from licensing.core.errors import BadCall

__all__ = [
    "CONTAINER_TYPES",
    "READ",
    "SPEECH_TO_TEXT",
    "ContainerType",
    "Image",
    "Needs",
    "Size",
    "container_named",
    "container_of",
    "container_type",
    "find_container",
    "require_image",
    "same_repository",
    "version_key",
]


def container_type(name: str) -> ContainerType:
    """The kind of a name, written in any case. Raises ``BadCall`` with the names there are."""
    if kind := CONTAINER_TYPES.get(name.lower()):
        return kind
    raise BadCall(f"there is no container type {name!r}", hint=f"one of: {', '.join(CONTAINER_TYPES)}")


def find_container(text: str) -> tuple[ContainerType, Image]:
    """The kind and the image that a name, ``NAME:TAG`` or an image refers to; a name alone for its published image.

    Raises ``BadCall`` where no kind is known by it, or where it is an image of ours that does not exist.
    """
    name, colon, tag = text.partition(":")
    if "/" not in text:
        kind = container_type(name)
        return kind, Image.parse(f"{kind.repository}:{tag}" if colon else kind.image)
    image = Image.parse(text)
    require_image(image)
    if found := container_of(image):
        return found, image
    raise BadCall(
        f"cannot tell which container {text!r} is",
        hint="name the container, and the image with --image: azlic run read --image IMAGE",
    )


def require_image(image: Image) -> None:
    """Raises ``BadCall`` where an image is one of ours, and there is none of that name; others are not known here."""
    ours = {name: kind for kind in CONTAINER_TYPES.values() for name in kind.repositories if name.startswith(OURS)}
    kind = next((kind for name, kind in ours.items() if same_repository(image.repository, name)), None)
    if kind.has_engine if kind else not image.is_ours or container_of(image):
        return
    there_are = ", ".join(name for name, kind in ours.items() if kind.has_engine)
    published = f"; the published image of this container is {kind.image}" if kind else ""
    raise BadCall(
        f"there is no image {image.repository!r}{' yet' if kind else ''}",
        hint=f"azlic's own images are: {there_are}{published}",
    )


def container_of(image: Image) -> ContainerType | None:
    """The kind an image is of, by its repository; a registry's own copy under another host is known too.

    Microsoft's pages leave ``speechservices/`` out now and then: such a name is understood. Source: facts §6.
    """
    for kind in CONTAINER_TYPES.values():
        if any(same_repository(image.repository, known) for known in kind.repositories):
            return kind
    return None


def same_repository(repository: str, known: str) -> bool:
    """Whether a repository is the known one, or a registry's own copy of it under another host."""
    path = known.removeprefix("mcr.microsoft.com/")
    return f"/{repository}".endswith((f"/{path}", f"/{path.replace('/speechservices/', '/')}"))
