"""The catalogue of containers and the tags of their images: in words, 80 columns wide, and as fields for a script."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from azlic.render.text import columns, render_text
from licensing.containers import ContainerType, Needs, Size
from licensing.containers.kinds import OURS
from licensing.containers.tags import LATEST, LATEST_LOCALE, Tag, Tags, newest_of_each


def containers_text(kinds: Sequence[ContainerType]) -> str:
    """A line for each container: whether it runs disconnected, the least and the recommended size, its plan."""
    table = columns("Container", "Offline", ">Minimum", ">Recommended", "Plan")
    for kind in kinds:
        needs = kind.needs[0]
        plans = ", ".join(kind.plan_types)
        offline = "yes" if kind.disconnected else "no"
        table.add_row(kind.name, offline, _size(needs.minimum), _size(needs.recommended), plans)
    return render_text([table])


def container_text(kind: ContainerType) -> str:
    """All that is known of one container."""
    return "\n".join((kind.title, *_details(kind)))


def _details(kind: ContainerType) -> Iterator[str]:
    yield from _line("Name", kind.name)
    for repository in kind.repositories:
        yield f"  {'Image':<9} {repository}{'' if repository.startswith(OURS) else f':{kind.tag}'}"
        yield from _line("", _license(repository))
    yield from _line("Mounts", ", ".join(f"{name} {path}" for name, path in _mounts(kind).items()))
    yield from _line("Port", f"{kind.port}, {kind.scheme}://localhost:{kind.port}")
    for needs in kind.needs:
        yield from _line("Needs", _needs(needs))
    if kind.asks:
        yield from _line("Asks for", f"{', '.join(kind.asks)}, besides the documented settings")
    yield from _line("Resource", kind.resource_kind)
    yield from _line("Plan", ", ".join(kind.plan_types) or "its plan type is not public")
    yield from _line("Offline", f"{'yes' if kind.disconnected else 'no'} ({kind.source})")


def _license(repository: str) -> str:
    if repository.startswith(OURS):
        return "its license is signed by an issuer and verified in full"
    return "its license is opaque: adopted, with the end that its operator states"


def _mounts(kind: ContainerType) -> dict[str, str]:
    mounts = {"Mounts:License": kind.license_mount, "Mounts:Output": kind.output_mount}
    return mounts | ({"models": kind.models} if kind.models else {})


def _needs(needs: Needs) -> str:
    least = f"at least {_size(needs.minimum)}, " if needs.minimum else ""
    model = f", and {needs.model_gb[0]} to {needs.model_gb[1]} GB for its model" if needs.model_gb else ""
    version = f" ({needs.version})" if needs.version else ""
    return f"{least}recommended {_size(needs.recommended)}{model}{version}"


def _size(size: Size | None) -> str:
    return f"{size.cores} {'core' if size.cores == 1 else 'cores'}, {size.memory_gb} GB" if size else "not stated"


def container_fields(kind: ContainerType) -> dict[str, Any]:
    """A container under the schema ``azlic.containers/v1``."""
    return {
        "name": kind.name,
        "title": kind.title,
        "images": [
            {"repository": name, "license": "azlic" if name.startswith(OURS) else "opaque"}
            for name in kind.repositories
        ],
        "image": kind.image,
        "disconnected": kind.disconnected,
        "source": kind.source,
        "resource_kind": kind.resource_kind,
        "plan_types": list(kind.plan_types),
        "port": kind.port,
        "mounts": _mounts(kind),
        "settings": list(kind.asks),
        "needs": [
            {
                "version": needs.version or None,
                "minimum": needs.minimum._asdict() if needs.minimum else None,
                "recommended": needs.recommended._asdict(),
                "model_gb": list(needs.model_gb) if needs.model_gb else None,
            }
            for needs in kind.needs
        ],
    }


def tags_text(tags: Tags, found: Sequence[Tag]) -> str:
    """The tags that were asked for, the newest first; then those of another form, as they are."""
    table = columns("Version", "Locale", "Platform", "~Rest", "~Tag")
    for tag in found:
        version = ".".join(map(str, tag.version))
        table.add_row(version, tag.locale, tag.platform, tag.prerelease or tag.variant, tag.text)
    parts = [render_text([table])] if found else []
    if tags.latest:
        parts.append(f"{LATEST}: the image for {LATEST_LOCALE}, where a container has locales")
    if tags.others:
        listed = "\n".join(f"  {text if text.isprintable() else ascii(text)}" for text in tags.others)
        parts.append(f"of another form, not sorted: {len(tags.others)}\n{listed}")
    return "\n\n".join(parts) or "there are no tags in the list"


def newest_text(tags: Tags, locale: str | None) -> str:
    """The newest tag alone, for a script; without a locale, the newest of each."""
    if locale is None and tags.locales:
        return "\n".join(tag for _, tag in newest_of_each(tags))
    return tags.newest(locale or "") or "there are no tags in the list"


def tags_fields(tags: Tags, found: Sequence[Tag], newest: str | None) -> dict[str, Any]:
    """The tags under the schema ``azlic.tags/v1``."""
    return {
        "name": tags.name,
        "newest": newest,
        "latest": tags.latest,
        "tags": [tag._asdict() | {"version": ".".join(map(str, tag.version))} for tag in found],
        "others": list(tags.others),
    }


def _line(name: str, text: str) -> list[str]:
    return textwrap.wrap(text, 80, initial_indent=f"  {name:<9} ", subsequent_indent=" " * 12, break_on_hyphens=False)
