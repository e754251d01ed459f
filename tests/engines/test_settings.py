"""Every documented setting in every spelling: it does what the table says, or is said once to have no effect."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from engines.catalogue import ENGINES, READ_OPTIONS, document_seconds, engine_options, result_kept
from engines.options import COMMON, WITHOUT_EFFECT, ContainerOptions, Option, parse_options
from licensing.core.errors import BadCall
from tests.site import Site

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"

NO_EFFECT = {
    "EnableSyncNTPServer": "false",
    "NTPServerAddress": "time.windows.com",
    "Storage:ObjectStore:AzureBlob:ConnectionString": "AccountKey=s3cret;x=y",
    "Storage::DocumentStore::MongoDB": "mongodb://s3cret@x",
    "Mounts:Input": "/input",
    "Cache:Redis:Configuration": "redis:6379,password=s3cret",
    "Queue:RabbitMQ": "s3cret",
    "Queue:Azure:ConnectionString": "AccountKey=s3cret",
    "Queue:Azure:QueueVisibilityTimeoutInMilliseconds": "30000",
    "Task:Anything": "1",
    "ReadEngineConfig:ResultExpirationPeriod": "24",
    "Logging:Debug:LogLevel:Default": "Debug",
    "Logging:Console:FormatterName": "simple",
    "Fluentd:HeartbeatMs": "60000",
    "Fluentd:SendBufferSize": "32768",
    "Fluentd:TlsConnectionEstablishmentTimeoutMs": "10000",
    "ApplicationInsights:InstrumentationKey": "s3cret",
    "HTTP_PROXY": "http://jerry:s3cret@proxy:8888",
    "HTTP_PROXY_CREDS": "jerry:s3cret",
    "HTTPS_PROXY": "http://jerry:s3cret@proxy:8888",
    "ALL_PROXY": "socks5://jerry:s3cret@proxy:8888",
    "NO_PROXY": "localhost",
}
"""The documented settings that have no meaning here, each with a value somebody may have given it."""

EFFECT: dict[str, tuple[str, str]] = {
    "Eula": ("accept", "accept"),
    "Billing": ("https://a.example", "https://b.example"),
    "ApiKey": ("0123456789abcdef", "fedcba9876543210"),
    "ApiKeyFile": ("/run/key1", "/run/key2"),
    "DownloadLicense": ("False", "false"),
    "Mounts:License": ("/a/license", "/b/license"),
    "Mounts:Output": ("/a/output", "/b/output"),
    "urls": ("http://127.0.0.1:5001", "http://127.0.0.1:5002"),
    "KnownProxies": ("10.0.0.2", "10.0.0.3"),
    "Logging:Console:LogLevel:Default": ("Warning", "Error"),
    "Logging:Console:LogLevel": ("Warning", "Error"),
    "Logging:Console:LogLevel:azlic.requests": ("Warning", "Error"),
    "Logging:Console:Format": ("json", "text"),
    "Logging:Disk:Format": ("json", "JSON"),
    "Logging:Disk:LogLevel:Default": ("Warning", "Error"),
    "Logging:Disk:LogLevel": ("Warning", "Error"),
    "Logging:Disk:LogLevel:azlic.requests": ("Warning", "Error"),
    "Logging:Disk:MaxFileSize": ("5", "-1"),
    "Logging:LogLevel:Default": ("Warning", "Error"),
    "Logging:LogLevel:azlic.requests": ("Warning", "Error"),
    "Fluentd:Host": ("10.0.0.1", "10.0.0.2"),
    "Fluentd:Port": ("24225", "24226"),
    "Fluentd:UseTLS": ("False", "false"),
    "Models": ("/a/models", "/b/models"),
    "Languages": ("en", "en,de"),
    "Mounts:Shared": ("/a/share", "/b/share"),
    "StorageTimeToLiveInMinutes": ("60", "10080"),
    "Storage:TimeToLiveInDays": ("1", "7"),
    "Task:MaxRunningTimeSpanInMinutes": ("1", "60"),
}
"""The documented settings that do something, each with two values."""

NEEDED = {
    **dict.fromkeys((key for key in EFFECT if key.startswith("Logging:Disk:L")), "Logging:Disk:Format=json"),
    "Logging:Disk:MaxFileSize": "Logging:Disk:Format=json",
    "Fluentd:Port": "Fluentd:Host=10.0.0.1",
    "Fluentd:UseTLS": "Fluentd:Host=10.0.0.1",
}
"""Those that have an effect only beside another one."""

SEPARATORS = (":", "__")
CASES: tuple[Callable[[str], str], ...] = (str, str.lower, str.upper, str.title, str.swapcase)
SPELLINGS = list(product(SEPARATORS, CASES))
DASHES = ("", "--")
ENDS = ("", "\r", "\n", "\r\n")


def spelled(key: str, separator: str, case: Callable[[str], str]) -> str:
    return case(key).replace(":", separator)


def parse(*words: str, **environ: str) -> ContainerOptions:
    return engine_options("read", ["Eula=accept", *words], environ)


def beside(key: str) -> list[str]:
    """The words that a setting needs beside it to have an effect."""
    return [NEEDED[key]] if key in NEEDED else []


def ways(key: str, value: str) -> Iterator[tuple[str, ContainerOptions]]:
    """Every way to say it, with how it is spelled there, and what came of it."""
    plain = SPELLINGS[:1]
    for (separator, case), dash, end in (*product(plain, DASHES, ENDS), *product(SPELLINGS, DASHES[:1], ENDS[:1])):
        name = dash + spelled(key, separator, case)
        yield name, parse(f"{name}={value}{end}", *beside(key))
    for (separator, case), end in (*product(plain, ENDS), *product(SPELLINGS, ENDS[:1])):
        name = spelled(key, separator, case)
        yield name, parse(*beside(key), **{name: value + end})


def test_the_examples_are_of_all_settings_that_there_are() -> None:
    known = (*COMMON, *READ_OPTIONS)
    assert [sum(option.takes(key.lower()) for key in EFFECT) > 0 for option in known] == [True] * len(known)
    assert all(any(option.takes(key.lower()) for option in known) for key in EFFECT)
    for setting in WITHOUT_EFFECT:
        assert any(setting.takes(key.lower()) for key in NO_EFFECT), setting.key
    assert all(any(setting.takes(key.lower()) for setting in WITHOUT_EFFECT) for key in NO_EFFECT)


@pytest.mark.parametrize("key", NO_EFFECT)
def test_a_setting_without_effect_is_said_once_in_every_spelling(key: str) -> None:
    for name, options in ways(key, NO_EFFECT[key]):
        assert options == ContainerOptions()
        (remark,) = options.remarks
        assert remark.startswith(f"{name} has no effect here: ")
        assert "s3cret" not in remark


@pytest.mark.parametrize("key", EFFECT)
def test_a_setting_with_effect_says_the_same_in_every_spelling(key: str) -> None:
    first, _ = EFFECT[key]
    told = parse(f"{key}={first}", *beside(key))
    assert told.remarks == ()
    for name, options in ways(key, first):
        assert (name, options, options.remarks) == (name, told, ())


@pytest.mark.parametrize("key", [key for key, (one, other) in EFFECT.items() if one.lower() != other.lower()])
def test_a_word_and_a_variable_that_disagree_are_told_and_the_variable_counts(key: str) -> None:
    word, variable = EFFECT[key]
    for separator, case in SPELLINGS:
        name = spelled(key, separator, case)
        options = parse(f"{key}={word}", *beside(key), **{name: variable})
        assert options == parse(f"{key}={variable}", *beside(key))
        remark, *others = options.remarks
        assert not others
        shown = ("", "") if key == "ApiKey" else (f" ({word})", f" ({variable})")
        each = f"the word {key}{shown[0]} and the variable {name}{shown[1]}"
        assert remark == f"{key} is not the same in {each}: the variable {name} counts"
        assert parse(f"{key}={word}", *beside(key), **{name: word}).remarks == ()


@pytest.mark.parametrize("key", [key for key, (one, other) in EFFECT.items() if one.lower() != other.lower()])
def test_two_words_that_disagree_are_told_and_the_last_counts(key: str) -> None:
    one, other = EFFECT[key]
    options = parse(f"{key}={one}", *beside(key), f"{key.upper()}={other}")
    assert options == parse(f"{key}={other}", *beside(key))
    remark, *others = options.remarks
    assert remark.endswith(f": the word {key.upper()} counts")
    assert not others


def test_values_that_differ_only_in_case_do_not_disagree_where_case_means_nothing() -> None:
    assert parse("DownloadLicense=False", DownloadLicense="FALSE", EULA="Accept").remarks == ()
    assert parse("Logging:LogLevel:Default=error", Logging__LogLevel__Default="Error").remarks == ()


@pytest.mark.parametrize("key", [*NO_EFFECT, *EFFECT])
def test_an_empty_variable_says_nothing_but_for_a_mount(key: str) -> None:
    name = key.replace(":", "__")
    if key in ("Mounts:License", "Mounts:Output"):
        with pytest.raises(BadCall, match=re.escape(f"{key} (the variable {name}) is not an absolute path: ''")):
            parse(**{name: ""})
    else:
        options = parse(**{name: ""})
        assert (options, options.remarks) == (ContainerOptions(), ())


def test_settings_without_effect_for_one_reason_are_one_line() -> None:
    options = parse("Queue:A=a", "Queue:B=1", Queue__C="true", NTPServerAddress="x")
    assert options.remarks == (
        "Queue:A, Queue:B, Queue__C have no effect here: the container that takes a document in reads it itself",
        "NTPServerAddress has no effect here: this container asks no time server; the machine's clock counts",
    )


@pytest.mark.parametrize(
    "word",
    [
        "EnableSyncNTPServers=false",
        "NTPServer=x",
        "Storage=x",
        "Tasks:MaxRunningTimeSpanInMinutes=1",
        "Mounts:Share=/share",
        "Log:Console=x",
        "Fluentd=x",
        "HTTP_PROXY_USER=x",
        "SOCKS_PROXY=x",
        "StorageTimeToLiveInHours=1",
    ],
)
def test_a_word_that_is_no_setting_is_still_refused(word: str) -> None:
    with pytest.raises(BadCall, match="there is no container option"):
        parse(word)


@pytest.mark.parametrize("name", ["Mounts__Licence", "Mounts:Outptu", "MOUNTS__X"])
def test_a_variable_of_a_mount_that_there_is_not_is_refused(name: str) -> None:
    with pytest.raises(BadCall, match=r"there is no container option .*, a variable of the environment"):
        parse(**{name: "/x"})


WRONG = [
    *product(["StorageTimeToLiveInMinutes"], ["59", "10081", "-60", "1e3", "60.5", "two", "60 ", "٦٠", "9" * 5000]),
    *product(["Storage:TimeToLiveInDays"], ["0", "8", "2d", "+2"]),
    *product(["Task:MaxRunningTimeSpanInMinutes"], ["0", "10081", "1:00"]),
    *product((option.key for option in COMMON[1:] if option.values), ["Loud", "7", "", "Information,Debug"]),
    *product(["Logging:Disk:MaxFileSize"], ["-2", "1MB", "1.5", ""]),
    *product(["Fluentd:Port"], ["0", "65536", "http"]),
    ("Fluentd:UseTLS", "True"),
]


@pytest.mark.parametrize(("key", "value"), WRONG)
def test_a_value_that_cannot_be_is_refused_with_what_can(key: str, value: str) -> None:
    with pytest.raises(BadCall) as error:
        parse(f"{key}={value}")
    assert error.value.message == f"{key} cannot be {value[:60]!r}"
    assert error.value.hint.startswith(("it is one of ", "it is a whole number from "))


def test_a_carriage_return_for_a_word_is_explained() -> None:
    with pytest.raises(BadCall) as error:
        parse_options(["Eula=accept", "\r"], {})
    assert "no carriage return may follow it" in error.value.hint


def test_results_are_kept_as_long_as_was_said() -> None:
    assert result_kept({}) == timedelta(hours=48)
    assert result_kept(parse("Storage:TimeToLiveInDays=7").own) == timedelta(days=7)
    both = parse("Storage:TimeToLiveInDays=7", "StorageTimeToLiveInMinutes=60").own
    assert result_kept(both) == timedelta(minutes=60)


def test_a_document_may_take_as_long_as_was_said() -> None:
    assert document_seconds({}) is None
    assert document_seconds(parse("Task:MaxRunningTimeSpanInMinutes=2").own) == 120


_TO_CONSOLE = "gives way to Logging:Console:LogLevel:Default"
OVERLAPS = {
    "Storage:TimeToLiveInDays=7 StorageTimeToLiveInMinutes=60": "gives way to StorageTimeToLiveInMinutes",
    "Logging:Console:LogLevel=Error Logging:Console:LogLevel:Default=Debug": _TO_CONSOLE,
    "Logging:LogLevel:Default=Error Logging:Console:LogLevel:Default=Debug": _TO_CONSOLE,
    "Logging:Disk:MaxFileSize=5": "has no effect here without Logging:Disk:Format",
    "Logging:Disk:LogLevel:x=Debug": "has no effect here without Logging:Disk:Format",
    "Fluentd:Port=1": "has no effect here without Fluentd:Host",
    "Logging:Console:LogLevel:Microsoft.AspNetCore=Debug": "has no effect here: that category is .NET's,"
    " and in this container is none of it",
}


@pytest.mark.parametrize(("words", "told"), OVERLAPS.items(), ids=OVERLAPS.keys())
def test_settings_that_overlap_are_told_once(words: str, told: str) -> None:
    several = words.split()
    remark = f"{several[0].partition('=')[0]} {told}"
    assert parse(*several).remarks == parse(*reversed(several)).remarks == (remark,)


def documented() -> list[tuple[str, str]]:
    return re.findall(r"^\| `([^`]+)` \| (.+) \|$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_the_page_says_what_the_table_says() -> None:
    options: list[Option] = [*COMMON, *(option for offer in ENGINES.values() for option in offer.options)]
    assert documented() == [
        *((option.key, option.does) for option in options),
        *((setting.key, setting.why) for setting in WITHOUT_EFFECT),
    ]


def log_of(site: Site, *words: str, **environ: str) -> list[str]:
    """What a container says that has no license, and so ends before it loads an engine with sealed models."""
    (site.folder / "model.sealed").touch()
    mine = [sys.executable, "-m", "azlic", "engine", "read", "--trust", str(site.trust.folder), "Eula=accept"]
    mounts = [f"Mounts:License={site.license}", f"Mounts:Output={site.output}", f"Models={site.folder}"]
    ended = subprocess.run(
        [*mine, *mounts, *words], capture_output=True, text=True, check=False, env=dict(os.environ) | environ
    )
    assert ended.returncode == 1, ended.stderr
    return [line.split(" ", 2)[2] for line in ended.stderr.splitlines() if "azlic.container" in line]


def test_the_log_says_it_when_a_container_starts(site: Site) -> None:
    differs = f"Mounts:Output is not the same in the word Mounts:Output ({site.output}) and the variable"
    assert log_of(site, "Queue:A=x\r", Mounts__Output="/other", EnableSyncNTPServer="false") == [
        f"WARNING azlic.container {differs} Mounts__Output (/other): the variable Mounts__Output counts",
        "WARNING azlic.container Queue:A has no effect here: the container that takes a document in reads it itself",
        "WARNING azlic.container EnableSyncNTPServer has no effect here: this container asks no time server;"
        " the machine's clock counts",
    ]
