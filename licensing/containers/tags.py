"""A registry's list of image tags: read, sorted by version, the newest for a locale picked out.

Source: seeds/speech-to-text-container (the form of a tag, the list's JSON, ``latest``), facts §6.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from licensing.core.errors import AzlicError
from licensing.core.files import FileTooLarge, read_capped, unreadable
from licensing.core.strict_json import loads

LIMIT = 16 * 1024 * 1024
"""Bytes of a list that are read: the longest known ones have some ten thousand tags."""
LATEST = "latest"
LATEST_LOCALE = "en-us"
"""The locale of the images that ``latest`` is for, where a container has locales."""

_FORM = re.compile(
    r"(?P<major>[0-9]{1,18})\.(?P<minor>[0-9]{1,18})\.(?P<patch>[0-9]{1,18})"
    r"-(?P<platform>[a-z][a-z0-9]*)"
    r"(?:-(?P<locale>[a-z]{2,3}(?:-[a-z]{4})?-(?:[a-z]{2}|[0-9]{3})))?"
    r"(?:-(?P<rest>[A-Za-z0-9._-]+))?"
)
_MODEL_FORM = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})-model-([0-9]{4}-[0-9]{2}-[0-9]{2})")
_OWN_FORMS = {"vision/read": _MODEL_FORM}
"""The repositories whose releases have a form of their own. Source: facts §6. Speech has the form above."""
_PRERELEASE = re.compile(r"(?:.*-)?(?:alpha|beta|dev|pre|preview|private|rc|test)[0-9.]*(?:-.*)?", re.IGNORECASE)


class Tag(NamedTuple):
    """A tag of the documented form, in its parts; a part that is not there is empty.

    ``variant`` is what follows the locale of a release, as a dialect or a voice; ``prerelease`` what follows it where
    it names a preview.
    """

    text: str
    version: tuple[int, int, int]
    platform: str
    locale: str
    variant: str
    prerelease: str


class Tags(NamedTuple):
    """A registry's tags: those of the documented form from the newest to the oldest, and all the others as they came.

    ``latest`` says whether there is a tag of that name; it has no version.
    """

    name: str
    known: tuple[Tag, ...]
    others: tuple[str, ...]
    latest: bool

    @property
    def locales(self) -> tuple[str, ...]:
        """The locales there are images for."""
        return tuple(sorted({tag.locale for tag in self.known if tag.locale}))

    def of_locale(self, locale: str) -> tuple[Tag, ...]:
        """The tags for a locale in any case, the newest first; ``en-us-arianeural`` asks for one of its variants.

        Where a locale has images of its own and of its dialects, the locale alone asks for its own.
        """
        wanted = locale.lower().replace("_", "-")
        whole = tuple(tag for tag in self.known if wanted == _full(tag))
        return whole or tuple(tag for tag in self.known if wanted == tag.locale)

    def newest(self, locale: str = "") -> str | None:
        """The tag of the newest image for a locale, or of all; a preview only where there is no release.

        ``latest`` answers for en-US where no version is listed for it, and None where nothing answers. Without a
        locale it is the newest by the repository's own form; None where the list has tags that no form puts in order,
        so that an old preview is never taken for the newest.
        """
        if not locale and self._is_mixed:
            return self._newest_model()
        asked = self.of_locale(locale) if locale else self.known
        for tag in (*(tag for tag in asked if not tag.prerelease), *asked):
            return tag.text
        is_latest = locale.lower().replace("_", "-") in ("", LATEST_LOCALE)
        return LATEST if self.latest and is_latest else None

    @property
    def _is_mixed(self) -> bool:
        """Whether it holds more than the tags of the speech containers; theirs have locales."""
        return bool(self.others) and "speech" not in self.name and not self.locales

    def _newest_model(self) -> str | None:
        own = [form for path, form in _OWN_FORMS.items() if f"/{self.name}".endswith(f"/{path}")]
        releases = any(not tag.prerelease for tag in self.known)
        if not own and (self.name or releases):
            return None
        models = [match for text in self.others if (match := _MODEL_FORM.fullmatch(text))]
        newest = max(models, key=lambda match: (int(match[1]), int(match[2]), match[3]), default=None)
        return newest[0] if newest else None


def parse_tag(text: str) -> Tag | None:
    """A tag in its parts, or None where it is of another form.

    The form is ``<major>.<minor>.<patch>-<platform>-<locale>-<prerelease>``; locale and prerelease may be missing. Tags
    are case sensitive: platform and locale are written in lower case.
    """
    match = _FORM.fullmatch(text) if len(text) <= 128 else None
    if match is None:
        return None
    rest = match["rest"] or ""
    is_prerelease = bool(_PRERELEASE.fullmatch(rest))
    return Tag(
        text=text,
        version=(int(match["major"]), int(match["minor"]), int(match["patch"])),
        platform=match["platform"],
        locale=match["locale"] or "",
        variant="" if is_prerelease else rest,
        prerelease=rest if is_prerelease else "",
    )


def read_tags(file: str) -> Tags:
    """Read the tags list in a file; ``-`` is standard input. Raises ``AzlicError`` for what cannot be read."""
    where = "standard input" if file == "-" else file
    try:
        content = sys.stdin.buffer.read(LIMIT + 1) if file == "-" else read_capped(Path(file), LIMIT)
    except FileTooLarge as error:
        raise _no_list(where, f"it is larger than {LIMIT} bytes") from error
    except OSError as error:
        raise unreadable(where, error) from error
    return parse_tags(content, where=where)


def parse_tags(content: bytes, *, where: str) -> Tags:
    """Read a tags list: the registry's JSON, ``{"name": ..., "tags": [...]}``, or one tag a line.

    A tag that is listed twice counts once. Raises ``AzlicError`` for what is neither, or larger than ``LIMIT``.
    """
    if len(content) > LIMIT:
        raise _no_list(where, f"it is larger than {LIMIT} bytes")
    try:
        name, listed = _from_json(content) if content.lstrip()[:1] in (b"{", b"[") else ("", _from_lines(content))
    except ValueError as error:
        raise _no_list(where, str(error)) from error
    unique = dict.fromkeys(listed)
    known = [tag for text in unique if (tag := parse_tag(text))]
    return Tags(
        name=name,
        known=tuple(sorted(sorted(known, key=lambda tag: tag.text), key=_age, reverse=True)),
        others=tuple(text for text in unique if text != LATEST and not parse_tag(text)),
        latest=LATEST in unique,
    )


def newest_of_each(tags: Tags) -> Iterator[tuple[str, str]]:
    """Each locale with the tag of its newest image."""
    for locale in tags.locales:
        if newest := tags.newest(locale):
            yield locale, newest


def _age(tag: Tag) -> tuple[tuple[int, int, int], bool]:
    return tag.version, not tag.prerelease


def _full(tag: Tag) -> str:
    return f"{tag.locale}-{tag.variant}".lower() if tag.variant else tag.locale


def _from_json(content: bytes) -> tuple[str, Iterable[str]]:
    listed = loads(content)
    name, tags = (listed.get("name", ""), listed.get("tags")) if isinstance(listed, dict) else ("", listed)
    if isinstance(listed, dict) and "tags" in listed and tags is None:
        tags = []  # what a registry answers for a repository without tags
    if not isinstance(name, str) or not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise ValueError('it is not of the form {"name": "...", "tags": ["...", ...]}')
    return name, tags


def _from_lines(content: bytes) -> Iterable[str]:
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError("it is not UTF-8 text") from error
    return [line.strip() for line in lines if line.strip()]


def _no_list(where: str, reason: str) -> AzlicError:
    return AzlicError(
        f"{where} is not a list of tags: {reason}",
        hint="save what https://REGISTRY/v2/REPOSITORY/tags/list answers, or write one tag per line",
    )
