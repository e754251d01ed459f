"""What a proxy says of its clients: believed of the ones that are named, from whichever address they speak."""

from ipaddress import ip_network

import httpx
import pytest
from fastapi import FastAPI, Request

from engines.server.process import make_server
from tests.serving import running

TOLD = {
    "X-Forwarded-For": "203.0.113.7, 127.0.0.1",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "ocr.example:8443",
    "X-Forwarded-Prefix": "/plant",
}


def seen(*proxies: str, told: dict[str, str]) -> tuple[str, str]:
    """The client and the address of its result, as an application sees them behind these proxies."""
    app = FastAPI()

    @app.get("/result", name="result")
    def result(request: Request) -> dict[str, str]:
        return {"client": request.client.host if request.client else "", "result": str(request.url_for("result"))}

    with running(make_server(app, proxies=[ip_network(each) for each in proxies])) as port:
        answer = httpx.get(f"http://127.0.0.1:{port}/result", headers=told | {"Host": "own.example"}).json()
    return answer["client"], answer["result"]


def test_a_named_proxy_is_believed() -> None:
    for named in ("127.0.0.1", "127.0.0.0/8"):
        assert seen("192.0.2.1", named, told=TOLD) == ("203.0.113.7", "https://ocr.example:8443/plant/result")


@pytest.mark.parametrize("named", [(), ("192.0.2.1",), ("10.0.0.0/8", "::1")], ids=str)
def test_nobody_else_is_believed(named: tuple[str, ...]) -> None:
    assert seen(*named, told=TOLD) == ("127.0.0.1", "http://own.example/result")


@pytest.mark.parametrize(
    "header",
    [
        {"X-Forwarded-Host": "evil.example/x"},
        {"X-Forwarded-Host": "a@b"},
        {"X-Forwarded-Host": ""},
        {"X-Forwarded-Proto": "javascript"},
        {"X-Forwarded-Prefix": "//evil.example"},
        {"X-Forwarded-Prefix": "/a/../b?c"},
    ],
    ids=str,
)
def test_what_is_no_host_no_scheme_and_no_path_is_passed_over(header: dict[str, str]) -> None:
    assert seen("127.0.0.1", told=header) == ("127.0.0.1", "http://own.example/result")
