"""The speech container with its license, its mounts and its model."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest
from fastapi import FastAPI

from engines.catalogue import SPEECH_VERSION, hearing, speech_engine
from engines.engine import Engine
from engines.models import MEMORY, Models
from engines.speech import SpeechModel
from engines.speech.api import PATH
from engines.speech.pinned_model import NAME, PINS, own_model
from licensing.containers import READ, SPEECH_TO_TEXT
from licensing.core.errors import AzlicError
from licensing.verdict.verdict import Verdict
from tests.engines.speech.process import speech_license
from tests.engines.speech.recordings import SAID, as_wav, said, silence
from tests.engines.speech.wire import heard, phrases
from tests.site import METER, Site, a_license


@pytest.fixture
def engine(model: SpeechModel) -> Engine:
    return replace(hearing(model, NAME), close=lambda: None)  # the model is for all tests


def test_a_container_hears_records_and_reports(site: Site, engine: Engine) -> None:
    site.install(speech_license())
    with site.start_engine(engine=engine) as client:
        assert client.get("/ready").json()["service"] == "speechtotext"
        assert client.get("/status").json()["apiStatus"] == "NonMetered"
        assert PATH in client.get("/swagger/v1/swagger.json").json()["paths"]
        answers = heard(str(client.base_url).replace("http", "ws", 1), as_wav(said()))
        usage = client.get("/records/usage-logs/").json()
    phrase = phrases(answers)[0]
    assert usage["meters"] == [
        {"name": SPEECH_TO_TEXT.meters[0], "quantity": (phrase["Offset"] + phrase["Duration"]) / 10**7}
    ]
    receipt = site.ingest()
    assert (receipt.new, receipt.clean) == (1, True)


def refused(site: Site, engine: Engine | None) -> str:
    verdict = site.container(engine=engine)
    assert isinstance(verdict, Verdict)
    return f"{verdict.status}: {verdict.detail}"


def test_the_license_of_one_container_does_not_start_the_other(site: Site, engine: Engine) -> None:
    site.install(a_license())
    assert "wrong-container: the license is for container type 'read', this container is 'speech-to-text'" in refused(
        site, engine
    )
    site.install(speech_license(serial=2))
    assert refused(site, None).startswith("wrong-container: the license is for container type 'speech-to-text'")


def test_a_license_for_another_model_does_not_start_the_container(site: Site, engine: Engine) -> None:
    bound = speech_license().container.model_copy(update={"model": "vosk-model-de-0.21"})
    site.install(speech_license(container=bound))
    words = "the license is for model 'vosk-model-de-0.21', this container's is 'vosk-model-small-en-us-0.15'"
    assert refused(site, engine) == f"wrong-image: {words}"
    site.install(speech_license(serial=2, container=bound.model_copy(update={"model": NAME})))
    assert isinstance(site.container(engine=engine), FastAPI)


def test_a_model_is_refused_in_words_where_it_is_none(tmp_path: Path) -> None:
    with pytest.raises(AzlicError, match=r"holds no speech model: am/final\.mdl is missing"):
        speech_engine(Models(tmp_path), {})()


@pytest.mark.parametrize("missing", ["graph/HCLr.fst", "ivector/final.ie"])
def test_a_model_that_loads_without_a_part_of_it_is_refused(tmp_path: Path, missing: str) -> None:
    for name in PINS.keys() - {missing}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).symlink_to(own_model() / name)
    with pytest.raises(AzlicError, match="cannot be loaded") as raised:
        speech_engine(Models(tmp_path), {})()
    assert raised.value.hint == "unpack the model once more, whole"


def test_the_meter_of_another_container_is_none_of_its_own(engine: Engine) -> None:
    assert METER not in engine.meters and READ.meters[0] == METER
    assert engine.version == SPEECH_VERSION


@pytest.mark.long
def test_a_recording_is_heard_over_rest(site: Site, engine: Engine) -> None:
    site.install(speech_license())
    path = "/speech/recognition/conversation/cognitiveservices/v1"
    with site.start_engine(engine=engine) as client:
        simple = client.post(f"{path}?language=en-US", content=as_wav(said()))
        detailed = client.post(f"{path}?format=detailed", content=as_wav(said(), form="FLAC"))
        wrong = client.post(path, content=b"no recording")
        silent = client.post(path, content=as_wav(silence(0.2)))
        long = client.post(path, content=as_wav(silence(61)))
        usage = client.get("/records/usage-logs/").json()["meters"][0]["quantity"]
        unknown = client.post("/speech/recognition/whisper/cognitiveservices/v1", content=b"")
    assert simple.json()["DisplayText"] == SAID
    best = detailed.json()["NBest"][0]
    assert best["Lexical"] == "he might even" and len(best["Words"]) == 3
    assert (wrong.status_code, wrong.json()["code"]) == (400, "InvalidAudio")
    assert (unknown.status_code, unknown.json()["code"]) == (400, "InvalidArgument")
    assert silent.json()["RecognitionStatus"] == "NoMatch"
    assert (long.status_code, long.json()["message"].split(":")[0]) == (413, "the recording is longer than 60 seconds")
    ends = [told.json()["Offset"] + told.json()["Duration"] for told in (simple, detailed)]
    assert usage == pytest.approx(sum(ends) / 10**7, abs=1e-9)


@pytest.mark.long
def test_a_sealed_model_is_opened_with_the_license_and_nowhere_else(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from licensing.sealing.folder import seal_into
    from licensing.sealing.sealed import ContentKey

    key = ContentKey.new()
    with seal_into(own_model(), tmp_path / "sealed", key):
        pass
    names = Models(tmp_path / "sealed").tree
    assert set(PINS) <= set(names)
    with pytest.raises(AzlicError, match="no license holds"):
        speech_engine(Models(tmp_path / "sealed"), {})()
    made: list[Path] = []

    class Noted(TemporaryDirectory[str]):
        def __enter__(self) -> str:
            made.append(Path(self.name))
            return super().__enter__()

    monkeypatch.setattr("tempfile.TemporaryDirectory", Noted)
    license_ = speech_license(content_keys={"model": base64.b64encode(key.secret).decode()})
    engine = speech_engine(Models(tmp_path / "sealed", license_), {})()
    assert {path.parent for path in made} == {MEMORY} and not any(path.exists() for path in made)
    site.install(speech_license())
    with site.start_engine(engine=engine) as client:
        answer = client.post("/speech/recognition/interactive/cognitiveservices/v1", content=as_wav(said()))
    assert json.loads(answer.content)["RecognitionStatus"] == "Success"
    assert isinstance(answer, httpx.Response)
