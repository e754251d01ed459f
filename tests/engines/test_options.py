from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.catalogue import Loading, Offer, engine_options
from engines.options import COMMON, MODELS, ContainerOptions, Option, parse_options
from licensing.containers import READ, SPEECH_TO_TEXT, ContainerType
from licensing.core.errors import AzlicError, BadCall

KEY = "0123456789abcdef0123456789abcdef"
BILLING = "https://plant-read.example"
DOWNLOAD = f"eula=accept billing={BILLING} apikey={KEY} DownloadLicense=True Mounts:License=/path/to/license"
RUN = "eula=accept Mounts:License=/path/to/license Mounts:Output=/path/to/output"


def parse(words: str = "", **environ: str) -> ContainerOptions:
    return parse_options(words.split(), environ, [MODELS])


def refused(words: str, **environ: str) -> BadCall:
    with pytest.raises(BadCall) as error:
        parse(words, **environ)
    assert KEY not in f"{error.value!r} {error.value.message} {error.value.hint}"
    return error.value


def test_the_documented_download_line() -> None:
    options = parse(DOWNLOAD)
    assert (options.billing, options.api_key, options.download_license) == (BILLING, KEY, True)
    assert options.license == Path("/path/to/license")


def test_the_documented_disconnected_line() -> None:
    assert parse(RUN) == ContainerOptions(license=Path("/path/to/license"), output=Path("/path/to/output"))


def test_the_documented_connected_line() -> None:
    options = parse(f"Eula=accept Billing={BILLING} ApiKey={KEY}")
    assert (options.billing, options.api_key, options.download_license) == (BILLING, KEY, False)


def test_without_more_the_mounts_are_the_documented_defaults() -> None:
    options = parse("Eula=accept")
    assert (options.license, options.output) == (Path("/license"), Path("/output"))
    assert (options.host, options.port) == ("127.0.0.1", 5000)


@pytest.mark.parametrize("change", [str.upper, str.lower, str.title, lambda key: key.replace(":", "__"), "--".__add__])
def test_a_key_may_be_written_in_any_case_and_with_either_separator(change: Callable[[str], str]) -> None:
    words = [word.partition("=") for word in DOWNLOAD.split()]
    assert parse(" ".join(f"{change(key)}={value}" for key, _, value in words)) == parse(DOWNLOAD)


@pytest.mark.parametrize("separator", [":", "__"])
@pytest.mark.parametrize("change", [str.upper, str.lower, str.title])
def test_the_environment_says_the_same_in_its_own_spelling(separator: str, change: Callable[[str], str]) -> None:
    words = dict(word.split("=", 1) for word in DOWNLOAD.split())
    environ = {change(key.replace(":", separator)): value for key, value in words.items()}
    assert parse(**environ) == parse(DOWNLOAD)


def test_the_environment_wins_over_words_as_microsoft_documents_it() -> None:
    options = parse("mounts__license=/word", Eula="accept", Mounts__License="/env", Mounts__Output="/env-output")
    assert (options.license, options.output) == (Path("/env"), Path("/env-output"))


def test_the_environment_may_hold_anything_else() -> None:
    assert parse("Eula=accept", PATH="/bin", LICENSE="x", MOUNTS="y", HOME="/root") == ContainerOptions()


@pytest.mark.parametrize("words", ["", "Eula=", "Eula=yes", f"ApiKey={KEY}", "Eula=accepted"])
def test_without_the_eula_nothing_starts(words: str) -> None:
    assert refused(words).message == "Missing EULA=accept command line option. You must provide this to continue."


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        (f"ApiKeyy={KEY}", "ApiKey was probably meant"),
        ("Mounts:Licence=/license", "Mounts:License was probably meant"),
        ("Mount:Output=/output", "Mounts:Output was probably meant"),
        ("Elua=accept", "Eula was probably meant"),
        ("url=http://127.0.0.1:1", "urls was probably meant"),
        ("Mounts_License=/license", "Mounts__License was probably meant"),
        ("mounts_output=/output", "Mounts__Output was probably meant"),
        ("MOUNTS-LICENSE=/license", "Mounts:License was probably meant"),
        ("MountsLicense=/license", "Mounts:License was probably meant"),
        ("LicenseFolderKey=/license", "Mounts:License was probably meant"),
        ("Download_License=True", "DownloadLicense was probably meant"),
        ("frobnicate=1", f"known are: {', '.join(option.key for option in (*COMMON, MODELS))}"),
    ],
)
def test_an_unknown_option_is_refused_with_the_one_that_was_meant(word: str, meant: str) -> None:
    error = refused(f"Eula=accept {word}")
    assert error.message == f"there is no container option {word.partition('=')[0]!r}"
    assert error.hint == meant


@pytest.mark.parametrize(
    "word",
    [
        "Logging:Debug:LogLevel:Default=Information",
        "Fluentd:HeartbeatMs=60000",
        "Fluentd:Port=24224",
        "ApplicationInsights:InstrumentationKey=x",
        "HTTP_PROXY=http://proxy:8888",
        "HTTP_PROXY_CREDS=user:password",
    ],
)
def test_settings_of_other_containers_that_mean_nothing_here_are_let_through(word: str) -> None:
    assert parse(f"Eula=accept {word}") == ContainerOptions()


@pytest.mark.parametrize("word", ["Eula", "accept", "--help", f"{'x' * 100}"])
def test_a_word_without_a_value_is_refused(word: str) -> None:
    assert refused(f"Eula=accept {word}").message == f"{word[:60]!r} is not of the form Key=value"


@pytest.mark.parametrize("lacking", [("billing",), ("apikey",), ("billing", "apikey")])
def test_a_download_needs_its_endpoint_and_its_key(lacking: tuple[str, ...]) -> None:
    kept = [word for word in DOWNLOAD.split() if not word.startswith(lacking)]
    assert refused(" ".join(kept)).message == "DownloadLicense=True needs Billing and ApiKey"


@pytest.mark.parametrize(("word", "download"), [("true", True), ("TRUE", True), ("False", False), ("false", False)])
def test_download_license_is_true_or_false(word: str, download: bool) -> None:
    assert parse(f"{DOWNLOAD} DownloadLicense={word}").download_license is download


@pytest.mark.parametrize("word", ["yes", "1", ""])
def test_download_license_is_nothing_else(word: str) -> None:
    error = refused(f"{DOWNLOAD} DownloadLicense={word}")
    assert (error.message, error.hint) == (f"DownloadLicense cannot be {word!r}", "it is one of True, False")


def test_models_are_the_engines_own_unless_a_folder_is_named() -> None:
    assert parse("Eula=accept").models is None and parse("Eula=accept", Models="").models is None
    assert parse("Eula=accept models=/models").models == Path("/models")
    assert refused("Eula=accept Models=models").message.startswith("Models is not an absolute path")


def an_engine(kind: ContainerType, *options: Option) -> Offer:
    def load(*_: object) -> Loading:
        raise AssertionError("no engine is loaded to read its options")

    return Offer(kind, "1.0.0", options, load)


ENGINES_OF_TWO_KINDS = {
    "read": an_engine(READ, MODELS, Option("Dpi")),
    "speech-to-text": an_engine(SPEECH_TO_TEXT, Option("Streams"), Option("Scratch", folder="/scratch")),
}


def options_of(name: str, *words: str, **environ: str) -> ContainerOptions:
    return engine_options(name, ["Eula=accept", *words], environ, engines=ENGINES_OF_TWO_KINDS)


def test_an_engine_takes_its_own_options_as_words_and_variables() -> None:
    assert options_of("read", "dpi=300", MODELS="/models").own == {"Models": "/models", "Dpi": "300"}
    assert options_of("speech-to-text", "--STREAMS=4").own == {"Streams": "4"}


@pytest.mark.parametrize(
    ("name", "word", "engine"),
    [
        ("read", "Streams=4", "Speech to text"),
        ("read", "scratch=/scratch", "Speech to text"),
        ("speech-to-text", "Models=/models", "Read (OCR)"),
    ],
)
def test_an_option_of_another_engine_is_refused_by_name(name: str, word: str, engine: str) -> None:
    with pytest.raises(BadCall) as error:
        options_of(name, word)
    key = word.partition("=")[0]
    assert error.value.message == f"{key!r} is an option of the {engine} container, not of this one"
    assert error.value.hint.startswith("known are: Eula, ")


def test_the_environment_may_hold_options_of_another_engine() -> None:
    assert options_of("read", Streams="4", Scratch="x").own == {}


def test_an_option_of_the_engine_is_held_to_what_it_takes() -> None:
    with pytest.raises(BadCall, match="Scratch is not an absolute path: 'scratch'"):
        options_of("speech-to-text", "Scratch=scratch")
    with pytest.raises(BadCall, match="Dpi still holds its placeholder"):
        options_of("read", "Dpi={DPI}")


def test_the_read_engine_takes_models() -> None:
    assert engine_options("read", ["Eula=accept", "models=/models"], {}).models == Path("/models")


@pytest.mark.parametrize("key", ["Mounts:License", "Mounts:Output"])
@pytest.mark.parametrize("path", ["license", "./license", "", "C:\\license"])
def test_a_mount_is_an_absolute_path(key: str, path: str) -> None:
    assert refused(f"Eula=accept {key}={path}").message.startswith(f"{key} is not an absolute path")


@pytest.mark.parametrize(
    ("urls", "host", "port"),
    [
        ("http://127.0.0.1:5000", "127.0.0.1", 5000),
        ("http://+:5000", "0.0.0.0", 5000),  # noqa: S104
        ("http://*:80/", "0.0.0.0", 80),  # noqa: S104
        ("http://[::]:5001", "::", 5001),
        ("http://localhost:0", "localhost", 0),
    ],
)
def test_urls_says_where_to_listen(urls: str, host: str, port: int) -> None:
    options = parse(f"Eula=accept urls={urls}")
    assert (options.host, options.port) == (host, port)


@pytest.mark.parametrize(
    "urls",
    [
        "",
        "5000",
        "http://",
        "http://localhost",
        "https://localhost:5000",
        "http://:5000",
        "http://h:x",
        "http://h:99999",
        "http://[::1:5000",
        "http://a:1;http://b:2",
    ],
)
def test_what_is_no_address_is_refused(urls: str) -> None:
    assert refused(f"Eula=accept urls={urls}").message == f"urls is not an address to listen on: {urls!r}"


def test_the_key_is_never_shown() -> None:
    assert KEY not in repr(parse(DOWNLOAD))
    for words in (f"{DOWNLOAD} Frob=1", f"{DOWNLOAD} ApiKye={KEY}", f"{DOWNLOAD} urls=x", f"ApiKey {KEY}"):
        refused(words)


@pytest.mark.parametrize("name", ["Mounts_License", "MOUNTS_LICENSE", "mounts-license"])
def test_a_mount_in_a_wrong_form_is_refused_in_the_environment_too(name: str) -> None:
    """A chart rendered it so: the container then looked into /license, where nothing was mounted."""
    error = refused("Eula=accept", **{name: "/licenses/read"})
    assert error.message == f"there is no container option {name!r}, a variable of the environment"
    assert error.hint == f"Mounts{'__' if '_' in name else ':'}License was probably meant"


@pytest.mark.parametrize(
    ("word", "option"),
    [
        ("Billing={ENDPOINT_URI}", "Billing"),
        ("apikey=<API_KEY>", "ApiKey"),
        ("Mounts:License={CONTAINER_LICENSE_DIRECTORY}", "Mounts:License"),
    ],
)
def test_a_placeholder_that_was_left_is_named(word: str, option: str) -> None:
    assert refused(f"Eula=accept {word}").message == f"{option} still holds its placeholder"


def test_a_blank_after_a_backslash_is_explained() -> None:
    with pytest.raises(BadCall) as error:
        parse_options(["Eula=accept", " "], {})
    assert (
        error.value.hint
        == "in a continued line, the backslash comes last: no space and no carriage return may follow it"
    )


def test_a_key_from_a_secret_may_end_in_a_line_break() -> None:
    environ = dict(word.split("=", 1) for word in DOWNLOAD.split())
    assert parse_options([], environ | {"apikey": f"{KEY}\n"}) == parse(DOWNLOAD)


DOCUMENTED = [
    f"docker run --rm -it -p 5000:5000 -v /host/license:/path/to/license IMAGE {DOWNLOAD}",
    f"docker run --rm -it -p 5000:5000 --memory 4g --cpus 4 -v /host/license:/path/to/license"
    f" -v /host/output:/path/to/output IMAGE {RUN}",
    f"docker run --rm -it -p 5000:5000 --memory 16g --cpus 8 IMAGE Eula=accept Billing={BILLING} ApiKey={KEY}",
    f"docker run --rm -it -p 5000:5000 --env Eula=accept --env Billing={BILLING} --env ApiKey={KEY} IMAGE",
    "docker run -v /host/license:/license --env Mounts:License=/license --env DownloadLicense=True --env Eula=accept"
    f" --env Billing={BILLING} --env ApiKey={KEY} IMAGE",
]


def told_to(line: str, change: Callable[[str], str] = str) -> ContainerOptions:
    """What a documented docker line tells its container: its words, and its --env, keys changed."""
    flags, _, words = line.partition(" IMAGE")
    variables = [word for flag, word in pairwise(flags.split()) if flag == "--env"]
    stated = [word.partition("=") for word in words.split()]
    environ = {change(key): value for key, _, value in (word.partition("=") for word in variables)}
    return parse_options([f"{change(key)}={value}" for key, _, value in stated], environ)


@pytest.mark.parametrize("line", DOCUMENTED, ids=range(5))
@pytest.mark.parametrize("change", [str.upper, str.lower, str.title, lambda key: key.replace(":", "__")])
def test_every_documented_line_is_understood_in_any_spelling(line: str, change: Callable[[str], str]) -> None:
    assert told_to(line, change) == told_to(line)


def test_the_documented_forms_with_words_and_with_variables_say_the_same() -> None:
    assert told_to(DOCUMENTED[2]) == told_to(DOCUMENTED[3])
    assert told_to(DOCUMENTED[4]) == parse(DOWNLOAD.replace("/path/to/license", "/license"))


NAMES = st.sampled_from(
    ["Eula", "Mounts:License", "Mounts__Output", "Mounts_License", "urls", "ApiKey", "Logging:X", ""]
)
WORDS = st.builds("{}={}".format, NAMES, st.text(max_size=20)) | st.text(max_size=30)


@given(st.lists(WORDS, max_size=6), st.dictionaries(NAMES | st.text(max_size=12), st.text(max_size=20), max_size=5))
def test_any_line_is_understood_or_refused(words: list[str], environ: dict[str, str]) -> None:
    try:
        options = parse_options(["Eula=accept", *words], environ)
    except BadCall as error:
        assert error.hint
    else:
        assert options.license.is_absolute() and 0 <= options.port <= 65535


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    (tmp_path / "key1").write_text(f"{KEY}\n")
    return tmp_path / "key1"


def test_the_key_may_lie_in_a_file(key_file: Path) -> None:
    words = DOWNLOAD.replace(f"apikey={KEY}", f"ApiKeyFile={key_file}")
    assert parse(words) == parse(DOWNLOAD)
    assert parse(words.replace(f"ApiKeyFile={key_file}", ""), ApiKeyFile=str(key_file)) == parse(DOWNLOAD)


def test_only_a_download_opens_the_file_of_the_key(tmp_path: Path) -> None:
    words = f"eula=accept billing={BILLING} ApiKeyFile={tmp_path / 'key1'}"
    assert parse(words).api_key is None
    with pytest.raises(AzlicError, match="key1 cannot be read: No such file"):
        parse(f"{words} DownloadLicense=True")


def test_the_key_is_given_in_one_way(key_file: Path) -> None:
    error = refused(f"{DOWNLOAD} ApiKeyFile={key_file}")
    assert error.message == "ApiKey and ApiKeyFile are both given"


def test_a_download_believes_the_ca_that_the_environment_names() -> None:
    assert parse(DOWNLOAD, SSL_CERT_FILE="/run/ca.pem").ca == Path("/run/ca.pem")
    assert parse(DOWNLOAD, SSL_CERT_FILE="").ca is None


def test_known_proxies_are_addresses_and_networks() -> None:
    given = parse_options(["eula=accept", "knownproxies=10.0.0.2, 10.1.0.0/16,fd00::/8"], {}).proxies
    assert [str(each) for each in given] == ["10.0.0.2/32", "10.1.0.0/16", "fd00::/8"]
    assert parse_options(["eula=accept"], {}).proxies == ()


@pytest.mark.parametrize("value", ["proxy.example", "10.0.0.2;10.0.0.3", "10.0.0.2/8", "*", "10.0.0.0/33"])
def test_what_is_no_address_is_no_known_proxy(value: str) -> None:
    with pytest.raises(BadCall, match="KnownProxies are not addresses") as refused:
        parse_options(["eula=accept", f"KnownProxies={value}"], {})
    assert refused.value.hint == "for example KnownProxies=10.0.0.2"
