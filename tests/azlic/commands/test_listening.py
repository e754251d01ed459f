"""Where a server of the command line listens, as it is written and as clients write it."""

from pathlib import Path

import pytest

from azlic.commands.listening import is_in_the_clear, open_tls, parse_address, show_url
from licensing.core.errors import BadCall


@pytest.mark.parametrize(
    ("listen", "host", "port", "url"),
    [
        ("127.0.0.1:5080", "127.0.0.1", 5080, "http://127.0.0.1:5080"),
        ("[::1]:0", "::1", 0, "http://[::1]:0"),
        ("::1:443", "::1", 443, "http://[::1]:443"),
        ("issuer.example:65535", "issuer.example", 65535, "http://issuer.example:65535"),
    ],
)
def test_an_address_is_a_host_and_a_port(listen: str, host: str, port: int, url: str) -> None:
    assert parse_address(listen, example="127.0.0.1:5080") == (host, port)
    assert show_url(host, port, encrypted=False) == url
    assert show_url(host, port, encrypted=True) == url.replace("http:", "https:")


@pytest.mark.parametrize("listen", ["", "5080", ":5080", "host:", "host:x", "host:-1", "host:65536", "host:²"])
def test_another_word_is_refused_with_an_example(listen: str) -> None:
    with pytest.raises(BadCall, match="is not of the form HOST:PORT") as refused:
        parse_address(listen, example="127.0.0.1:5090")
    assert refused.value.hint == "for example 127.0.0.1:5090"


@pytest.mark.parametrize(("host", "encrypted"), [("127.0.0.1", False), ("::1", False), ("0.0.0.0", True)])  # noqa: S104
def test_the_loopback_and_tls_are_closed_to_others(host: str, encrypted: bool) -> None:
    assert not is_in_the_clear(host, encrypted=encrypted, allowed=False, danger="keys read")


def test_plain_http_for_others_has_to_be_allowed() -> None:
    with pytest.raises(BadCall, match=r"--listen 10\.0\.0\.2 without TLS would have keys read"):
        is_in_the_clear("10.0.0.2", encrypted=False, allowed=False, danger="keys read")
    assert is_in_the_clear("10.0.0.2", encrypted=False, allowed=True, danger="keys read")


def test_a_certificate_and_its_key_go_together() -> None:
    assert open_tls(None, None) is None
    for pair in ((Path("x"), None), (None, Path("x"))):
        with pytest.raises(BadCall, match="go together"):
            open_tls(*pair)
