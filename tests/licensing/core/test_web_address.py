import pytest

from licensing.core.web_address import has_only_a_path, is_loopback, parse_web_address


@pytest.mark.parametrize(
    "text", ["http://h", "https://h:65535/a/b", "HTTPS://h", "http://[::1]:5000", "http://10.0.0.2"]
)
def test_an_address_of_the_web_is_read(text: str) -> None:
    url = parse_web_address(text)
    assert url is not None and has_only_a_path(url)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "h",
        "h:80",
        "ftp://h",
        "http://",
        "http:///a",
        "http://[h",
        "http://h:0",
        "http://h:65536",
        "http://h/\x1b",
        "http://xn--zz--/",
    ],
)
def test_what_cannot_be_connected_to_is_not_an_address(text: str) -> None:
    assert parse_web_address(text) is None


@pytest.mark.parametrize("text", ["http://me:secret@h", "http://me@h", "http://h?x=1", "http://h/#end"])
def test_what_would_travel_beside_the_path_is_noticed(text: str) -> None:
    url = parse_web_address(text)
    assert url is not None and not has_only_a_path(url)


@pytest.mark.parametrize(
    ("host", "ours"), [("localhost", True), ("127.9.9.9", True), ("::1", True), ("10.0.0.2", False)]
)
def test_only_this_machine_is_loopback(host: str, ours: bool) -> None:
    assert is_loopback(host) is ours
