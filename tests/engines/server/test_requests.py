"""Each request is one line of the log: its route and its status, whatever became of it, and over WebSocket, too."""

import logging
from contextlib import suppress

import httpx
import pytest
from fastapi import FastAPI, Response, WebSocket
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from engines.server.errors import request_id
from engines.server.process import make_server
from engines.server.requests import RequestLog
from tests.serving import running
from tests.waiting import eventually


def application() -> FastAPI:
    app = FastAPI()
    app.add_middleware(RequestLog)
    app.get("/plain/{name}")(request_id)
    app.post("/plain/{name}")(lambda: Response(status_code=202, background=BackgroundTask(request_id)))
    app.get("/pieces")(lambda: StreamingResponse(iter(["a", "b"])))

    @app.get("/fault")
    def fault() -> None:
        raise RuntimeError("a fault")

    @app.websocket("/stream/{mode}")
    async def stream(socket: WebSocket, mode: str) -> None:
        if mode == "refused":
            await socket.send_denial_response(Response(status_code=403))
            return
        await socket.accept()
        await socket.send_text(request_id())
        await socket.close()

    return app


def test_a_request_is_one_line_with_its_route(caplog: pytest.LogCaptureFixture) -> None:
    said: list[str] = []
    asked = ("POST /plain/x", "GET /pieces", "GET /fault", "S3CRET /plain/x", "GET /s3cret")
    server = make_server(application(), websockets=True)
    with caplog.at_level(logging.DEBUG, "azlic.requests"), running(server) as port:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            said += [client.get("/plain/s3cret?key=s3cret").json() for _ in range(2)]
            for method, path in map(str.split, asked):
                client.request(method, path)
        with connect(f"ws://127.0.0.1:{port}/stream/s3cret") as socket:
            said.append(str(socket.recv()))
        with suppress(WebSocketException), connect(f"ws://127.0.0.1:{port}/stream/refused"):
            pass
        assert eventually(lambda: len(lines(caplog)) >= 9)
    assert sorted(lines(caplog)) == sorted(
        [
            ("DEBUG", "GET /plain/{name}: 200"),
            ("DEBUG", "GET /plain/{name}: 200"),
            ("INFO", "POST /plain/{name}: 202"),
            ("DEBUG", "GET /pieces: 200"),
            ("DEBUG", "GET /fault: 500"),
            ("INFO", "(another method) /plain/{name}: 405"),
            ("DEBUG", "GET (no such path): 404"),
            ("INFO", "GET /stream/{mode}: 101"),
            ("INFO", "GET /stream/{mode}: 403"),
        ]
    )
    assert len(set(said)) == 3 and all(len(each) == 36 for each in said)
    assert all(record.duration_ms >= 0 for record in caplog.records if record.name == "azlic.requests")  # type: ignore[attr-defined]


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(each.levelname, each.getMessage()) for each in caplog.records if each.name == "azlic.requests"]
