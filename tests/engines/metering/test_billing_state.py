"""What a connected container does next, by what its endpoint said: instants in hand, nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from engines.metering.billing_state import TRIES, BillingState, Step, begin
from licensing.delivery.denial import Denial, DenialCode

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
INTERVAL = timedelta(minutes=10)
TICK = timedelta(microseconds=1)
NOT_REACHED = [DenialCode.COULD_NOT_CONNECT, DenialCode.BUSY, DenialCode.UNKNOWN]
REFUSED = sorted(set(DenialCode) - set(NOT_REACHED))


def a_denial(code: DenialCode, retry_after: float | None = None) -> Denial:
    return Denial(code, "why", retry_after)


@pytest.fixture
def valid() -> BillingState:
    return begin(START, interval=INTERVAL).answered(None, now=START)


def test_it_serves_only_once_the_key_was_found_good(valid: BillingState) -> None:
    first = begin(START, interval=INTERVAL)
    assert (first.name, first.step(START), first.stopped) == ("Unknown", Step.ASK, False)
    assert (valid.name, valid.message) == ("Valid", "Api Key is valid, no action needed.")


def test_it_asks_at_the_interval_and_not_before(valid: BillingState) -> None:
    assert valid.step(START + INTERVAL - TICK) is Step.WAIT
    assert valid.step(START + INTERVAL) is Step.ASK


def test_a_clock_that_was_turned_back_does_not_delay_a_report(valid: BillingState) -> None:
    assert valid.step(START - TICK) is Step.ASK


@pytest.mark.parametrize("code", NOT_REACHED)
def test_ten_tries_at_the_interval_and_then_it_stops_for_good(valid: BillingState, code: DenialCode) -> None:
    state, now = valid, START
    for number in range(1, TRIES + 1):
        now += INTERVAL
        assert state.step(now) is Step.ASK
        state = state.answered(a_denial(code), now=now)
        assert (state.name, state.tries, state.denial is None) == (code, number, False)
        assert (state.retry_after(now) is None) is (number == TRIES)
    assert state.stopped and state.step(now + 100 * INTERVAL) is Step.STOP
    assert "started again" in state.message


def test_it_serves_again_as_soon_as_the_endpoint_is_back(valid: BillingState) -> None:
    state = valid
    for number in range(1, TRIES):
        state = state.answered(a_denial(DenialCode.COULD_NOT_CONNECT), now=START + number * INTERVAL)
    state = state.answered(None, now=START + TRIES * INTERVAL)
    assert (state.name, state.tries) == ("Valid", 0)


@pytest.mark.parametrize("code", REFUSED)
def test_an_endpoint_that_says_no_is_asked_without_end(valid: BillingState, code: DenialCode) -> None:
    state = valid
    for number in range(1, 5 * TRIES):
        state = state.answered(a_denial(code), now=START + number * INTERVAL)
    assert (state.name, state.stopped, state.retry_after(START)) == (code, False, None)


def test_a_busy_endpoint_is_asked_when_it_says_and_that_uses_up_no_tries(valid: BillingState) -> None:
    state, now = valid, START + INTERVAL
    for _ in range(100):
        state = state.answered(a_denial(DenialCode.BUSY, 5), now=now)
        assert state.retry_after(now) == 5 and state.step(now + timedelta(seconds=5) - TICK) is Step.WAIT
        now += timedelta(seconds=5)
        assert state.step(now) is Step.ASK
    assert state.tries == 1
    state = state.answered(a_denial(DenialCode.BUSY, 5), now=START + 2 * INTERVAL)
    assert state.tries == 2


def test_clients_are_told_whole_seconds_and_never_none(valid: BillingState) -> None:
    state = valid.answered(a_denial(DenialCode.COULD_NOT_CONNECT), now=START)
    assert state.retry_after(START) == 600
    assert state.retry_after(START + timedelta(seconds=0.5)) == 600
    assert state.retry_after(START + timedelta(hours=1)) == 1
