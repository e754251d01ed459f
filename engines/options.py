"""The options a container is started with, exactly as the documented docker command lines give them.

``Key=value`` words, or environment variables with ``:`` or ``__`` between the parts; keys in any case. Words win over
the environment. Source: seeds/read-ocr-container, seeds/speech-to-text-container, facts §1.2, §1.3 and §6.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from licensing.core.errors import BadCall
from licensing.delivery.api_keys import read_api_key


class Option(NamedTuple):
    """An option in its documented spelling. That of a folder takes an absolute path, such as ``folder``."""

    key: str
    folder: str = ""


COMMON = (
    Option("Eula"),
    Option("Billing"),
    Option("ApiKey"),
    Option("ApiKeyFile"),
    Option("DownloadLicense"),
    Option("Mounts:License", folder="/license"),
    Option("Mounts:Output", folder="/output"),
    Option("urls"),
)
"""What every container takes."""

MODELS = Option("Models", folder="/models")
"""For an engine that takes its model files, plain or sealed, from a folder: the container finds them for it."""

_IGNORED = ("logging:", "fluentd:", "applicationinsights:", "http_proxy")
"""Settings of Microsoft's containers that have no meaning here; they are let through, so that a line can be kept."""

_WRONG = {
    "mountslicense": "mounts:license",
    "mountsoutput": "mounts:output",
    "licensefolderkey": "mounts:license",
    "licencefolderkey": "mounts:license",
}
"""Wrong forms that were really in use, by their letters, and what was meant. Source: facts §1.2 and §5."""
_PLACEHOLDER = re.compile(r"\{[^{}]*\}|<[^<>]*>")

DEFAULT_URLS = "http://127.0.0.1:5000"


@dataclass(frozen=True, slots=True)
class ContainerOptions:
    """A container's options: its mounts, where it listens, and what a download needs.

    ``ca`` is the file with the one CA that a download trusts: ``SSL_CERT_FILE``, as for most programs. ``own`` are
    the options that only this container's engine takes, by their keys, as far as they have a value.
    """

    license: Path = Path("/license")
    output: Path = Path("/output")
    billing: str | None = None
    api_key: str | None = field(default=None, repr=False)
    download_license: bool = False
    ca: Path | None = None
    host: str = "127.0.0.1"
    port: int = 5000
    own: Mapping[str, str] = field(default_factory=dict)

    @property
    def models(self) -> Path | None:
        """The folder with the engine's models, or None for its own."""
        return Path(self.own[MODELS.key]) if MODELS.key in self.own else None


def parse_options(
    words: Iterable[str],
    environ: Mapping[str, str],
    own: Sequence[Option] = (),
    *,
    others: Mapping[str, str] | None = None,
) -> ContainerOptions:
    """Read the options of a container: those that all take, and its engine's ``own``.

    ``others`` are the keys of options that are not its own, with the engine that takes each.
    Raises ``BadCall`` for a missing Eula, an option nobody knows (with the one that was probably meant) or another
    engine has, a value that cannot be, a placeholder that was left in its place, and a download without Billing or
    ApiKey; ``AzlicError`` for an ApiKeyFile that cannot be read. Of the environment, which holds much that is none of
    ours, only a mount in a wrong form is refused: its records would go elsewhere.
    """
    known = _Known({option.key.lower(): option for option in (*COMMON, *own)}, others or {})
    values = known.in_environment(environ) | known.in_words(words)
    stated = {option.key: values[option.key] for option in own if values.get(option.key)}
    for option in (*COMMON, *own):
        _check_value(option, values.get(option.key), may_be_empty=option in own)
    if values.get("Eula", "").lower() != "accept":
        raise BadCall(
            "Missing EULA=accept command line option. You must provide this to continue.",
            hint="add Eula=accept if the license terms are accepted",
        )
    host, port = _listen_on(values.get("urls", DEFAULT_URLS))
    wanted = _truth(values.get("DownloadLicense", "false"))
    options = ContainerOptions(
        license=Path(values.get("Mounts:License", "/license")),
        output=Path(values.get("Mounts:Output", "/output")),
        billing=values.get("Billing", "").strip() or None,
        api_key=_api_key(values, wanted),
        download_license=wanted,
        ca=Path(environ["SSL_CERT_FILE"]) if environ.get("SSL_CERT_FILE") else None,
        host=host,
        port=port,
        own=stated,
    )
    if options.download_license and not (options.billing and options.api_key):
        raise BadCall(
            "DownloadLicense=True needs Billing and ApiKey",
            hint="add Billing={ENDPOINT_URI} and ApiKeyFile=FILE; the run without them comes after the download",
        )
    return options


@dataclass(frozen=True, slots=True)
class _Known:
    """The options there are for one container, by their keys in lower case; ``others`` belong to another engine."""

    options: Mapping[str, Option]
    others: Mapping[str, str]

    def in_environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        values: dict[str, str] = {}
        for name, value in environ.items():
            key = name.replace("__", ":").lower()
            if key in self.options:
                values[self.options[key].key] = value
            elif _letters(key) in _WRONG:
                raise BadCall(
                    f"there is no container option {_key_of(name)}, a variable of the environment",
                    hint=self._meant(name),
                )
        return values

    def in_words(self, words: Iterable[str]) -> dict[str, str]:
        values: dict[str, str] = {}
        for word in words:
            name, equals, value = word.partition("=")
            key = _plain_key(name)
            if not equals:
                blank = "in a continued line, the backslash comes last: no space may follow it"
                hint = "for example Eula=accept" if word.strip() else blank
                raise BadCall(f"{_key_of(word)} is not of the form Key=value", hint=hint)
            if key in self.options:
                values[self.options[key].key] = value
            elif engine := self.others.get(key):
                raise BadCall(
                    f"{_key_of(name)} is an option of the {engine} container, not of this one", hint=self._all()
                )
            elif not key.startswith(_IGNORED):
                raise BadCall(f"there is no container option {_key_of(name)}", hint=self._meant(name))
        return values

    def _meant(self, name: str) -> str:
        """The option that was probably meant, in the spelling of the one that was written, or all there are."""
        key = _plain_key(name)
        wrong = _WRONG.get(_letters(key))
        near = [wrong] if wrong else difflib.get_close_matches(key, self.options, n=1)
        if not near:
            return self._all()
        option = self.options[near[0]].key
        return f"{option.replace(':', '__') if '_' in name else option} was probably meant"

    def _all(self) -> str:
        return f"known are: {', '.join(option.key for option in self.options.values())}"


def _plain_key(name: str) -> str:
    return name.lstrip("-").replace("__", ":").lower()


def _letters(key: str) -> str:
    return "".join(letter for letter in key if letter.isalpha())


def _key_of(word: str) -> str:
    """A word for an error text: only its key, in case what follows is a secret."""
    return repr(word.partition("=")[0][:60])


def _api_key(values: Mapping[str, str], wanted: bool) -> str | None:
    """The key as a word, or from a file, which only a download opens: no other run has to mount it."""
    key = values.get("ApiKey", "").strip() or None  # a secret made of a file ends in a line break
    file = values.get("ApiKeyFile")
    if key and file:
        raise BadCall("ApiKey and ApiKeyFile are both given", hint="leave one of them out, ApiKey for one")
    return read_api_key(file) if wanted and file else key


def _check_value(option: Option, value: str | None, *, may_be_empty: bool) -> None:
    if value is None or (may_be_empty and not value):
        return
    if _PLACEHOLDER.fullmatch(value):
        raise BadCall(f"{option.key} still holds its placeholder", hint="put the value there, without brackets")
    if option.folder and not Path(value).is_absolute():
        raise BadCall(f"{option.key} is not an absolute path: {value!r}", hint=f"for example {option.folder}")


def _truth(text: str) -> bool:
    lowered = text.lower()
    if lowered not in ("true", "false"):
        raise BadCall(f"DownloadLicense is True or False, not {text!r}", hint="write DownloadLicense=True")
    return lowered == "true"


def _listen_on(urls: str) -> tuple[str, int]:
    try:
        parts = urlsplit(urls.replace("//+", "//0.0.0.0").replace("//*", "//0.0.0.0"))
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port is None or parts.scheme != "http":
        raise BadCall(f"urls is not an address to listen on: {urls!r}", hint=f"for example urls={DEFAULT_URLS}")
    return host, port
