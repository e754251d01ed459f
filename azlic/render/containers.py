"""The catalogue of containers and the tags of their images: in words, 80 columns wide, and as fields for a script."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from azlic.lines import joined
from azlic.render.answer import Answer
from azlic.render.table import columns, render_text
from azlic.render.text import labelled
from licensing.containers import ContainerType, Needs, Size
from licensing.containers.kinds import OURS
from licensing.containers.tags import LATEST, LATEST_LOCALE, Tag, Tags, newest_of_each
from licensing.core.text import counted, printable


def containers_text(kinds: Sequence[ContainerType]) -> str:
    """A line for each container: whether it runs disconnected, the least and the recommended size, its plan.

    Of one alone, all that is known.
    """
    if len(kinds) == 1:
        return joined((kinds[0].title, *_details(kinds[0])))
    table = columns("Container", "Offline", ">Minimum", ">Recommended", "Plan")
    for kind in kinds:
        needs = kind.needs[0]
        plans = ", ".join(kind.plan_types)
        offline = "yes" if kind.disconnected else "no"
        table.add_row(kind.name, offline, _size(needs.minimum), _size(needs.recommended), plans)
    return render_text([table])


def _details(kind: ContainerType) -> Iterator[str]:
    yield from labelled("Name", kind.name)
    for repository in kind.repositories:
        yield f"  {'Image':<9} {repository}{'' if repository.startswith(OURS) else f':{kind.tag}'}"
        yield from labelled("", _license(kind, repository))
    yield from labelled("Mounts", ", ".join(f"{name} {path}" for name, path in _mounts(kind).items()))
    yield from labelled("Port", f"{kind.port}, {kind.scheme}://localhost:{kind.port}")
    for needs in kind.needs:
        yield from labelled("Needs", _needs(needs))
    if kind.asks:
        yield from labelled("Asks for", f"{', '.join(kind.asks)}, besides the documented settings")
    yield from labelled("Resource", kind.resource_kind)
    yield from labelled("Plan", ", ".join(kind.plan_types) or "its plan type is not public")
    yield from labelled("Offline", f"{'yes' if kind.disconnected else 'no'} ({kind.source})")


def _license(kind: ContainerType, repository: str) -> str:
    if repository.startswith(OURS):
        if not kind.has_engine:
            return "does not exist yet: azlic has no engine of this kind"
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
    return f"{counted(size.cores, 'core')}, {size.memory_gb} GB" if size else "not stated"


def _container_fields(kind: ContainerType) -> object:
    return {
        "name": kind.name,
        "title": kind.title,
        "images": [
            {
                "repository": name,
                "license": "azlic" if name.startswith(OURS) else "opaque",
                "exists": kind.has_engine or not name.startswith(OURS),
            }
            for name in kind.repositories
        ],
        "image": kind.image,
        "disconnected": kind.disconnected,
        "source": kind.source,
        "resource_kind": kind.resource_kind,
        "plan_types": kind.plan_types,
        "port": kind.port,
        "mounts": _mounts(kind),
        "settings": kind.asks,
        "needs": [
            {
                "version": needs.version or None,
                "minimum": needs.minimum,
                "recommended": needs.recommended,
                "model_gb": needs.model_gb or None,
            }
            for needs in kind.needs
        ],
    }


CONTAINERS = Answer(
    "azlic.containers/v1", containers_text, lambda kinds: {"containers": list(map(_container_fields, kinds))}
)


class WantedTags(NamedTuple):
    """A registry's tags, and what was asked of them."""

    tags: Tags
    locale: str | None
    only_newest: bool

    @property
    def newest(self) -> str | None:
        """The newest release for the locale."""
        return self.tags.newest(self.locale or "")

    @property
    def found(self) -> Sequence[Tag]:
        """All tags for the locale."""
        return self.tags.of_locale(self.locale) if self.locale else self.tags.known


def tags_text(wanted: WantedTags) -> str:
    """The tags that were asked for, the newest first; then those of another form, as they are."""
    if wanted.only_newest:
        return _newest_text(wanted.tags, wanted.locale)
    tags, found = wanted.tags, wanted.found
    table = columns("Version", "Locale", "Platform", "~Rest", "~Tag")
    for tag in found:
        version = ".".join(map(str, tag.version))
        table.add_row(version, tag.locale, tag.platform, tag.prerelease or tag.variant, tag.text)
    parts = [render_text([table])] if found else []
    if tags.latest:
        parts.append(f"{LATEST}: the image for {LATEST_LOCALE}, where a container has locales")
    if tags.others:
        listed = joined(f"  {printable(text)}" for text in tags.others)
        parts.append(f"of another form, not sorted: {len(tags.others)}\n{listed}")
    return "\n\n".join(parts) or "there are no tags in the list"


def _newest_text(tags: Tags, locale: str | None) -> str:
    """The newest tag alone, for a script; without a locale, the newest of each."""
    if locale is None and tags.locales:
        return joined(tag for _, tag in newest_of_each(tags))
    return tags.newest(locale or "") or "there are no tags in the list"


def _tags_fields(wanted: WantedTags) -> object:
    return {
        "name": wanted.tags.name,
        "newest": wanted.newest,
        "latest": wanted.tags.latest,
        "tags": [tag._asdict() | {"version": ".".join(map(str, tag.version))} for tag in wanted.found],
        "others": wanted.tags.others,
    }


TAGS = Answer("azlic.tags/v1", tags_text, _tags_fields)
