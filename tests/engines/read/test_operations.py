import threading
from datetime import UTC, datetime, timedelta

import pytest

from engines.read import Code, DocumentRefused
from engines.read.operations import Operation, Operations
from engines.results.memory import MemoryResults


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2027, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, hours: float) -> None:
        self.now += timedelta(hours=hours)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def succeed(operations: Operations, operation: Operation, result: bytes) -> None:
    ended = operations.prepare(operation, result)
    assert ended is not None
    operations.succeed(operation, ended)


def finished(operations: Operations, result: bytes = b"{}") -> Operation:
    operation = operations.begin()
    operations.run(operation)
    succeed(operations, operation, result)
    return operation


def known(operations: Operations, operation: Operation) -> bool:
    try:
        return operations.answer(operation.id) != b""
    except DocumentRefused as refused:
        assert refused.code is Code.NOT_FOUND
        return False


def test_an_operation_goes_from_not_started_to_succeeded(clock: Clock) -> None:
    operations = Operations(MemoryResults(), clock=clock)
    operation = operations.begin()
    assert b'"status":"notStarted"' in operations.answer(operation.id)
    operations.run(operation)
    assert b'"status":"running"' in operations.answer(operation.id)
    clock.sleep(hours=1)
    succeed(operations, operation, b'{"version":"3.2.0"}')
    assert operations.answer(operation.id) == (
        b'{"status":"succeeded","createdDateTime":"2027-01-01T00:00:00+00:00",'
        b'"lastUpdatedDateTime":"2027-01-01T01:00:00+00:00","analyzeResult":{"version":"3.2.0"}}'
    )


def test_a_failed_operation_says_why(clock: Clock) -> None:
    operations = Operations(MemoryResults(), clock=clock)
    operation = operations.begin()
    operations.fail(operation, "InvalidImage", "page 7 is damaged")
    answer = operations.answer(operation.id)
    assert b'"status":"failed"' in answer
    assert answer.endswith(b'"error":{"code":"InvalidImage","message":"page 7 is damaged"}}')


def test_a_result_is_kept_for_48_hours_from_its_end(clock: Clock) -> None:
    operations = Operations(MemoryResults(), clock=clock)
    operation = operations.begin()
    clock.sleep(hours=100)
    assert known(operations, operation)
    succeed(operations, operation, b"{}")
    clock.sleep(hours=47.9)
    assert known(operations, operation)
    clock.sleep(hours=0.1)
    assert not known(operations, operation)


def test_the_oldest_result_makes_room_for_the_newest(clock: Clock) -> None:
    operations = Operations(MemoryResults(most_bytes=10_000), clock=clock)
    under_way = operations.begin()
    first, second, third = (finished(operations, bytes(3_000)) for _ in range(3))
    assert [known(operations, each) for each in (under_way, first, second, third)] == [
        True,
        False,
        True,
        True,
    ]


def test_ids_are_never_the_same_and_unknown_ones_are_refused(clock: Clock) -> None:
    operations = Operations(MemoryResults(), clock=clock)
    assert finished(operations).id != finished(operations).id
    with pytest.raises(DocumentRefused, match="no such operation"):
        operations.answer("../secret")


def test_threads_may_share_the_store(clock: Clock) -> None:
    operations = Operations(MemoryResults(most_bytes=20_000), clock=clock)
    threads = [threading.Thread(target=lambda: [finished(operations) for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert known(operations, finished(operations))


def test_a_text_that_could_not_be_kept_is_refused_before_it_is_counted(clock: Clock) -> None:
    operations = Operations(MemoryResults(most_bytes=10_000), clock=clock)
    assert known(operations, finished(operations, bytes(7_000)))
    with pytest.raises(DocumentRefused, match="too large to be kept") as refused:
        operations.prepare(operations.begin(), bytes(8_000))
    assert refused.value.code is Code.INVALID_IMAGE_SIZE
