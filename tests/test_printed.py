"""Every command that a message, a help or a document prints is one that the program takes."""

import pytest

from tests.printed import commands_in, printed_commands, refusal


def test_every_command_that_is_printed_is_taken_by_the_program() -> None:
    printed = list(printed_commands())
    assert len(printed) > 400
    assert {str(command): why for command in printed if (why := refusal(command.words))} == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("State when it ends: azlic adopt ␣", "Missing option '--container'"),
        ("see `azlic verfy`", "No such command 'verfy'"),
        ("see `azlic issuer list-licenses`", "No such command 'list-licenses'"),
        ("try: azlic verify ␣ --contaner read", "No such option: --contaner"),
        ("azlic verify ␣ --container reed", "there is no container type 'reed'"),
        ("Example: azlic plan add read --type Read \\\n    --quota 5", "Missing option '--unit'"),
        ("azlic audit NOW --against FILE", "unexpected extra argument"),
        ("$ azlic correct 0199f0aa --quantity 12 --reason", "requires an argument"),
    ],
)
def test_a_command_that_the_program_would_refuse_is_found(text: str, why: str) -> None:
    (words,) = commands_in(text)
    assert why in refusal(words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("azlic cannot read it; azlic notices", []),
        ("azlic verify and doctor then hold the file", [("verify",)]),
        ("run azlic plan map ␣ METER, then azlic report", [("plan", "map", "␣", "METER"), ("report",)]),
        ("the first `azlic ingest` makes it", [("ingest",)]),
        ("$ azlic checkpoint > checkpoint.txt\nbatches 7", [("checkpoint",)]),
        ("azlic audit --database URL.", [("audit", "--database", "URL")]),
    ],
)
def test_a_command_ends_where_the_sentence_goes_on(text: str, words: list[tuple[str, ...]]) -> None:
    assert list(commands_in(text)) == words
    assert not any(map(refusal, words))
