import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azlic.settings import read_settings_file
from licensing.core import strict_toml
from licensing.core.errors import AzlicError
from usage.alerts.channels.configured import read_channels

STRANGE = {
    "nesting too deep to be meant": b"a = " + b"[" * 10_000,
    "a byte that is no UTF-8": b'a = "\xff"',
    "a byte-order mark": b"\xef\xbb\xbfa = 1",
    "a key twice": b"a = 1\na = 2",
    "JSON": b'{"a": 1}',
    "NUL bytes": bytes(100),
    "an integer of very many digits": b"a = " + b"9" * 20_000,
    "more than such a file is": b"# \n" * 100_000,
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_settings_or_channels_file_is_refused_in_words(tmp_path: Path, name: str) -> None:
    path = tmp_path / "azlic.toml"
    path.write_bytes(STRANGE[name])
    path.chmod(0o600)
    with pytest.raises(AzlicError):
        read_settings_file({"AZLIC_CONFIG": str(path)})
    with pytest.raises(AzlicError):
        read_channels(path)


@settings(max_examples=200)
@given(st.lists(st.sampled_from("[]{}=.,\"'#\n ab1e-:_\\\ufeff\0"), max_size=60).map("".join))
def test_any_text_is_toml_or_refused_as_the_standard_library_says(text: str) -> None:
    try:
        expected = tomllib.loads(text)
    except ValueError:
        with pytest.raises(ValueError):
            strict_toml.loads(text.encode())
    else:
        assert strict_toml.loads(text.encode()) == expected
