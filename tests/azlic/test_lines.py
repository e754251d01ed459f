"""Lines of text as a terminal takes them."""

import pytest

from azlic.lines import cells, fold


@pytest.mark.parametrize("word", ["x" * 79, "x" * 80, "x" * 81, "界" * 41, "x" * 100_000, "ab界" * 500])
def test_a_word_of_any_length_is_folded_and_can_be_joined_again(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = fold(word)
    assert max(map(cells, lines)) <= 80 and all(line.endswith("\\") for line in lines[:-1])
    assert "".join(line.removesuffix("\\") for line in lines) == word
