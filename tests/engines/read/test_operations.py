import threading
from datetime import UTC, datetime, timedelta

import pytest

from engines.read import Code, DocumentRefused
from engines.read.operations import Operation, Operations


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


def finished(operations: Operations, result: bytes = b"{}") -> Operation:
    operation = operations.begin()
    operations.run(operation.id)
    operations.succeed(operation.id, result)
    return operation


def known(operations: Operations, operation: Operation) -> bool:
    try:
        return operations.get(operation.id).id == operation.id
    except DocumentRefused as refused:
        assert refused.code is Code.NOT_FOUND
        return False


def test_an_operation_goes_from_not_started_to_succeeded(clock: Clock) -> None:
    operations = Operations(clock=clock)
    operation = operations.begin()
    assert operation.status == "notStarted"
    operations.run(operation.id)
    assert b'"status":"running"' in operations.get(operation.id).answer()
    clock.sleep(hours=1)
    operations.succeed(operation.id, b'{"version":"3.2.0"}')
    ended = operations.get(operation.id)
    assert ended.updated_at - ended.created_at == timedelta(hours=1)
    assert ended.answer().endswith(b'"analyzeResult":{"version":"3.2.0"}}')


def test_a_failed_operation_says_why(clock: Clock) -> None:
    operations = Operations(clock=clock)
    operation = operations.begin()
    operations.fail(operation.id, "InvalidImage", "page 7 is damaged")
    answer = operations.get(operation.id).answer()
    assert b'"status":"failed"' in answer
    assert answer.endswith(b'"error":{"code":"InvalidImage","message":"page 7 is damaged"}}')


def test_a_result_is_kept_for_48_hours_from_its_end(clock: Clock) -> None:
    operations = Operations(clock=clock)
    operation = operations.begin()
    clock.sleep(hours=100)
    assert known(operations, operation)
    operations.succeed(operation.id, b"{}")
    clock.sleep(hours=47.9)
    assert known(operations, operation)
    clock.sleep(hours=0.1)
    assert not known(operations, operation)


def test_the_oldest_result_makes_room_for_the_newest(clock: Clock) -> None:
    operations = Operations(clock=clock, store_bytes=10_000)
    under_way = operations.begin()
    first, second, third = (finished(operations, bytes(3_000)) for _ in range(3))
    assert [known(operations, each) for each in (under_way, first, second, third)] == [
        True,
        False,
        True,
        True,
    ]


def test_ids_are_never_the_same_and_unknown_ones_are_refused(clock: Clock) -> None:
    operations = Operations(clock=clock)
    assert finished(operations).id != finished(operations).id
    with pytest.raises(DocumentRefused, match="no such operation"):
        operations.get("../secret")


def test_threads_may_share_the_store(clock: Clock) -> None:
    operations = Operations(clock=clock, store_bytes=20_000)
    threads = [threading.Thread(target=lambda: [finished(operations) for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert known(operations, finished(operations))
