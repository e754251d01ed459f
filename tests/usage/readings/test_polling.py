"""Pull over real HTTP: from a container that answers anything, and from our own."""

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI, Response
from fastapi.responses import StreamingResponse

from licensing.core.errors import BadCall
from licensing.db.database import reading
from tests.serving import serving
from tests.site import METER, START, Site, a_plan
from tests.usage.reports import MARCH, WORDS, Reports, body
from usage.months import Month
from usage.readings.polling import Patience, Pulled, months_to_read, pull
from usage.readings.take import take_readings

FEBRUARY = Month(2026, 2)
Answers = dict[str, Callable[[], Response]]


def container(answers: Answers) -> FastAPI:
    """A container that answers these paths below /records/usage-logs, and 404 elsewhere."""
    app = FastAPI()

    @app.get("/records/usage-logs/{path:path}")
    def answer(path: str) -> Response:
        return answers.get(path, lambda: Response(status_code=404))()

    return app


def report(words: float) -> Callable[[], Response]:
    return lambda: Response(body({WORDS: words}), media_type="application/json")


def ask(url: str, *months: Month) -> Pulled:
    return pull(url, months, clock=lambda: START)


def months(site: Site, now: datetime) -> list[str]:
    with reading(site.ledger) as connection:
        return [str(month) for month in months_to_read(connection, now)]


def test_everything_and_each_month_is_asked_for_as_documented() -> None:
    with serving(container({"": report(8), "02/2026": report(5), "03/2026": report(3)})) as url:
        pulled = ask(url, FEBRUARY, MARCH)
    assert [(arrival.month, arrival.logs.charges) for arrival in pulled.arrivals] == [
        (None, {WORDS: 8 * 10**6}),
        (FEBRUARY, {WORDS: 5 * 10**6}),
        (MARCH, {WORDS: 3 * 10**6}),
    ]
    assert [arrival.origin.removeprefix(url) for arrival in pulled.arrivals] == [
        "/records/usage-logs/",
        "/records/usage-logs/02/2026",
        "/records/usage-logs/03/2026",
    ]
    assert pulled.arrivals[0].content == body({WORDS: 8})
    assert pulled.failures == ()


@pytest.mark.parametrize("more", ["", "/", "/records/usage-logs", "/records/usage-logs/"])
def test_the_address_may_be_given_with_the_path(more: str) -> None:
    with serving(container({"": report(8)})) as url:
        assert ask(url + more).arrivals[0].origin == f"{url}/records/usage-logs/"


def redirect() -> Response:
    return Response(status_code=307, headers={"Location": "/records/usage-logs/"})


BAD = {
    "not there": (lambda: Response(status_code=404), "404 Not Found"),
    "broken": (lambda: Response(b"oops", status_code=500), "500 Internal Server Error"),
    "nonsense": (lambda: Response(b"<html>"), "not a usage report: it is not JSON"),
    "elsewhere": (redirect, "307"),
    "endless": (lambda: Response(b" " * (2 << 20)), "larger than 1,048,576 bytes"),
    "compressed all the same": (
        lambda: Response(b"\x1f\x8b\x08\x00", headers={"Content-Encoding": "gzip"}),
        "not UTF-8",
    ),
}


@pytest.mark.parametrize(("answer", "reason"), BAD.values(), ids=BAD)
def test_a_month_that_cannot_be_had_is_named_and_the_others_are_taken(
    answer: Callable[[], Response], reason: str
) -> None:
    with serving(container({"": report(8), "02/2026": answer, "03/2026": report(3)})) as url:
        pulled = ask(url, FEBRUARY, MARCH)
    assert [arrival.month for arrival in pulled.arrivals] == [None, MARCH]
    (failure,) = pulled.failures
    assert (failure.month, failure.what) == (FEBRUARY, "2026-02")
    assert "/records/usage-logs/02/2026" in failure.reason and reason in failure.reason


def test_a_container_that_is_silent_or_endlessly_slow_is_given_up() -> None:
    given_up = threading.Event()

    def silent() -> Response:
        given_up.wait(60)
        return Response(b"late")

    def dripping() -> Response:
        def drops() -> Iterator[bytes]:
            while not given_up.wait(0.1):
                yield b" "

        return StreamingResponse(drops())

    told = []
    with serving(container({"": report(8), "02/2026": silent, "03/2026": dripping})) as url:
        for month, patience in ((FEBRUARY, Patience(0.3, 60)), (MARCH, Patience(60, 0.5))):
            pulled = pull(url, [month], clock=lambda: START, patience=patience)
            told += [failure.reason for failure in pulled.failures if failure.month]
        given_up.set()
    assert ["sent nothing" in told[0], "took longer" in told[1]] == [True, True]


def test_a_container_that_is_not_there_is_asked_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    pulled = ask(url, FEBRUARY, MARCH)
    assert (pulled.arrivals, len(pulled.failures)) == ((), 1)


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with serving(container({"": report(8)})) as url:
        assert len(ask(url).arrivals) == 1


@pytest.mark.parametrize(
    "url",
    [
        "translator",
        "ftp://user:hunter2@host",
        "http://",
        "http://host:99999",
        "http://user:hunter2@host",
        "http://host/?key=1",
        "",
    ],
)
def test_what_is_no_address_is_a_bad_call(url: str) -> None:
    with pytest.raises(BadCall) as refused:
        ask(url)
    assert "hunter2" not in refused.value.message


def test_a_month_that_has_not_begun_is_not_asked_for() -> None:
    with pytest.raises(BadCall, match="2026-04 had not begun"):
        ask("http://127.0.0.1:1", Month(2026, 4))


def test_progress_hears_every_question() -> None:
    heard: list[tuple[str, int, int]] = []
    with serving(container({})) as url:
        pull(url, [FEBRUARY, MARCH], clock=lambda: START, progress=lambda *told: heard.append(told))
    assert heard == [("all time", 1, 3), ("2026-02", 2, 3), ("2026-03", 3, 3)]


def test_without_a_plan_this_month_and_the_last_are_read(site: Site) -> None:
    assert months(site, START) == ["2026-02", "2026-03"]
    assert months(site, datetime(2026, 1, 1, tzinfo=UTC)) == ["2025-12", "2026-01"]


def test_with_plans_every_month_from_the_first_on_is_read_up_to_now(site: Site) -> None:
    site.enter_plan(
        a_plan("later", starts_at=datetime(2027, 1, 1, tzinfo=UTC), ends_at=datetime(2028, 1, 1, tzinfo=UTC))
    )
    assert months(site, START) == ["2026-02", "2026-03"]
    starts_at, ends_at = datetime(2025, 11, 15, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    site.enter_plan(a_plan("earlier", starts_at=starts_at, ends_at=ends_at, meters=("M",)))
    site.enter_plan()
    assert months(site, START) == ["2025-11", "2025-12", "2026-01", "2026-02", "2026-03"]


def test_our_own_container_is_read_like_any_other(site: Site) -> None:
    site.install()
    site.enter_plan()
    with site.start_engine() as client:
        for pages in (7, 5):
            client.post(f"/count/{pages}").raise_for_status()
            site.sleep(hours=1)
            pulled = pull(str(client.base_url), [Month(2026, 1), FEBRUARY, MARCH], clock=site.clock)
            assert pulled.failures == ()
            taken = take_readings(site.ledger, "read", pulled.arrivals, now=site.now)
            assert (taken.records, dict(taken.outside)) == (1, {})
    assert Reports(site).booked() == {METER: 12}
    (plan,) = site.report("2026-03").plans
    assert plan.used == 12 * 10**6
