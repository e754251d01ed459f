"""What is counted when connections are cut: a model of the Speech SDK's resending, cut at random places."""

import random
from decimal import Decimal

import pytest

from engines.speech.audio import AudioFormat, slices_of
from engines.speech.counting import CountedConnections, TurnCount

FORM = AudioFormat(16_000, 1, "PCM_16", 2)


def some_audio(chance: random.Random, slices: int) -> bytes:
    """Audio with stretches of digital silence in it, which are all alike; every phrase ends in a word."""
    length = FORM.slice_frames * FORM.frame_bytes
    silent = (number % 3 == 0 and chance.random() < 0.5 for number in range(slices))
    return b"".join(bytes(length) if quiet else chance.randbytes(length) for quiet in silent)


def play_with_cuts(chance: random.Random, known: CountedConnections) -> tuple[Decimal, Decimal]:
    """A client that is cut again and again, and sends again what it had no phrase for: the seconds counted and due."""
    audio = some_audio(chance, 60) + chance.randbytes(1000)
    phrases = sorted(chance.sample(range(3, 63, 3), 8))
    frames = len(audio) // FORM.frame_bytes
    ends = [min(end * FORM.slice_frames, frames) for end in phrases]
    recorded: list[Decimal] = []
    received = 0
    while received < len(ends):
        start = ends[received - 1] if received else 0
        turn = TurnCount(known, "c", FORM, again=True)
        for content in slices_of(audio[start * FORM.frame_bytes :], FORM):
            turn.hear(content)
        for number in range(received, len(ends)):
            if chance.random() < 0.3:  # heard anew, a phrase may be taken for two
                turn.count(max(0, ends[number] - start - FORM.slice_frames), recorded.append)
            turn.count(ends[number] - start, recorded.append)
            if chance.random() < 0.4:
                break  # counted, and lost on its way
            received = number + 1
            if chance.random() < 0.2:
                break  # cut behind a phrase that has arrived
    return sum(recorded, Decimal(0)), Decimal(ends[-1]) / FORM.rate


@pytest.mark.parametrize("seed", range(40))
def test_however_a_client_is_cut_every_second_counts_once(seed: int) -> None:
    counted, due = play_with_cuts(random.Random(seed), CountedConnections())
    assert counted == due


def count(known: CountedConnections, connection: str, audio: bytes, *, again: bool = True) -> Decimal:
    turn = TurnCount(known, connection, FORM, again=again)
    for content in slices_of(audio, FORM):
        turn.hear(content)
    recorded: list[Decimal] = []
    turn.count(len(audio) // FORM.frame_bytes, recorded.append)
    return sum(recorded, Decimal(0))


AUDIO = random.Random(1).randbytes(32_000)


def test_the_same_audio_is_counted_again_for_another_connection_or_another_turn() -> None:
    known = CountedConnections()
    assert count(known, "one", AUDIO) == 1
    assert count(known, "two", AUDIO) == 1
    assert count(known, "one", AUDIO, again=False) == 1
    assert count(known, "", AUDIO) == count(known, "", AUDIO) == 1


def test_other_audio_under_the_same_connection_is_counted() -> None:
    known = CountedConnections()
    assert count(known, "one", AUDIO) == 1
    assert count(known, "one", bytes(3200) + AUDIO) == Decimal("1.1"), "another beginning"
    assert count(known, "one", AUDIO[:-3200] + bytes(3200)) == 1, "another end"


def test_digital_silence_is_not_taken_for_what_was_counted_before() -> None:
    known = CountedConnections()
    word, other, quiet = AUDIO[:9600], AUDIO[9600:19_200], bytes(3200)
    assert count(known, "one", word + quiet) == Decimal("0.4"), "its end was heard late"
    assert count(known, "one", word) == 0, "and sooner, when it came again"
    assert count(known, "one", quiet + quiet + other) == Decimal("0.5"), "what follows the later end is new"


def test_what_could_not_be_recorded_is_still_owed() -> None:
    known = CountedConnections()
    turn = TurnCount(known, "one", FORM, again=True)
    for content in slices_of(AUDIO, FORM):
        turn.hear(content)

    def fail(_: Decimal) -> None:
        raise OSError

    with pytest.raises(OSError):
        turn.count(16_000, fail)
    assert count(known, "one", AUDIO) == 1


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000, 31_337])
def test_phrases_of_any_rate_add_up_to_the_millionth(rate: int) -> None:
    form = AudioFormat(rate, 2, "PCM_16", 2)
    frames = 7 * form.slice_frames + 13
    turn = TurnCount(CountedConnections(), "one", form, again=True)
    for content in slices_of(bytes(frames * form.frame_bytes), form):
        turn.hear(content)
    recorded: list[Decimal] = []
    for end in (form.slice_frames, 3 * form.slice_frames, frames):
        turn.count(end, recorded.append)
    assert len(recorded) == 3
    assert sum(recorded) == Decimal(frames * 1_000_000 // rate).scaleb(-6)


def test_connections_are_forgotten_when_there_are_too_many() -> None:
    known = CountedConnections()
    assert count(known, "first", AUDIO) == 1
    for number in range(1_100):
        known.of(str(number))
    assert count(known, "first", AUDIO) == 1
