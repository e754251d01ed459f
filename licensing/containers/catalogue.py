"""The catalogue: every kind of container that is known here, and what its documentation states of it.

Source: seeds/read-ocr-container, seeds/speech-containers, seeds/speech-to-text-container (images, cores, memory), facts
§1.2, §1.3, §1.6, §3.1, §3.2 and §6; the containers of the Language, Translator and Document Intelligence services by
their own installation pages at learn.microsoft.com, 2024-2026. What these do not say is left out, never guessed.
"""

from licensing.containers.kinds import ContainerType, Needs, Size

_MCR = "mcr.microsoft.com/azure-cognitive-services"
_LISTED = "Microsoft's list of containers for disconnected environments, October 2025"
_NOT_LISTED = "its documentation: not available as a disconnected container"
_SPEECH_NEEDS = (Needs(Size(8, 8), Size(4, 4), model_gb=(4, 8)),)
_LANGUAGE_NEEDS = (Needs(Size(4, 8), Size(1, 2)),)

READ = ContainerType(
    name="read",
    title="Read (OCR)",
    service="read",
    resource_kind="ComputerVision",
    repositories=("azlic/read", f"{_MCR}/vision/read"),
    meters=("CognitiveServices.ComputerVision.Container.Read",),
    needs=(
        Needs(Size(8, 16), Size(4, 8), version="2022-04-30"),
        Needs(Size(8, 24), Size(4, 16), version="2021-04-12"),
    ),
    source=_LISTED,
    plan_types=("Read",),
    tag="3.2-model-2022-04-30",
    has_engine=True,
)
SPEECH_TO_TEXT = ContainerType(
    name="speech-to-text",
    title="Speech to text",
    service="speechtotext",
    resource_kind="SpeechServices",
    repositories=("azlic/speech-to-text", f"{_MCR}/speechservices/speech-to-text"),
    meters=("CognitiveServices.SpeechServices.Container.SpeechToText",),
    needs=_SPEECH_NEEDS,
    source=_LISTED,
    plan_types=("STT",),
    scheme="ws",
    has_engine=True,
)
_CUSTOM_SPEECH_TO_TEXT = ContainerType(
    name="custom-speech-to-text",
    title="Custom speech to text",
    service="",
    resource_kind="SpeechServices",
    repositories=(f"{_MCR}/speechservices/custom-speech-to-text",),
    meters=(),
    needs=_SPEECH_NEEDS,
    source=_LISTED,
    plan_types=("CUSTOMSTT",),
    scheme="ws",
    models="/usr/local/models",
)
_SPEECH_LANGUAGE_IDENTIFICATION = ContainerType(
    name="language-identification",
    title="Speech language identification",
    service="",
    resource_kind="SpeechServices",
    repositories=(f"{_MCR}/speechservices/language-detection",),
    meters=(),
    needs=(Needs(Size(1, 1), Size(1, 1)),),
    source=_NOT_LISTED,
    disconnected=False,
)
_NEURAL_TEXT_TO_SPEECH = ContainerType(
    name="neural-text-to-speech",
    title="Neural text to speech",
    service="",
    resource_kind="SpeechServices",
    repositories=(f"{_MCR}/speechservices/neural-text-to-speech",),
    meters=(),
    needs=(Needs(Size(8, 16), Size(6, 12)),),
    source=_LISTED,
    plan_types=("NTTS",),
)
_TEXT_TRANSLATION = ContainerType(
    name="text-translation",
    title="Text translation",
    service="texttranslation",
    resource_kind="TextTranslation",
    repositories=(f"{_MCR}/translator/text-translation",),
    meters=(),
    needs=(Needs(Size(4, 12), Size(4, 4)),),  # each pair of languages wants 2 GB; 12 is its page's own example
    source=_LISTED,
    plan_types=("Characters",),
    models="/usr/local/models",
    asks=("MODELS", "TRANSLATORSYSTEMCONFIG"),
)


def _language(
    name: str,
    title: str,
    path: str,
    *,
    service: str = "",
    needs: tuple[Needs, ...] = _LANGUAGE_NEEDS,
    plan_types: tuple[str, ...] = ("TA",),
    tag: str = "latest",
    models: str | None = None,
    asks: tuple[str, ...] = (),
) -> ContainerType:
    return ContainerType(
        name=name,
        title=title,
        service=service,
        resource_kind="TextAnalytics",
        repositories=(f"{_MCR}/{path}",),
        meters=(),
        needs=needs,
        source=_LISTED,
        plan_types=plan_types,
        tag=tag,
        models=models,
        asks=asks,
    )


_LANGUAGE = (
    _language(
        "sentiment-analysis", "Sentiment analysis", "textanalytics/sentiment", service="sentimentonnx", tag="3.0-en"
    ),
    _language(
        "key-phrase-extraction",
        "Key phrase extraction",
        "textanalytics/keyphrase",
        needs=(Needs(Size(1, 4), Size(1, 2)),),
    ),
    _language(
        "language-detection",
        "Language detection (text)",
        "textanalytics/language",
        needs=(Needs(Size(1, 8), Size(1, 5)),),
    ),
    _language(
        "summarization",
        "Summarization",
        "textanalytics/summarization",
        needs=(Needs(Size(16, 48), version="cpu"), Needs(Size(2, 24), version="gpu")),
        tag="cpu",
        models="/models",
        asks=("rai_terms",),
    ),
    _language("named-entity-recognition", "Named entity recognition", "textanalytics/ner"),
    _language("pii-detection", "Detection of personal data (PII)", "textanalytics/pii", service="pii"),
    _language(
        "language-understanding",
        "Conversational language understanding (CLU)",
        "language/clu",
        plan_types=(),
        models="/DeploymentPackage",
    ),
)


def _document(
    model: str, title: str, *, minimum_gb: int, versions: tuple[str, ...], plan_type: str = "Prebuilt", beside: str = ""
) -> ContainerType:
    return ContainerType(
        name=f"document-{model}",
        title=f"Document Intelligence: {title}",
        service="",
        resource_kind="FormRecognizer",
        repositories=tuple(f"{_MCR}/form-recognizer/{path}" for path in versions),
        meters=(),
        needs=(Needs(Size(8, 24), Size(8, minimum_gb)),),
        source=_LISTED,
        plan_types=(plan_type,),
        asks=(f"AzureCognitiveService{beside}Host",) if beside else (),
    )


_DOCUMENTS = (
    _document("read", "Read", minimum_gb=10, versions=("read-3.1", "read-3.0"), plan_type="OCR (Read)"),
    _document("layout", "Layout", minimum_gb=16, versions=("layout-4.0", "layout-3.1", "layout-3.0")),
    _document("general", "General document", minimum_gb=12, versions=("document-3.0",), beside="Layout"),
    _document("business-card", "Business card", minimum_gb=16, versions=("businesscard-3.0",), beside="Read"),
    _document("id", "ID document", minimum_gb=8, versions=("id-document-3.1", "id-document-3.0"), beside="Read"),
    _document("invoice", "Invoice", minimum_gb=16, versions=("invoice-3.1", "invoice-3.0"), beside="Layout"),
    _document("receipt", "Receipt", minimum_gb=11, versions=("receipt-3.1", "receipt-3.0"), beside="Read"),
    _document(
        "custom-template",
        "Custom template",
        minimum_gb=16,
        versions=("custom-template-3.0",),
        plan_type="Custom API",
        beside="Layout",
    ),
)

CONTAINER_TYPES = {
    kind.name: kind
    for kind in (
        READ,
        SPEECH_TO_TEXT,
        _CUSTOM_SPEECH_TO_TEXT,
        _SPEECH_LANGUAGE_IDENTIFICATION,
        _NEURAL_TEXT_TO_SPEECH,
        _TEXT_TRANSLATION,
        *_LANGUAGE,
        *_DOCUMENTS,
    )
}
