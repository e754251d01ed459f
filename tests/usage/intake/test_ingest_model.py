import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.usage.ingest_model import Files


@pytest.mark.parametrize("lives", [6, pytest.param(40, marks=pytest.mark.long)])
def test_whatever_happens_to_usage_files_nothing_is_lost_or_taken_twice(lives: int) -> None:
    often = settings(max_examples=lives, stateful_step_count=50)
    run_state_machine_as_test(Files, settings=often)
