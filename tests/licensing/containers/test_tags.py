import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from licensing.containers.tags import LIMIT, Tag, Tags, newest_of_each, parse_tag, parse_tags, read_tags
from licensing.core.errors import AzlicError


def listed(*tags: str) -> Tags:
    return parse_tags(json.dumps({"name": "speech-to-text", "tags": tags}).encode(), where="tags.json")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("2.10.0-amd64-ar-ae", ((2, 10, 0), "amd64", "ar-ae", "", "")),
        ("3.12.0-amd64-mr-in", ((3, 12, 0), "amd64", "mr-in", "", "")),
        ("4.9.0-amd64", ((4, 9, 0), "amd64", "", "", "")),
        ("4.9.0-amd64-preview", ((4, 9, 0), "amd64", "", "", "preview")),
        ("5.0.1-amd64-de-de-preview", ((5, 0, 1), "amd64", "de-de", "", "preview")),
        ("5.0.1-arm64-fil-ph-rc.1", ((5, 0, 1), "arm64", "fil-ph", "", "rc.1")),
        ("5.0.1-amd64-es-419", ((5, 0, 1), "amd64", "es-419", "", "")),
        ("5.0.1-amd64-iu-latn-ca", ((5, 0, 1), "amd64", "iu-latn-ca", "", "")),
        ("2.10.0-amd64-zh-cn-sichuan", ((2, 10, 0), "amd64", "zh-cn", "sichuan", "")),
        ("3.13.0-amd64-en-us-arianeural", ((3, 13, 0), "amd64", "en-us", "arianeural", "")),
        ("3.13.0-amd64-en-us-arianeural-preview", ((3, 13, 0), "amd64", "en-us", "", "arianeural-preview")),
        ("1.0.019410001-amd64", ((1, 0, 19410001), "amd64", "", "", "")),
    ],
)
def test_a_tag_in_its_parts(text: str, parts: tuple[object, ...]) -> None:
    assert parse_tag(text) == Tag(text, *parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "latest",
        "",
        "3.2",
        "3.2-model-2022-04-30",
        "3.0-en",
        "cpu",
        "v2.1.0-amd64-en-us",
        "2.1.0-AMD64-en-us",
        "2.1.0",
        "2.1.0-amd64-",
        "2.1.0-amd64-en-us ",
        "٢.1.0-amd64-en-us",
        "2.1.0-amd64-en-us\n",
        "9" * 200 + ".0.0-amd64",
    ],
)
def test_what_has_another_form_is_no_known_tag(text: str) -> None:
    assert parse_tag(text) is None


def test_versions_are_sorted_as_numbers_the_newest_first() -> None:
    tags = listed("2.9.0-amd64-de-de", "10.0.0-amd64-de-de", "2.10.0-amd64-de-de", "2.10.0-amd64-de-de-preview")
    assert [tag.text for tag in tags.known] == [
        "10.0.0-amd64-de-de",
        "2.10.0-amd64-de-de",
        "2.10.0-amd64-de-de-preview",
        "2.9.0-amd64-de-de",
    ]


@pytest.mark.parametrize("locale", ["de-DE", "de-de", "DE-DE", "de_DE"])
def test_the_newest_release_of_a_locale_is_picked(locale: str) -> None:
    tags = listed("4.9.0-amd64-de-de", "4.10.0-amd64-de-de", "5.0.0-amd64-de-de-preview", "5.0.0-amd64-en-us")
    assert tags.newest(locale) == "4.10.0-amd64-de-de"


def test_a_preview_is_picked_only_where_there_is_no_release() -> None:
    tags = listed("4.9.0-amd64-de-de-preview", "5.0.0-amd64-de-de-preview")
    assert tags.newest("de-DE") == "5.0.0-amd64-de-de-preview"


def test_latest_is_en_us_and_no_other_locale() -> None:
    tags = listed("2.10.0-amd64-ar-ae", "latest")
    assert (tags.newest("en-US"), tags.newest("ar-AE"), tags.newest("de-DE")) == ("latest", "2.10.0-amd64-ar-ae", None)
    assert listed("5.0.0-amd64-en-us", "latest").newest("en-US") == "5.0.0-amd64-en-us"
    assert listed("2.10.0-amd64-ar-ae").newest("en-US") is None


def test_a_dialect_is_asked_for_by_its_whole_name() -> None:
    tags = listed("2.10.0-amd64-zh-cn", "3.0.0-amd64-zh-cn-sichuan")
    assert tags.newest("zh-CN") == "2.10.0-amd64-zh-cn"
    assert tags.newest("zh-CN-sichuan") == "3.0.0-amd64-zh-cn-sichuan"


def test_a_locale_that_has_voices_alone_has_them_all() -> None:
    tags = listed("3.0.0-amd64-en-us-arianeural", "3.1.0-amd64-en-us-jennyneural")
    assert len(tags.of_locale("en-US")) == 2
    assert tags.newest("en-us-arianeural") == "3.0.0-amd64-en-us-arianeural"


def test_tags_of_another_form_are_kept_apart_in_their_order() -> None:
    tags = listed("3.2", "latest", "4.9.0-amd64", "cpu", "3.2")
    assert (tags.others, tags.latest, len(tags.known)) == (("3.2", "cpu"), True, 1)


def test_the_newest_of_each_locale() -> None:
    tags = listed("1.0.0-amd64-de-de", "2.0.0-amd64-de-de", "1.0.0-amd64-en-us", "1.0.0-amd64")
    assert dict(newest_of_each(tags)) == {"de-de": "2.0.0-amd64-de-de", "en-us": "1.0.0-amd64-en-us"}


def test_a_list_of_lines_is_read_too() -> None:
    tags = parse_tags(b"\xef\xbb\xbf4.9.0-amd64-de-de\r\n\n  latest \n", where="tags.txt")
    assert (tags.known[0].locale, tags.latest, tags.others) == ("de-de", True, ())


def test_a_repository_without_tags_has_none() -> None:
    assert parse_tags(b'{"name": "x", "tags": null}', where="-") == Tags("x", (), (), False)
    assert parse_tags(b"", where="-") == Tags("", (), (), False)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"{}",
        b'{"tags": [1]}',
        b'{"tags": "latest"}',
        b'{"tags": [], "tags": []}',
        b"[[]]",
        b'{"name": 1, "tags": []}',
        b"\xff\xfe",
        b"[" * 100000,
        b'{"tags": ["\\ud800"]}',
        b"x" * (LIMIT + 1),
    ],
    ids=range(11),
)
def test_what_is_no_list_is_refused_with_its_place(content: bytes) -> None:
    with pytest.raises(AzlicError, match=r"^tags\.json is not a list of tags: "):
        parse_tags(content, where="tags.json")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(AzlicError, match="none cannot be read: No such file"):
        read_tags(str(tmp_path / "none"))
    with (tmp_path / "large").open("wb") as large:
        large.truncate(LIMIT + 1)
    with pytest.raises(AzlicError, match="is larger than"):
        read_tags(str(tmp_path / "large"))


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_anything_is_a_list_or_refused(content: bytes) -> None:
    try:
        tags = parse_tags(content, where="it")
    except AzlicError:
        return
    assert tags.newest() is None or tags.known or tags.latest


A_TAG = st.from_regex(
    r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}-amd64(-[a-z]{2}-[a-z]{2})?(-[a-z.0-9]{1,8})?", fullmatch=True
)


@given(st.lists(A_TAG | st.text(min_size=1, max_size=20).filter(lambda text: text != "latest")))
def test_no_tag_is_ever_dropped_or_made_up(texts: list[str]) -> None:
    tags = listed(*texts)
    assert {tag.text for tag in tags.known} | set(tags.others) == set(texts)
    assert [tag.version for tag in tags.known] == sorted((tag.version for tag in tags.known), reverse=True)
    for locale, newest in newest_of_each(tags):
        assert parse_tag(newest) in tags.of_locale(locale)


PREVIEW = "2.0.013250001-amd64-preview"


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("name", "tags", "newest"),
    [
        ("vision/read", ("3.2-model-2021-04-12", "3.2-model-2022-04-30", PREVIEW), "3.2-model-2022-04-30"),
        ("vision/read", ("3.10-model-2021-04-12", "3.9-model-2022-04-30", "latest"), "3.10-model-2021-04-12"),
        ("vision/read", ("3.2", PREVIEW), None),
        ("textanalytics/sentiment", ("3.0-en", "3.0-de", PREVIEW), None),
        ("textanalytics/summarization", ("cpu", "gpu", "1.0.0-amd64"), None),
        ("textanalytics/other", ("3.2-model-2022-04-30", "latest"), None),
        ("textanalytics/ner", ("1.0.0-amd64", "1.1.0-amd64", "latest"), "1.1.0-amd64"),
        ("", ("3.2-model-2022-04-30", PREVIEW), "3.2-model-2022-04-30"),
        ("", ("3.2-model-2022-04-30", "1.0.0-amd64"), None),
        ("", ("4.9.0-amd64-de-de", "4.10.0-amd64-de-de", "3.2"), "4.10.0-amd64-de-de"),
    ],
)
def test_the_newest_is_by_the_repositorys_own_form_or_not_told(
    name: str, tags: tuple[str, ...], newest: str | None, order: int
) -> None:
    for host in ("", "azure-cognitive-services/") if name else ("",):
        content = json.dumps({"name": host + name, "tags": tags[::order]}).encode()
        assert parse_tags(content, where="tags.json").newest() == newest
