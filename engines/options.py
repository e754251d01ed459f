"""The options a container is started with, exactly as the documented docker command lines give them.

``Key=value`` words, or environment variables with ``:`` or ``__`` between the parts; keys in any case. Of a word and a
variable the variable counts, as the shared configuration page of Azure's containers orders them. Source:
seeds/read-ocr-container, seeds/speech-to-text-container, facts §1.2, §1.3 and §6; "Configure containers" at Microsoft.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from engines.logs.levels import LEVELS
from engines.logs.settings import FLUENTD_PORT, LogSettings
from licensing.core.errors import BadCall
from licensing.delivery.api_keys import read_api_key


class Option(NamedTuple):
    """An option in its documented spelling, and what it ``does``.

    That of a folder takes an absolute path, such as ``folder``; others one of some ``values`` in any case, or a whole
    number in a ``span``. The value of one that is ``secret`` is never shown. ``Part:*`` stands for all that begin so.
    It gives way to another one, ``beside`` which it has no effect, and ``needs`` another one (``Key`` or ``Key=value``)
    to have any.
    """

    key: str
    does: str = ""
    folder: str = ""
    values: tuple[str, ...] = ()
    span: tuple[int, int] | None = None
    secret: bool = False
    beside: str = ""
    needs: str = ""

    def takes(self, key: str) -> bool:
        """Whether a key, in lower case, is this option's."""
        return _takes(self.key, key)


class WithoutEffect(NamedTuple):
    """A setting of Azure's containers that is taken and does nothing here; ``Part:*`` stands for all that begin so."""

    key: str
    why: str

    def takes(self, key: str) -> bool:
        """Whether a key, in lower case, is one of these."""
        return _takes(self.key, key)


def _takes(own: str, key: str) -> bool:
    own = own.lower()
    return key.startswith(own[:-1]) and key != own[:-1] if own.endswith("*") else key == own


LICENSE_MOUNT = Option("Mounts:License", "the folder with `license.dat`; else `/license`", folder="/license")
OUTPUT_MOUNT = Option("Mounts:Output", "the folder that usage records go into; else `/output`", folder="/output")


def _levels(target: str, what: str, needs: str = "") -> tuple[Option, ...]:
    """How much one target of the log tells: of all our categories, and of one that is named."""
    default = f"{target}LogLevel:Default"
    values = (*LEVELS,)
    return (
        Option(default, what, values=values, needs=needs),
        Option(f"{target}LogLevel", "the same", values=values, beside=default, needs=needs),
        Option(f"{target}LogLevel:*", "the same of one category, such as `azlic.requests`", values=values, needs=needs),
    )


_CONSOLE, _DISK = "Logging:Console:", "Logging:Disk:"
LOGGING = (
    *_levels(_CONSOLE, "the least level that the log on stderr tells"),
    Option(f"{_CONSOLE}Format", "`text`, or `json` for a JSON object in each line", values=("text", "json")),
    Option(f"{_DISK}Format", "`json` writes the log into the output mount, too", values=("json",)),
    *_levels(_DISK, "the least level that is written there", needs=f"{_DISK}Format"),
    Option(
        f"{_DISK}MaxFileSize",
        "how many megabytes a file has before the next one begins, or -1 or 0 for no bound; else 1",
        span=(-1, 1_000_000),
        needs=f"{_DISK}Format",
    ),
    Option(
        "Logging:LogLevel:Default",
        "the least level of every target that has none of its own",
        values=(*LEVELS,),
        beside=f"{_CONSOLE}LogLevel:Default",
    ),
    Option("Logging:LogLevel:*", "the same of one category", values=(*LEVELS,)),
    Option("Fluentd:Host", "the listener that gets the log, too, over Fluentd's forward protocol"),
    Option("Fluentd:Port", f"its port; else {FLUENTD_PORT}", span=(1, 65_535), needs="Fluentd:Host"),
    Option("Fluentd:UseTLS", "`False`: the log goes there in the clear", values=("False",), needs="Fluentd:Host"),
)

COMMON = (
    Option("Eula", "`accept` accepts the license terms; needed always", values=("accept",)),
    Option("Billing", "the resource's endpoint, for a download or a connected container"),
    Option("ApiKey", "one of the resource's two API keys, for the same", secret=True),
    Option("ApiKeyFile", "a file with the API key, which no process list shows"),
    Option("DownloadLicense", "`True` fetches the license into `Mounts:License` and ends", values=("True", "False")),
    LICENSE_MOUNT,
    OUTPUT_MOUNT,
    Option("urls", "where to listen; else `http://127.0.0.1:5000`"),
    Option("KnownProxies", "the proxies whose `X-Forwarded-*` headers are believed: `10.0.0.2,10.1.0.0/16`; else none"),
    *LOGGING,
)
"""What every container takes."""

MODELS = Option("Models", "the folder with the engine's models, plain or sealed; else its own", folder="/models")
"""For an engine that takes its model files, plain or sealed, from a folder: the container finds them for it."""

WITHOUT_EFFECT = (
    WithoutEffect("EnableSyncNTPServer", "this container asks no time server; the machine's clock counts"),
    WithoutEffect("NTPServerAddress", "this container asks no time server; the machine's clock counts"),
    WithoutEffect("Storage:*", "results are kept in memory or in Mounts:Shared, and nowhere else"),
    WithoutEffect("Mounts:Input", "nothing is read from an input mount"),
    WithoutEffect("Cache:*", "results are kept in memory or in Mounts:Shared, and nowhere else"),
    WithoutEffect("Queue:*", "the container that takes a document in reads it itself"),
    WithoutEffect("Task:*", "of these, only Task:MaxRunningTimeSpanInMinutes is known"),
    WithoutEffect(
        "ReadEngineConfig:*", "it is of version 2.0; StorageTimeToLiveInMinutes says how long results are kept"
    ),
    WithoutEffect("Logging:*", "the log has no such target or form; docs/settings.md lists those that it has"),
    WithoutEffect("Fluentd:*", "the connection to Fluentd is as the system makes it, and tried with each line"),
    WithoutEffect("ApplicationInsights:*", "nothing is sent to Azure"),
    WithoutEffect("HTTP_PROXY", "no proxy is asked: the API key goes to the issuer alone"),
    WithoutEffect("HTTP_PROXY_CREDS", "no proxy is asked: the API key goes to the issuer alone"),
    WithoutEffect("HTTPS_PROXY", "no proxy is asked: the API key goes to the issuer alone"),
    WithoutEffect("ALL_PROXY", "no proxy is asked: the API key goes to the issuer alone"),
    WithoutEffect("NO_PROXY", "no proxy is asked: the API key goes to the issuer alone"),
)
"""Documented settings that have no meaning here; they are let through and told, so that a line can be kept."""

_WRONG = {
    "mountslicense": "mounts:license",
    "mountsoutput": "mounts:output",
    "licensefolderkey": "mounts:license",
    "licencefolderkey": "mounts:license",
}
"""Wrong forms that were really in use, by their letters, and what was meant. Source: facts §1.2 and §5."""
_CATEGORIES_OF_NET = ("microsoft", "system")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}|<[^<>]*>")

DEFAULT_URLS = "http://127.0.0.1:5000"


@dataclass(frozen=True, slots=True)
class ContainerOptions:
    """A container's options: its mounts, where it listens, and what a download or a connected container needs.

    ``ca`` is the file with the one CA that a download trusts: ``SSL_CERT_FILE``, as for most programs. ``own`` are
    the options that only this container's engine takes, by their keys, as far as they have a value. ``remarks`` are
    for the log: what was said twice and differently, and what has no effect.
    """

    license: Path = Path("/license")
    output: Path = Path("/output")
    billing: str | None = None
    api_key: str | None = field(default=None, repr=False)
    api_key_file: str | None = None
    download_license: bool = False
    ca: Path | None = None
    host: str = "127.0.0.1"
    port: int = 5000
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    logs: LogSettings = field(default_factory=LogSettings)
    own: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = field(default=(), compare=False)

    @property
    def has_key(self) -> bool:
        """Whether an API key was given, as a word or in a file."""
        return self.api_key is not None or self.api_key_file is not None

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
    ours, only a mount that nobody knows is refused: its records would go elsewhere.
    """
    known = _Known({option.key.lower(): option for option in (*COMMON, *own)}, others or {})
    heeded: dict[str, list[_Stated]] = {}
    unheeded: dict[str, list[str]] = {}
    for stated in (*known.in_words(words), *known.in_environment(environ)):  # the order is the documented precedence
        if isinstance(stated.option, Option):
            heeded.setdefault(stated.key, []).append(stated)
        else:
            unheeded.setdefault(stated.option.why, []).append(stated.name)
    values = {key: said[-1].value for key, said in heeded.items()}
    if values.get("Eula", "").lower() != "accept":
        raise BadCall(
            "Missing EULA=accept command line option. You must provide this to continue.",
            hint="add Eula=accept if the license terms are accepted",
        )
    for last in (said[-1] for said in heeded.values()):
        _check_value(last, may_be_empty=last.option in own)
    host, port = _listen_on(values.get("urls", DEFAULT_URLS))
    wanted = values.get("DownloadLicense", "").lower() == "true"
    options = ContainerOptions(
        license=Path(values.get(LICENSE_MOUNT.key, LICENSE_MOUNT.folder)),
        output=Path(values.get(OUTPUT_MOUNT.key, OUTPUT_MOUNT.folder)),
        billing=values.get("Billing", "").strip() or None,
        api_key=_api_key(values, wanted),
        api_key_file=None if wanted else values.get("ApiKeyFile"),
        download_license=wanted,
        ca=Path(environ["SSL_CERT_FILE"]) if environ.get("SSL_CERT_FILE") else None,
        host=host,
        port=port,
        proxies=_proxies(values.get("KnownProxies", "")),
        logs=LogSettings.of({key.lower(): value for key, value in values.items()}),
        own={option.key: values[option.key] for option in own if values.get(option.key)},
        remarks=(*_differences(heeded.values()), *_overlaps(heeded), *_without_effect(unheeded)),
    )
    if options.download_license and not (options.billing and options.api_key):
        raise BadCall(
            "DownloadLicense=True needs Billing and ApiKey",
            hint="add Billing={ENDPOINT_URI} and ApiKeyFile=FILE; the run without them comes after the download",
        )
    return options


class _Stated(NamedTuple):
    """One option as it was given: its value, and the word or the variable that gave it."""

    option: Option | WithoutEffect
    value: str
    place: str
    name: str

    def __str__(self) -> str:
        return f"the {self.place} {self.name}"

    @property
    def key(self) -> str:
        """The option's key; of one that stands for many, the one that was meant."""
        own = self.option.key
        return own if not own.endswith("*") else own[:-1] + _plain_key(self.name)[len(own) - 1 :]


@dataclass(frozen=True, slots=True)
class _Known:
    """The options there are for one container, by their keys in lower case; ``others`` belong to another engine."""

    options: Mapping[str, Option]
    others: Mapping[str, str]

    def in_environment(self, environ: Mapping[str, str]) -> Iterator[_Stated]:
        """What its variables say; one that is empty says nothing, but for a mount, whose records would go elsewhere."""
        for name, text in environ.items():
            key, value = name.replace("__", ":").lower(), text.rstrip("\r\n")
            option = self._option(key) or _without(key)
            if option and (value or option in (LICENSE_MOUNT, OUTPUT_MOUNT)):
                yield _Stated(option, value, "variable", name[:60])
            elif not option and key not in self.others and (_letters(key) in _WRONG or key.startswith("mounts:")):
                raise BadCall(
                    f"there is no container option {_key_of(name)}, a variable of the environment",
                    hint=self._meant(name),
                )

    def in_words(self, words: Iterable[str]) -> Iterator[_Stated]:
        """What the command line says."""
        for word in words:
            name, equals, value = word.partition("=")
            key = _plain_key(name)
            if not equals:
                blank = "in a continued line, the backslash comes last: no space and no carriage return may follow it"
                hint = "for example Eula=accept" if word.strip() else blank
                raise BadCall(f"{_key_of(word)} is not of the form Key=value", hint=hint)
            option: Option | WithoutEffect | None = self._option(key)
            if option is None and (engine := self.others.get(key)):
                raise BadCall(
                    f"{_key_of(name)} is an option of the {engine} container, not of this one", hint=self._all()
                )
            option = option or _without(key)
            if option is None:
                raise BadCall(f"there is no container option {_key_of(name)}", hint=self._meant(name))
            yield _Stated(option, value.rstrip("\r\n"), "word", name[:60])

    def _option(self, key: str) -> Option | None:
        """The option of a key: the one of this name, or else the one that stands for many such names."""
        many = (option for option in self.options.values() if option.key.endswith("*") and option.takes(key))
        return self.options.get(key) or next(many, None)

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
    """The key as a word, or from a file, which is opened where it is needed: a run with a license need not mount it."""
    key = values.get("ApiKey", "").strip() or None  # a secret made of a file ends in a line break
    file = values.get("ApiKeyFile")
    if key and file:
        raise BadCall("ApiKey and ApiKeyFile are both given", hint="leave one of them out, ApiKey for one")
    return read_api_key(file) if wanted and file else key


def _without(key: str) -> WithoutEffect | None:
    return next((setting for setting in WITHOUT_EFFECT if setting.takes(key)), None)


def _differences(options: Iterable[Sequence[_Stated]]) -> Iterator[str]:
    """What was said more than once and not alike, with what counts of it."""
    for said in options:
        option = said[-1].option
        assert isinstance(option, Option)  # noqa: S101 - the others are not compared
        if len({one.value.lower() if option.values else one.value for one in said}) > 1:
            each = " and ".join(str(one) if option.secret else f"{one} ({one.value})" for one in said)
            yield f"{said[-1].key} is not the same in {each}: {said[-1]} counts"


def _without_effect(unheeded: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for why, names in unheeded.items():
        have = "has" if len(set(names)) == 1 else "have"
        yield f"{', '.join(dict.fromkeys(names))} {have} no effect here: {why}"


def _overlaps(heeded: Mapping[str, Sequence[_Stated]]) -> Iterator[str]:
    """What was said and counts for nothing, because of what was said or not said beside it."""
    for said in heeded.values():
        stated, option = said[-1], said[-1].option
        assert isinstance(option, Option)  # noqa: S101 - the others were told apart
        needed, _, value = option.needs.partition("=")
        if option.beside in heeded:
            yield f"{stated.name} gives way to {heeded[option.beside][-1].name}"
        elif needed and not (needed in heeded and (not value or heeded[needed][-1].value.lower() == value.lower())):
            yield f"{stated.name} has no effect here without {option.needs}"
        elif option.key.endswith("*") and stated.key.rpartition(":")[2].partition(".")[0] in _CATEGORIES_OF_NET:
            yield f"{stated.name} has no effect here: that category is .NET's, and in this container is none of it"


def _check_value(stated: _Stated, *, may_be_empty: bool) -> None:
    option, value = stated.option, stated.value
    assert isinstance(option, Option)  # noqa: S101 - the others take any
    if may_be_empty and not value:
        return
    key = stated.key if stated.place == "word" else f"{stated.key} ({stated})"
    if _PLACEHOLDER.fullmatch(value):
        raise BadCall(f"{key} still holds its placeholder", hint="put the value there, without brackets")
    if option.folder and not Path(value).is_absolute():
        raise BadCall(f"{key} is not an absolute path: {value!r}", hint=f"for example {option.folder}")
    if option.values and value.lower() not in map(str.lower, option.values):
        raise BadCall(f"{key} cannot be {value[:60]!r}", hint=f"it is one of {', '.join(option.values)}")
    if option.span and not (re.fullmatch(r"-?[0-9]{1,9}", value) and option.span[0] <= int(value) <= option.span[1]):
        least, most = option.span
        raise BadCall(f"{key} cannot be {value[:60]!r}", hint=f"it is a whole number from {least} to {most}")


def _listen_on(urls: str) -> tuple[str, int]:
    try:
        parts = urlsplit(urls.replace("//+", "//0.0.0.0").replace("//*", "//0.0.0.0"))
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port is None or parts.scheme != "http":
        raise BadCall(f"urls is not an address to listen on: {urls!r}", hint=f"for example urls={DEFAULT_URLS}")
    return host, port


def _proxies(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(each.strip()) for each in text.split(",") if each.strip())
    except ValueError as error:
        raise BadCall(f"KnownProxies are not addresses: {error}", hint="for example KnownProxies=10.0.0.2") from error
