import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from engines.host import Host
from engines.permit import LicensePermit, LicenseWatch
from engines.server.errors import Refusal
from licensing.containers import READ
from licensing.verification.gate import Gate
from tests.site import METER, Site, a_license
from tests.usage.lines import a_line
from usage.records.output_mount import MountReport

OTHER = "00000000-0000-4000-8000-000000000002"
END = datetime(2027, 1, 1, tzinfo=UTC)
FINE = "Container is non-metered and does not require an API Key."


@pytest.fixture
def client(site: Site) -> Iterator[httpx.Client]:
    site.install()
    with site.start_engine() as client:
        yield client


def expect(client: httpx.Client, path: str, status: int) -> dict[str, object]:
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    body: dict[str, object] = answer.json()
    return body


def test_a_container_that_may_run_says_so_as_documented(client: httpx.Client) -> None:
    assert expect(client, "/ready", 200) == {"service": "read", "ready": "ready", "message": FINE}
    assert expect(client, "/status", 200) == {"service": "read", "apiStatus": "NonMetered", "apiStatusMessage": FINE}


def test_a_container_answers_503_with_the_reason_from_the_instant_of_expiry(site: Site, client: httpx.Client) -> None:
    site.now = END - timedelta(microseconds=1)
    assert client.get("/ready").status_code == client.get("/status").status_code == 200
    site.now = END
    reason = site.verify().detail
    assert "2027-01-01T00:00:00Z" in reason
    assert expect(client, "/ready", 503) == {"service": "read", "ready": "notReady", "message": reason}
    assert expect(client, "/status", 503) == {"service": "read", "apiStatus": "Invalid", "apiStatusMessage": reason}
    refused = client.post("/count/1")
    told = refused.json()
    assert (refused.status_code, told.pop("requestId") != "") == (503, True)
    assert told == {"code": "LicenseNotValid", "message": reason}


def test_the_refusal_is_a_value_that_every_transport_can_say(site: Site) -> None:
    site.install()
    gate = Gate(site.license, lambda now, _: site.verify(now))
    host = Host(READ, "3.2.0", LicensePermit(gate), lambda: None, MountReport(site.output, service="read"), site.clock)
    assert host.admit() is None
    site.now = END
    assert host.admit() == Refusal("LicenseNotValid", site.verify().detail)


def test_grace_lets_work_in_until_its_last_instant(site: Site) -> None:
    site.install(a_license(grace_days=7))
    with site.start_engine() as client:
        site.now = END + timedelta(days=7) - timedelta(microseconds=1)
        assert client.post("/count/1").status_code == 204
        site.now = END + timedelta(days=7)
        assert client.post("/count/1").status_code == 503


def test_a_license_that_was_taken_away_stops_the_work(site: Site, client: httpx.Client) -> None:
    (site.license / "license.dat").unlink()
    assert client.post("/count/1").status_code == 503
    site.install()
    assert client.post("/count/1").status_code == 204


def test_refused_work_is_not_recorded(site: Site, client: httpx.Client) -> None:
    site.now = END
    client.post("/count/5")
    assert site.ingest().new == 0


def test_use_is_told_in_the_documented_shape(client: httpx.Client) -> None:
    client.post("/count/3").raise_for_status()
    client.post("/count/250").raise_for_status()
    body = {"apiType": "read", "serviceName": "read", "meters": [{"name": METER, "quantity": 253}]}
    for form in ("", "/", "/03/2026", "/3/2026"):
        assert expect(client, f"/records/usage-logs{form}", 200) == body
    assert expect(client, "/records/usage-logs/04/2026", 200) == body | {"meters": []}


def test_use_is_told_after_the_license_has_ended_too(site: Site, client: httpx.Client) -> None:
    client.post("/count/3").raise_for_status()
    site.now = END
    assert expect(client, "/records/usage-logs/", 200)["meters"] == [{"name": METER, "quantity": 3}]


@pytest.mark.parametrize(
    "month", ["13/2026", "0/2026", "03/26", "2026/03", "march/2026", "003/2026", "-3/2026", "03/9999"]
)
def test_what_is_no_month_is_a_bad_request(client: httpx.Client, month: str) -> None:
    body = expect(client, f"/records/usage-logs/{month}", 400)
    assert body["code"] == "InvalidArgument"
    assert "is not a month" in str(body["message"])


def test_a_mount_that_went_away_is_said(site: Site, client: httpx.Client) -> None:
    site.output.rename(site.folder / "away")
    body = expect(client, "/records/usage-logs/", 500)
    assert body["code"] == "UsageNotReadable"


def test_records_of_other_containers_on_the_mount_are_told_too(site: Site, client: httpx.Client) -> None:
    client.post("/count/3").raise_for_status()
    folder = site.output / "read" / "ba9876543210"
    folder.mkdir()
    (folder / "usage-2026-03-01.jsonl").write_bytes(a_line("a", 4) + b"\n")
    assert expect(client, "/records/usage-logs/", 200)["meters"] == [{"name": METER, "quantity": 7}]


def test_the_home_page_says_how_it_stands_and_leads_on(site: Site, client: httpx.Client) -> None:
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "Read (OCR) container 3.2.0" in page.text and "<p>Ready" in page.text
    for path in ("/swagger", "/ready", "/status", "/records/usage-logs/"):
        assert f'href="{path}"' in page.text
        assert client.get(path).status_code == 200
    site.now = END
    assert "<p>Not ready" in client.get("/").text


def test_the_log_says_how_the_license_stands(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.install()
    with caplog.at_level(logging.INFO, "azlic.container"), site.start_engine() as client:
        client.get("/ready")
    said = [record.getMessage() for record in caplog.records if record.name == "azlic.container"]
    assert said[0] == f"Using '{site.output}/read/0123456789ab' for writing usage records."
    assert said[1].startswith("License valid: ")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "NotFound"),
        ("DELETE", "/ready", 405, "MethodNotAllowed"),
        ("GET", "/swagger/x", 404, "NotFound"),
    ],
)
def test_what_is_not_answered_is_refused_in_flat_json(
    client: httpx.Client, method: str, path: str, status: int, code: str
) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, list(answer.json())) == (status, ["code", "message", "requestId"])
    assert answer.json()["code"] == code


def test_the_log_names_the_serial_of_a_renewed_license(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    watch = LicenseWatch()
    with caplog.at_level(logging.INFO, "azlic.container"):
        for license_ in (a_license(), a_license(), a_license(serial=4), a_license(serial=9, license_id=OTHER)):
            site.install(license_)
            watch.look(site.verify())
        (site.license / "license.dat").unlink()
        watch.look(site.verify())
        site.install(a_license(serial=10, license_id=OTHER))
        watch.look(site.verify())
    said = [record.getMessage().partition(",")[0] for record in caplog.records]
    assert [words for words in said if words.startswith("License re")] == [
        "License renewed: serial 4 takes the place of serial 1",
        "License replaced: serial 9 takes the place of serial 4",
        "License renewed: serial 10 takes the place of serial 9",
    ]
    assert [words.partition(":")[0] for words in said if not words.startswith("License re")] == [
        "License valid",
        "License missing",
        "License valid",
    ]


def test_the_log_says_when_the_container_has_stopped(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.install()
    with caplog.at_level(logging.INFO, "azlic.container"):
        with site.start_engine() as client:
            client.get("/ready")
            assert "stopped" not in caplog.text
        assert "The container has stopped." in caplog.text


KNOWN = ["/", "/ready", "/status", "/records/usage-logs/", "/records/usage-logs/03/2026", "/swagger", "/favicon.ico"]


@pytest.mark.parametrize("path", [*KNOWN, "/swagger/swagger-ui.css", "/swagger/v1/swagger.json", "/nothing"])
def test_head_answers_as_get_does_without_the_body(client: httpx.Client, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert head.content == b""
    assert head.status_code == get.status_code
    for name in ("content-type", "content-length"):
        assert head.headers.get(name) == get.headers.get(name)


@pytest.mark.parametrize("path", KNOWN)
def test_options_says_what_a_path_can_be_asked(client: httpx.Client, path: str) -> None:
    answer = client.options(path)
    assert (answer.status_code, answer.content, answer.headers["Allow"]) == (204, b"", "GET, HEAD, OPTIONS")


def test_options_of_work_and_of_nothing(client: httpx.Client) -> None:
    assert client.options("/count/1").headers["Allow"] == "OPTIONS, POST"
    assert client.options("/nothing").status_code == 404


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/ready"), ("PUT", "/count/1"), ("HEAD", "/count/1")])
def test_what_is_not_allowed_says_what_is(client: httpx.Client, method: str, path: str) -> None:
    refused = client.request(method, path)
    assert (refused.status_code, refused.headers["Allow"]) == (405, client.options(path).headers["Allow"])


def test_browsers_find_their_icon(client: httpx.Client) -> None:
    icon = client.get("/favicon.ico")
    assert (icon.status_code, icon.headers["content-type"]) == (200, "image/png")
    assert icon.content.startswith(b"\x89PNG")
