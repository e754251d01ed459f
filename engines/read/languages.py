"""Languages: their codes as clients write them, the model that Tesseract has for each, and the models of a folder."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from licensing.core.errors import BadCall

SUFFIX = ".traineddata"
ORIENTATION = "osd"
"""The model that knows which way is up, and which script a page is in."""

_MODELS = {
    "af": "afr", "am": "amh", "ar": "ara", "as": "asm", "az": "aze", "be": "bel", "bg": "bul", "bn": "ben",
    "bo": "bod", "br": "bre", "bs": "bos", "ca": "cat", "ceb": "ceb", "chr": "chr", "co": "cos", "cs": "ces",
    "cy": "cym", "da": "dan", "de": "deu", "dv": "div", "dz": "dzo", "el": "ell", "en": "eng", "eo": "epo",
    "es": "spa", "et": "est", "eu": "eus", "fa": "fas", "fi": "fin", "fil": "fil", "fo": "fao", "fr": "fra",
    "fy": "fry", "ga": "gle", "gd": "gla", "gl": "glg", "gu": "guj", "he": "heb", "hi": "hin", "hr": "hrv",
    "ht": "hat", "hu": "hun", "hy": "hye", "id": "ind", "is": "isl", "it": "ita", "iu": "iku", "ja": "jpn",
    "jv": "jav", "ka": "kat", "kk": "kaz", "km": "khm", "kn": "kan", "ko": "kor", "ky": "kir", "la": "lat",
    "lb": "ltz", "lo": "lao", "lt": "lit", "lv": "lav", "mi": "mri", "mk": "mkd", "ml": "mal", "mn": "mon",
    "mr": "mar", "ms": "msa", "mt": "mlt", "my": "mya", "ne": "nep", "nl": "nld", "no": "nor", "nb": "nor",
    "oc": "oci", "or": "ori", "pa": "pan", "pl": "pol", "ps": "pus", "pt": "por", "qu": "que", "ro": "ron",
    "ru": "rus", "sa": "san", "sd": "snd", "si": "sin", "sk": "slk", "sl": "slv", "sq": "sqi", "sr-cyrl": "srp",
    "sr-latn": "srp_latn", "su": "sun", "sv": "swe", "sw": "swa", "ta": "tam", "te": "tel", "tg": "tgk",
    "th": "tha", "ti": "tir", "to": "ton", "tr": "tur", "tt": "tat", "ug": "uig", "uk": "ukr", "ur": "urd",
    "uz": "uzb", "vi": "vie", "yi": "yid", "yo": "yor", "zh-hans": "chi_sim", "zh-hant": "chi_tra",
}  # fmt: skip
"""The codes of the Read 3.2 service, in lower case."""

_REGION = re.compile(r"-(?:[a-z]{2}|[0-9]{3})\Z")

_SCRIPTS = {
    "Arabic": "ara fas pus snd uig urd",
    "Armenian": "hye",
    "Bengali": "asm ben",
    "Cherokee": "chr",
    "Cyrillic": "aze_cyrl bel bul kaz kir mkd mon rus srp tat tgk ukr uzb_cyrl",
    "Devanagari": "hin mar nep san",
    "Ethiopic": "amh tir",
    "Georgian": "kat",
    "Greek": "ell grc",
    "Gujarati": "guj",
    "Gurmukhi": "pan",
    "Han": "chi_sim chi_tra jpn",
    "Hangul": "kor",
    "Hebrew": "heb yid",
    "Hiragana": "jpn",
    "Japanese": "jpn",
    "Kannada": "kan",
    "Katakana": "jpn",
    "Khmer": "khm",
    "Korean": "kor",
    "Lao": "lao",
    "Malayalam": "mal",
    "Myanmar": "mya",
    "Oriya": "ori",
    "Sinhala": "sin",
    "Syriac": "syr",
    "Tamil": "tam",
    "Telugu": "tel",
    "Thaana": "div",
    "Thai": "tha",
    "Tibetan": "bod dzo",
}
"""The scripts other than Latin, as Tesseract calls them, with the models that read each."""


def models_in(files: Iterable[str]) -> list[str]:
    """The models of languages among files, English first and the others by name."""
    names = {name.removesuffix(SUFFIX) for name in files if name.endswith(SUFFIX)} - {ORIENTATION}
    return sorted(names, key=lambda name: (name != "eng", name))


def files_of(models: Sequence[str]) -> list[str]:
    """The files of these models, with the one that knows which way is up."""
    return [f"{model}{SUFFIX}" for model in (*models, ORIENTATION)]


def models_of_folder(folder: Path) -> list[str]:
    """The models of languages in a folder; none where it cannot be listed."""
    try:
        return models_in(path.name for path in folder.iterdir())
    except OSError:
        return []


def model_of(language: str) -> str:
    """The model of a language, by the code of the Read service (``de``) or by Tesseract's name for it (``deu``).

    A code may name a region as well (``de-DE``), which changes nothing about its model (RFC 4647, 3.4).
    """
    code = language.lower()
    return _MODELS.get(code) or _MODELS.get(_REGION.sub("", code), language)


def languages_of(models: Iterable[str]) -> list[str]:
    """What a client may ask these models for: the codes of the Read service, where there is one for a model."""
    codes: dict[str, str] = {}
    for code, model in _MODELS.items():
        codes.setdefault(model, code)
    return [codes.get(model, model) for model in models]


def choose_models(wanted: str, installed: Sequence[str]) -> list[str]:
    """The models that ``Languages=`` opens (``en,de``); all that are installed where nothing is said, English at least.

    Raises ``BadCall`` for a language without a model.
    """
    names = [name for name in wanted.replace("+", ",").replace(";", ",").replace(" ", ",").split(",") if name]
    models = list(dict.fromkeys(map(model_of, names)))
    if missing := [name for name in names if model_of(name) not in installed]:
        there = ", ".join(languages_of(installed)) or "none"
        raise BadCall(
            f"Languages: no model is installed for {', '.join(missing)}",
            hint=f"installed are {there}; the .traineddata files of others are put beside them",
        )
    return models or list(installed) or ["eng"]


def lacks_script(script: str, models: Iterable[str]) -> bool:
    """Whether none of these models reads a script other than Latin."""
    readers = set(_SCRIPTS.get(script, "").split())
    return bool(readers) and readers.isdisjoint(models)
