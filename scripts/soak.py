"""The state machine of tests/usage, for minutes instead of seconds, each round from another beginning."""

import argparse
import random
import time

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.usage.ingest_model import Files

EXAMPLES, STEPS = 100, 80


def main() -> None:
    """Run rounds until the time is over; the first failure ends them with the steps that lead to it."""
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument("minutes", nargs="?", type=float, default=10, help="how long (default 10)")
    deadline = time.monotonic() + 60 * parser.parse_args().minutes
    rounds = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    finished = 0
    while not finished or time.monotonic() < deadline:
        seed = random.SystemRandom().getrandbits(64)
        machine = type("Files", (Files,), {"_hypothesis_internal_use_seed": seed})
        run_state_machine_as_test(machine, settings=rounds)
        finished += 1
        print(
            f"round {finished}: {EXAMPLES} files' lives of up to {STEPS} steps, nothing lost, nothing twice", flush=True
        )


if __name__ == "__main__":
    main()
