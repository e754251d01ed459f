"""`scripts/read_picture`: the text of a picture, or what is wrong, in words."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi import FastAPI, HTTPException, Response

from tests import pictures
from tests.serving import serving

SCRIPT = Path(__file__).parent.parent / "scripts" / "read_picture"
NOBODY = "http://127.0.0.1:9"


def ask(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "sign.png"
    path.write_bytes(pictures.encode(pictures.sign(), "PNG"))
    return path


SLIPS = {
    "no such file": ((NOBODY, "/nowhere/letter.png"), "/nowhere/letter.png cannot be read: No such file or directory"),
    "a folder": ((NOBODY, "/usr"), "/usr cannot be read: Is a directory"),
    "nobody there": ((NOBODY, SCRIPT), f"{NOBODY} does not answer: "),
    "no name": (("http://no.such.host.invalid", SCRIPT), "http://no.such.host.invalid does not answer: "),
    "a port that is none": (("http://127.0.0.1:x", SCRIPT), "http://127.0.0.1:x does not answer: "),
    "no http://": (("127.0.0.1:5000", SCRIPT), "127.0.0.1:5000 is not the address of a container"),
}


@pytest.mark.parametrize("case", SLIPS)
def test_a_slip_is_told_in_words_with_what_to_try(case: str) -> None:
    words, said = SLIPS[case]
    ended = ask(*words)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"read_picture: {said}") and "\n  try: " in ended.stderr
    assert "Traceback" not in ended.stderr


ANSWERS = {"nothing like it": Response("hello"), "another JSON": Response("[1]"), "not found": Response("no", 404)}


@pytest.mark.parametrize("case", ANSWERS)
def test_a_server_that_is_no_container_is_told_so(picture: Path, case: str) -> None:
    app = FastAPI()
    app.add_api_route("/vision/v3.2/read/syncAnalyze", lambda: ANSWERS[case], methods=["POST"], response_model=None)
    with serving(app) as url:
        ended = ask(url, picture)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"read_picture: what answers at {url} is no Read container\n  try: ")


def test_a_refusal_is_told_in_the_containers_words(picture: Path) -> None:
    app = FastAPI()

    @app.exception_handler(HTTPException)
    def flat(_request: object, _error: object) -> Response:
        return Response('{"code": "LicenseNotValid", "message": "the license has ended"}', 503)

    @app.post("/vision/v3.2/read/syncAnalyze")
    def refuse() -> None:
        raise HTTPException(503)

    with serving(app) as url:
        ended = ask(url, picture)
    assert (ended.returncode, ended.stderr) == (1, "read_picture: 503: the license has ended\n")


def test_a_reader_that_has_enough_gets_no_traceback(picture: Path) -> None:
    page = {"page": 1, "width": 8.5, "height": 11, "unit": "inch", "lines": [{"text": "word"}] * 9}
    app = FastAPI()
    answer = {"analyzeResult": {"readResults": [page]}}
    app.add_api_route("/vision/v3.2/read/syncAnalyze", lambda: answer, methods=["POST"])
    reader, writer = os.pipe()
    os.close(reader)
    with serving(app) as url:
        ended = subprocess.run(
            [sys.executable, SCRIPT, url, picture], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
        )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, "")
