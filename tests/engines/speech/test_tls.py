"""A container behind TLS with a certificate of the site's own CA, and how each official client is told to trust it."""

import ssl
from pathlib import Path

import pytest
from azure.cognitiveservices import speech

from engines.speech import SpeechModel
from licensing.delivery.tls import server_context
from tests.certificates import Authority
from tests.engines.speech import sdk
from tests.engines.speech.conftest import serving_container
from tests.engines.speech.javascript_sdk import javascript
from tests.engines.speech.recordings import SAID, as_wav, said


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "ca")


@pytest.fixture
def certified(authority: Authority) -> ssl.SSLContext:
    return server_context(*authority.server("127.0.0.1"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "said.wav"
    written.write_bytes(as_wav(said()))
    return written


def heard(address: str, file: Path, **properties: str) -> speech.SpeechRecognitionResult:
    config = sdk.config(address)
    for name, value in properties.items():
        config.set_property_by_name(name, value)
    audio = speech.audio.AudioConfig(filename=str(file))
    return speech.SpeechRecognizer(config, audio_config=audio).recognize_once()


@pytest.mark.long
def test_the_sdk_for_python_takes_a_ca_as_a_property(
    model: SpeechModel, authority: Authority, certified: ssl.SSLContext, file: Path
) -> None:
    with serving_container(model, tls=certified) as container:
        told = heard(container.address, file, OPENSSL_SINGLE_TRUSTED_CERT=authority.path.read_text())
        assert told.text == SAID
        assert heard(container.address, file).reason == speech.ResultReason.Canceled
    assert len(container.recorded) == 1


@pytest.mark.long
def test_the_sdk_for_python_takes_a_ca_from_the_environment(
    model: SpeechModel,
    authority: Authority,
    certified: ssl.SSLContext,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    with serving_container(model, tls=certified) as container:
        assert heard(container.address, file).text == SAID


@pytest.mark.long
def test_the_sdk_for_javascript_takes_a_ca_from_the_environment(
    model: SpeechModel, authority: Authority, certified: ssl.SSLContext, file: Path
) -> None:
    with serving_container(model, tls=certified) as container:
        with javascript(NODE_EXTRA_CA_CERTS=str(authority.path)) as trusting:
            assert trusting.listen(container.address, file)["texts"] == [SAID]
        with javascript() as stranger:
            told = stranger.listen(container.address, file)
    assert (told["texts"], told["reason"]) == ([], "Canceled")
    assert "certificate" in told["words"]
