"""The Read engine: text, boxes and confidences from images and PDF pages, behind the Read 3.2 HTTP routes."""

from licensing.core.errors import AzlicError

try:
    import PIL  # noqa: F401
    import pypdfium2  # noqa: F401
    import tesserocr  # noqa: F401
except ImportError as error:
    raise AzlicError(f"the Read engine is not installed: {error}", hint="pip install azlic[read]") from error

from engines.read.api import read_routes
from engines.read.languages import choose_models, files_of, models_in
from engines.read.limits import Limits
from engines.read.pages import Document, Page, open_document
from engines.read.recognise import MODEL_FILES, TESSDATA, Recogniser
from engines.read.refusal import Code, DocumentRefused
from engines.read.result import MODEL_VERSION
from engines.read.text import Line, PageReading, Word
from engines.read.warm import warm_up

__all__ = [
    "MODEL_FILES",
    "MODEL_VERSION",
    "TESSDATA",
    "Code",
    "Document",
    "DocumentRefused",
    "Limits",
    "Line",
    "Page",
    "PageReading",
    "Recogniser",
    "Word",
    "choose_models",
    "files_of",
    "models_in",
    "open_document",
    "read_routes",
    "warm_up",
]
