import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from tests.site import Site


@pytest.fixture
def client(site: Site) -> Iterator[httpx.Client]:
    site.install()
    with site.start_engine() as client:
        yield client


class Page(HTMLParser):
    """What a page loads or leads to, and the text of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.addresses += [value for name, value in attrs if name in ("src", "href", "action") and value]


def test_the_page_loads_only_from_its_own_host(client: httpx.Client) -> None:
    page = client.get("/swagger")
    assert page.headers["content-type"].startswith("text/html")
    addresses = Page(page.text).addresses + re.findall(r"url: '([^']+)'", page.text)
    assert len(addresses) >= 4
    for address in addresses:
        target = urljoin(str(page.url), address)
        assert urlsplit(target).netloc == urlsplit(str(page.url)).netloc
        assert client.get(target).status_code == 200
    assert "http://" not in page.text and "https://" not in page.text


def test_its_styles_load_nothing_either(client: httpx.Client) -> None:
    styles = client.get("/swagger/swagger-ui.css").text
    assert "@import" not in styles
    assert all(re.match(r"[\"']?(data:|#)", address) for address in re.findall(r"url\(\s*([^)]*)", styles))


@pytest.mark.parametrize(
    ("name", "media_type", "begins"),
    [
        ("swagger-ui-bundle.js", "text/javascript", b"/*"),
        ("swagger-ui.css", "text/css", b"."),
        ("favicon.png", "image/png", b"\x89PNG"),
    ],
)
def test_its_files_come_out_of_the_package(client: httpx.Client, name: str, media_type: str, begins: bytes) -> None:
    answer = client.get(f"/swagger/{name}")
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.content.startswith(begins)


@pytest.mark.parametrize("name", ["other.js", "..%2f..%2f__init__.py", "redoc.standalone.js", "v1"])
def test_no_other_file_is_given(client: httpx.Client, name: str) -> None:
    assert client.get(f"/swagger/{name}").status_code == 404


def test_the_description_lists_the_routes(client: httpx.Client) -> None:
    found = client.get("/swagger/v1/swagger.json").json()
    assert (found["info"]["title"], found["info"]["version"]) == ("Read (OCR) container", "3.2.0")
    common = {"/", "/swagger", "/ready", "/status", "/records/usage-logs/", "/records/usage-logs/{month}/{year}"}
    assert set(found["paths"]) == common | {"/count/{pages}"}
