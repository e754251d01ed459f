"""`azlic serve`: what it answers, whom it lets in, and that it only reads."""

import json
import os
import signal
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import insert, text

from azlic.web.access import Doors
from azlic.web.cache import KEEP_SECONDS, Cache
from azlic.web.pages.site import site_html
from licensing.core.errors import AzlicError
from licensing.db.database import only_reading, open_ledger, reading, writing
from tests.azlic.commands.issuer.test_issuer import AZLIC
from tests.azlic.commands.test_report import busy
from tests.azlic.conftest import Cli
from tests.azlic.web.pages import page_of, watched_site
from tests.certificates import HERE, Authority
from tests.site import METER, Site
from tests.usage.lines import a_line
from tests.usage.mount import Mount
from usage.ledger.tables.handover import OriginRow

__all__ = ["busy"]

TOKEN = "t0ken-" * 8


@pytest.fixture
def home(busy: Mount) -> Iterator[httpx.Client]:
    busy.site.install()
    with page_of(busy.site) as url, httpx.Client(base_url=url) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/report/2026-03", "/metrics", "/healthz", "/static/page.css", "/nothing"])
def test_every_answer_has_the_headers_that_keep_other_sites_out(home: httpx.Client, path: str) -> None:
    headers = home.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "http" not in policy
    assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"


def test_the_page_shows_licenses_commitments_containers_and_health(home: httpx.Client, busy: Mount) -> None:
    told = home.get("/").text
    for said in (
        "valid",
        str(busy.site.license),
        "Plan read-2026",
        "ba9876543210",
        "silent",
        "Newest batch",
        "plant-7",
    ):
        assert said in told


def test_a_license_that_goes_is_missing_and_stays_on_the_page(site: Site) -> None:
    site.install()
    with page_of(site) as url:
        assert 'data-status="valid"' in httpx.get(url).text
        (site.license / "license.dat").unlink()
        site.sleep(minutes=2)
    with page_of(site) as url:
        assert 'data-status="missing"' in httpx.get(url).text


def test_the_usage_report_is_of_the_whole_site(home: httpx.Client) -> None:
    told = home.get("/records/usage-logs/").json()
    assert told == home.get("/records/usage-logs").json()
    assert set(told) == {"apiType", "serviceName", "meters"}
    assert told["meters"][0]["name"] == METER
    march = {meter["name"]: meter["quantity"] for meter in home.get("/records/usage-logs/03/2026").json()["meters"]}
    assert march == home_month(home, "3/2026") and march[METER] == 14145 + 1800


def home_month(home: httpx.Client, month: str) -> dict[str, float]:
    return {meter["name"]: meter["quantity"] for meter in home.get(f"/records/usage-logs/{month}").json()["meters"]}


@pytest.mark.parametrize(
    "path",
    ["/records/usage-logs/13/2026", "/records/usage-logs/x/y", "/report/2026", "/report/%2e%2e", "/report/9999-12"],
)
def test_what_is_no_month_is_refused_in_words(home: httpx.Client, path: str) -> None:
    answer = home.get(path)
    assert answer.status_code == 400 and "is not a month" in answer.json()["message"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_sent_to_it(home: httpx.Client, method: str) -> None:
    assert home.request(method, "/").status_code == 405


@pytest.mark.parametrize("name", ["..%2fapp.py", "site.html", "%2e%2e", "page.css%00"])
def test_no_other_file_is_given_out(home: httpx.Client, name: str) -> None:
    assert home.get(f"/static/{name}").status_code == 404


def test_it_cannot_write_the_ledger(site: Site) -> None:
    assert site.ledger
    seen = only_reading(open_ledger(str(site.folder / "azlic.db")))
    with pytest.raises(AzlicError, match="readonly"), writing(seen) as connection:
        connection.execute(insert(OriginRow).values(name="x", made_at=site.now))
    seen.dispose()


def test_a_page_of_another_name_is_not_answered(home: httpx.Client) -> None:
    assert home.get("/", headers={"Host": "rebound.example"}).status_code == 421
    for name in ("localhost", "127.0.0.1", "LOCALHOST:80", "[::1]:80"):
        assert home.get("/", headers={"Host": name}).status_code == 200


def test_a_token_lets_in_as_bearer_and_by_the_form(site: Site) -> None:
    with page_of(site, doors=Doors(site.clock, token=TOKEN)) as url, httpx.Client(base_url=url) as client:
        assert client.get("/metrics").status_code == 401
        assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        assert client.get("/", headers={"Accept": "text/html"}).headers["location"] == "/login"
        assert client.post("/login", data={"token": "wrong"}).status_code == 403
        given = client.post("/login", data={"token": TOKEN})
        cookie = given.headers["set-cookie"]
        assert given.status_code == 303 and TOKEN not in cookie
        assert "HttpOnly" in cookie and "SameSite=strict" in cookie
        assert client.get("/").status_code == 200
        site.sleep(hours=13)
        assert client.get("/").status_code == 401


@pytest.mark.parametrize("cookie", ["", "9999999999.", "9999999999.00", "x", "٩.0", "1." + "a" * 64])
def test_a_cookie_that_was_not_given_lets_nobody_in(site: Site, cookie: str) -> None:
    doors = Doors(site.clock, token=TOKEN)
    assert doors.refusal("127.0.0.1", {"cookie": f"azlic_session={cookie}"}) is not None


def test_health_and_the_form_are_open_to_all(site: Site) -> None:
    with page_of(site, doors=Doors(site.clock, token=TOKEN)) as url:
        for path in ("/healthz", "/login", "/static/page.css"):
            assert httpx.get(url + path).status_code == 200


def test_a_form_that_is_too_large_is_not_read(site: Site) -> None:
    with page_of(site, doors=Doors(site.clock, token=TOKEN)) as url:
        assert httpx.post(f"{url}/login", content=b"token=" + b"a" * 100_000).status_code == 413


def test_only_the_named_proxy_is_believed(site: Site) -> None:
    here = Doors(site.clock, header="x-remote-user", proxy="127.0.0.1")
    with page_of(site, doors=here) as url:
        assert httpx.get(url, headers={"X-Remote-User": "anna"}).status_code == 200
        assert httpx.get(url).status_code == httpx.get(url, headers={"X-Remote-User": ""}).status_code == 403
    there = Doors(site.clock, header="x-remote-user", proxy="192.0.2.1")
    with page_of(site, doors=there) as url:
        told = {"X-Remote-User": "anna", "X-Forwarded-For": "192.0.2.1", "Forwarded": "for=192.0.2.1"}
        assert httpx.get(url, headers=told).status_code == 403


def test_a_door_never_shows_its_token(site: Site) -> None:
    assert TOKEN not in repr(Doors(site.clock, token=TOKEN))


def test_a_ledger_that_cannot_be_read_is_told_and_health_says_so(site: Site) -> None:
    site.install()
    with page_of(site) as url:
        with writing(site.ledger) as connection:
            connection.execute(text("DROP TABLE total"))
        told = httpx.get(url)
        assert told.status_code == 200 and "no ledger" in told.text and "valid" in told.text
        assert httpx.get(f"{url}/healthz").status_code == 503
        assert "\nazlic_ledger_readable 0.0\n" in httpx.get(f"{url}/metrics").text


class Hand:
    """A clock that is moved by hand, and a look that is counted."""

    def __init__(self) -> None:
        self.now = 0.0
        self.looks = 0
        self.fault: Exception | None = None

    def __call__(self) -> int:
        self.looks += 1
        if self.fault:
            raise self.fault
        return self.looks


def test_it_looks_once_a_second_however_often_it_is_asked() -> None:
    hand = Hand()
    lookout = Cache(hand, clock=lambda: hand.now)
    assert [lookout.see() for _ in range(50)] == [1] * 50
    hand.now += 1
    assert lookout.see() == 2


def test_while_the_ledger_is_busy_the_last_look_is_given_for_a_minute() -> None:
    hand = Hand()
    lookout = Cache(hand, clock=lambda: hand.now)
    lookout.see()
    hand.fault = AzlicError("the ledger is in use", hint="wait")
    hand.now += KEEP_SECONDS - 1
    assert lookout.see() == 1
    hand.now += 2
    with pytest.raises(AzlicError):
        lookout.see()


@contextmanager
def started(site: Site, *words: str) -> Iterator[str]:
    """`azlic serve` in a process of its own, as an operator starts it: its address."""
    environment = os.environ | {
        "AZLIC_DATABASE": str(site.folder / "azlic.db"),
        "AZLIC_TRUST": str(site.trust.folder),
        "AZLIC_CONFIG": "/dev/null",
    }
    words = (str(AZLIC), "serve", "license", *words)
    server = subprocess.Popen(words, cwd=site.folder, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stderr is not None
        said = ""
        while not said.startswith("Now listening on: "):
            said = server.stderr.readline()
            assert said
        yield said.removeprefix("Now listening on: ").strip()
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)
    assert server.returncode == 0


def test_the_command_serves_with_tls_and_a_token(site: Site) -> None:
    site.ledger.dispose()
    (site.folder / "tls").mkdir()
    authority = Authority(site.folder / "tls", "page-ca")
    certificate, key = authority.server(*HERE)
    token = site.folder / "token"
    token.write_text(TOKEN + "\n")
    token.chmod(0o600)
    tls = ("--tls-certificate", str(certificate), "--tls-key", str(key))
    with started(site, "--listen", "127.0.0.1:0", "--token-file", str(token), *tls) as address:
        trusted = ssl.create_default_context(cafile=str(authority.path))
        with httpx.Client(base_url=address, verify=trusted, trust_env=False) as client:
            assert client.get("/").status_code == 401
            assert "Secure" in client.post("/login", data={"token": TOKEN}).headers["set-cookie"]
            assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--listen", "0.0.0.0:0"), "would show the site to anybody"),
        (("--listen", "nonsense"), "is not of the form HOST:PORT"),
        (("--trust-header", "X-User"), "go together"),
        (("--proxy", "10.0.0.2"), "go together"),
        (("--trust-header", "X-User", "--proxy", "proxy.example"), "is not an address"),
        (("--tls-key", "x.pem"), "go together"),
        (("--listen", "0.0.0.0:0", "--token-file", "token"), "without TLS"),
        (("--token-file", "short"), "contains no token"),
    ],
)
def test_what_cannot_be_meant_is_refused(cli: Cli, site: Site, words: tuple[str, ...], said: str) -> None:
    site.ledger.dispose()
    write_closed(Path("token"), TOKEN)
    write_closed(Path("short"), "hunter2")
    answer = cli("serve", *words)
    assert answer.status == 2 and said in answer.err and "hunter2" not in answer.err


def write_closed(path: Path, content: str) -> None:
    path.write_text(content)
    path.chmod(0o600)


@pytest.mark.parametrize("spoil", [lambda path: path.chmod(0o644), lambda path: path.unlink()])
def test_a_token_that_others_can_read_is_no_secret(cli: Cli, site: Site, spoil: Callable[[Path], None]) -> None:
    site.ledger.dispose()
    write_closed(Path("token"), TOKEN)
    spoil(Path("token"))
    answer = cli("serve", "--token-file", "token")
    assert answer.status == 3 and TOKEN not in answer.err


def test_a_site_without_a_ledger_is_told_how_it_gets_one(cli: Cli) -> None:
    answer = cli("serve")
    assert answer.status == 3 and "the first `azlic ingest` makes it" in answer.err


def test_the_page_is_read_while_records_come_in(site: Site) -> None:
    mount = Mount(site)
    site.install()
    with page_of(site) as url:
        mount.write([a_line("a", 3)])
        mount.ingest()
        assert json.dumps(3) in httpx.get(f"{url}/records/usage-logs/").text
    with reading(site.ledger) as connection:
        assert connection.execute(text("SELECT count(*) FROM batch")).scalar() == 1


def test_alerts_have_their_place_on_the_page(busy: Mount) -> None:
    view = replace(watched_site(busy.site).view(), alerts=[("critical", "<b>ends</b> in 7 days", "renew it")])
    told = site_html(view)
    assert "&lt;b&gt;ends&lt;/b&gt; in 7 days" in told and "renew it" in told
    assert "Nothing asks for attention" in site_html(replace(view, alerts=[]))
