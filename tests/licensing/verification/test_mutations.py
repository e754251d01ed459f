"""Hostile license files: no traceback, no false "valid", and a proof that the oracle would have seen one."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing import verification
from licensing.core import strict_json
from licensing.signing.document import License
from licensing.signing.envelope import VerifiedPayload
from licensing.verdict.verdict import Status
from licensing.verification import genuine
from tests.licensing.mutations import (
    ISSUER,
    KINDS,
    LICENSE,
    ORIGINAL,
    SEED,
    STRANGER,
    Target,
    every_flip,
    every_truncation,
    may_be_valid,
    mutations,
    thrown,
)

THROWN = 500
SOME = pytest.mark.parametrize("every", [21, pytest.param(1, marks=pytest.mark.long)])


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Target:
    return Target(tmp_path_factory.mktemp("mutations"))


def faults(target: Target, files: Iterator[tuple[str, bytes]]) -> list[tuple[str, str]]:
    return [(name, fault) for name, content in files if (fault := target.fault(content))]


def test_the_original_is_valid(target: Target) -> None:
    assert may_be_valid(ORIGINAL)
    assert target.verdict(ORIGINAL).status is Status.VALID
    assert target.fault(ORIGINAL) is None


@SOME
def test_no_flipped_bit_is_a_false_valid(target: Target, every: int) -> None:
    assert faults(target, islice(every_flip(), None, None, every)) == []


@SOME
def test_no_truncation_is_a_false_valid(target: Target, every: int) -> None:
    assert faults(target, islice(every_truncation(), None, None, every)) == []


@pytest.mark.parametrize("files", [THROWN, pytest.param(20 * THROWN, marks=pytest.mark.long)])
def test_no_file_of_the_die_is_a_false_valid(target: Target, files: int) -> None:
    assert faults(target, thrown(files)) == []


@settings(max_examples=200)
@given(st.sampled_from(sorted(KINDS)), st.randoms(use_true_random=False))
def test_no_file_that_hypothesis_looks_for_is_a_false_valid(target: Target, kind: str, rng: random.Random) -> None:
    assert target.fault(KINDS[kind](rng)) is None


def test_the_same_seed_makes_the_same_files() -> None:
    assert list(thrown(200)) == list(thrown(200))
    assert list(thrown(200)) != list(thrown(200, SEED + 1))


@pytest.mark.parametrize("count", [2_000, pytest.param(20_000, marks=pytest.mark.long)])
def test_the_files_are_as_many_as_asked_for_and_all_different(count: int) -> None:
    files = [content for _, content in mutations(count)]
    assert len(set(files)) == count and ORIGINAL not in files


def test_the_files_reach_every_step_that_looks_at_them_and_some_are_still_valid(target: Target) -> None:
    found = Counter(target.verdict(content).status for _, content in thrown(500))
    assert set(found) >= {Status.VALID, Status.UNTRUSTED, Status.MALFORMED}
    assert found[Status.VALID] > 20


# --- the proof that the oracle can fail: each of these verifications is broken in one place


def skip_the_signature(patch: pytest.MonkeyPatch) -> None:
    class Unverified(VerifiedPayload):
        def __init__(self, envelope: Any, trusted: Any) -> None:
            self.key, self.content, self.payload_type = trusted[0], envelope.payload, envelope.payload_type

    patch.setattr(genuine, "VerifiedPayload", Unverified)


def skip_the_type(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(verification, "_STEPS", tuple(step for step in verification._STEPS if "type" not in step))


def take_a_key_twice(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(strict_json, "_unique", dict)


def read_another_license(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(genuine, "parse_license", lambda _: LICENSE.model_copy(update={"serial": 2}))


def raise_what_nobody_expects(patch: pytest.MonkeyPatch) -> None:
    def explode(content: bytes) -> License:
        raise ZeroDivisionError

    patch.setattr(genuine, "parse_license", explode)


BROKEN: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str]] = {
    "it skips the signature": (skip_the_signature, "false valid"),
    "it skips the type": (skip_the_type, "false valid"),
    "it takes a key that occurs twice": (take_a_key_twice, "false valid"),
    "it reads another license than it verified": (read_another_license, "valid, but another license"),
    "it raises": (raise_what_nobody_expects, "ZeroDivisionError was raised: "),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_verification_is_caught(target: Target, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    breaks, fault = BROKEN[case]
    breaks(monkeypatch)
    assert fault in {found for _, found in faults(target, thrown(400))}


def test_a_verification_that_believes_a_stranger_is_caught(tmp_path: Path) -> None:
    credulous = Target(tmp_path, ISSUER, STRANGER)
    assert "false valid" in {found for _, found in faults(credulous, thrown(500))}


def test_a_verification_that_skips_the_signature_is_caught_by_the_flips_too(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_the_signature(monkeypatch)
    some = islice(every_flip(), 3, None, 20)
    assert len(faults(target, some)) > 20
