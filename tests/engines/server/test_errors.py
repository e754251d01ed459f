"""A refusal is a value; over HTTP it gets its form."""

import json

import pytest
from starlette.exceptions import HTTPException

from engines.server.errors import HTTPRefusal, Refusal, flat, refusal_of, require_admission

ENDED = Refusal("LicenseNotValid", "it has ended")


def test_a_refusal_of_the_container_travels_as_503() -> None:
    with pytest.raises(HTTPRefusal) as refused:
        require_admission(lambda: ENDED)()
    assert (refused.value.status_code, refusal_of(refused.value, message="x")) == (503, ENDED)


def test_work_that_is_admitted_goes_on() -> None:
    require_admission(lambda: None)()


def test_another_http_error_has_the_code_of_its_status() -> None:
    error = HTTPException(405)
    assert refusal_of(error) == Refusal("MethodNotAllowed", "Method Not Allowed")
    assert refusal_of(error, message="not here") == Refusal("MethodNotAllowed", "not here")


def test_a_flat_refusal_has_its_keys_in_order() -> None:
    answer = flat(503, ENDED, "id-1", headers={"Retry-After": "5"}, first={"status": "Failed"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert list(json.loads(bytes(answer.body)).items()) == [
        ("status", "Failed"),
        ("code", "LicenseNotValid"),
        ("message", "it has ended"),
        ("requestId", "id-1"),
    ]
