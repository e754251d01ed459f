"""The options a container is started with, exactly as the documented docker command lines give them.

``Key=value`` words, or environment variables with ``:`` or ``__`` between the parts; keys in any case. Words win over
the environment. Source: seeds/read-ocr-container, seeds/speech-to-text-container, facts §1.2, §1.3 and §6.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from licensing.core.errors import BadCall
from licensing.delivery.api_keys import read_api_key

_KNOWN = {
    "eula": "Eula",
    "billing": "Billing",
    "apikey": "ApiKey",
    "apikeyfile": "ApiKeyFile",
    "downloadlicense": "DownloadLicense",
    "mounts:license": "Mounts:License",
    "mounts:output": "Mounts:Output",
    "urls": "urls",
    "models": "Models",
}
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
    """What a container was told: its mounts, where it listens, and what a download needs.

    ``ca`` is the file with the one CA that a download believes: ``SSL_CERT_FILE``, as for most programs.
    """

    license: Path = Path("/license")
    output: Path = Path("/output")
    billing: str | None = None
    api_key: str | None = field(default=None, repr=False)
    download_license: bool = False
    ca: Path | None = None
    host: str = "127.0.0.1"
    port: int = 5000
    models: Path | None = None


def parse_options(words: Iterable[str], environ: Mapping[str, str]) -> ContainerOptions:
    """Read the options of a container.

    Raises ``BadCall`` for a missing Eula, an option nobody knows (with the one that was probably meant), a value that
    cannot be, a placeholder that was left in its place, and a download without Billing or ApiKey; ``AzlicError`` for an
    ApiKeyFile that cannot be read. Of the environment, which holds much that is none of ours, only a mount in a wrong
    form is refused: its records would go elsewhere.
    """
    values = _from_environment(environ) | _from_words(words)
    for key, value in values.items():
        if _PLACEHOLDER.fullmatch(value):
            raise BadCall(f"{_KNOWN[key]} still holds its placeholder", hint="put the value there, without brackets")
    if values.get("eula", "").lower() != "accept":
        raise BadCall(
            "Missing EULA=accept command line option. You must provide this to continue.",
            hint="add Eula=accept if the license terms are accepted",
        )
    host, port = _listen_on(values.get("urls", DEFAULT_URLS))
    wanted = _truth(values.get("downloadlicense", "false"))
    options = ContainerOptions(
        license=_folder(values, "mounts:license", "/license"),
        output=_folder(values, "mounts:output", "/output"),
        billing=values.get("billing", "").strip() or None,
        api_key=_api_key(values, wanted),
        download_license=wanted,
        ca=Path(environ["SSL_CERT_FILE"]) if environ.get("SSL_CERT_FILE") else None,
        host=host,
        port=port,
        models=_folder(values, "models", "/models") if values.get("models") else None,
    )
    if options.download_license and not (options.billing and options.api_key):
        raise BadCall(
            "DownloadLicense=True needs Billing and ApiKey",
            hint="add Billing={ENDPOINT_URI} and ApiKeyFile=FILE; the run without them comes after the download",
        )
    return options


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in environ.items():
        key = name.replace("__", ":").lower()
        if key in _KNOWN:
            values[key] = value
        elif _letters(key) in _WRONG:
            raise BadCall(
                f"there is no container option {_key_of(name)}, a variable of the environment", hint=_meant(name)
            )
    return values


def _from_words(words: Iterable[str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        key = name.lstrip("-").replace("__", ":").lower()
        if not equals:
            blank = "in a line that goes on, the backslash comes last: no blank may follow it"
            hint = "for example Eula=accept" if word.strip() else blank
            raise BadCall(f"{_key_of(word)} is not of the form Key=value", hint=hint)
        if key in _KNOWN:
            values[key] = value
        elif not key.startswith(_IGNORED):
            raise BadCall(f"there is no container option {_key_of(name)}", hint=_meant(name))
    return values


def _meant(name: str) -> str:
    """The option that was probably meant, in the spelling of the one that was written, or all there are."""
    key = name.lstrip("-").replace("__", ":").lower()
    wrong = _WRONG.get(_letters(key))
    near = [wrong] if wrong else difflib.get_close_matches(key, _KNOWN, n=1)
    if not near:
        return f"known are: {', '.join(_KNOWN.values())}"
    option = _KNOWN[near[0]]
    return f"{option.replace(':', '__') if '_' in name else option} was probably meant"


def _letters(key: str) -> str:
    return "".join(letter for letter in key if letter.isalpha())


def _key_of(word: str) -> str:
    """A word for an error text: only its key, in case what follows is a secret."""
    return repr(word.partition("=")[0][:60])


def _api_key(values: Mapping[str, str], wanted: bool) -> str | None:
    """The key as a word, or from a file, which only a download opens: no other run has to mount it."""
    key = values.get("apikey", "").strip() or None  # a secret made of a file ends in a line break
    file = values.get("apikeyfile")
    if key and file:
        raise BadCall("ApiKey and ApiKeyFile are both given", hint="leave one of them out, ApiKey for one")
    return read_api_key(file) if wanted and file else key


def _folder(values: Mapping[str, str], key: str, default: str) -> Path:
    path = Path(values.get(key, default))
    if not path.is_absolute():
        raise BadCall(f"{_KNOWN[key]} is not an absolute path: {str(path)!r}", hint=f"for example {default}")
    return path


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
