"""The REST route of the speech container described as OpenAPI: what it takes, and every answer it gives."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from engines.server.described import Responses, answer, errors
from engines.server.errors import FAULT, NOT_ADMITTED
from engines.server.query import Parameters
from engines.server.refusing import NAMED, headers_of
from engines.speech.answers import Form, PhraseAnswer
from engines.speech.refusal import Code

PARAMETERS = Parameters(("language", "format"), in_any_case=frozenset({"format"}))


class RecordingOptions(BaseModel, frozen=True):
    """How a recording is to be heard."""

    language: Annotated[
        str, Field(description="taken and passed over: the model has the language it has", examples=["en-US"])
    ] = "en-US"
    format: Annotated[
        Literal["simple", "detailed"],
        Field(description="`detailed` adds words with their times and confidences"),
    ] = "simple"

    @property
    def form(self) -> Form:
        """What the answer is to hold."""
        return Form(detailed=self.format == "detailed", words=True)


RECORDING: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A WAV, FLAC or OGG recording of at most 60 seconds. Its bytes tell which; the type need not.",
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}}  # lets Swagger UI offer a file to choose
            for media_type in ("audio/wav", "audio/flac", "audio/ogg", "application/octet-stream")
        },
    }
}
_HEARD: PhraseAnswer = {
    "Id": "5dab85f2c7a94a7d86d6ad1f6b9f4a0d",
    "RecognitionStatus": "Success",
    "Offset": 1200000,
    "Duration": 8800000,
    "DisplayText": "He might even.",
    "NBest": [
        {
            "Confidence": 0.98,
            "Lexical": "he might even",
            "ITN": "he might even",
            "MaskedITN": "he might even",
            "Display": "He might even.",
            "Words": [{"Word": "he", "Offset": 1200000, "Duration": 1500000, "Confidence": 0.97}],
        }
    ],
}


def _refusals() -> Responses:
    meanings: dict[int, dict[str, str]] = {503: dict(NOT_ADMITTED)}
    for code in sorted(Code):
        meanings.setdefault(code.status, {})[code] = code.meaning
    return {status: errors(meanings[status], headers=headers_of(status)) for status in sorted(meanings)}


RECOGNIZED: Responses = {
    200: answer(
        "What was said, all phrases as one.",
        PhraseAnswer,
        example=_HEARD,
        headers=NAMED,
        narrowed={"properties": {"RecognitionStatus": {"enum": ["Success", "NoMatch"]}}},
    ),
    **_refusals(),
    500: errors(FAULT),
}
