"""The Read engine: text, boxes and confidences from images and PDF pages, behind the Read 3.2 HTTP routes."""

from typing import TYPE_CHECKING

from engines.extras import require_extra
from licensing.core.faces import lazy_face

require_extra("read", "Read", "PIL", "pypdfium2", "tesserocr")

if TYPE_CHECKING:
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
_HOMES = {
    "Code": "engines.read.refusal",
    "Document": "engines.read.pages",
    "DocumentRefused": "engines.read.refusal",
    "Limits": "engines.read.limits",
    "Line": "engines.read.text",
    "MODEL_FILES": "engines.read.recognise",
    "MODEL_VERSION": "engines.read.result",
    "Page": "engines.read.pages",
    "PageReading": "engines.read.text",
    "Recogniser": "engines.read.recognise",
    "TESSDATA": "engines.read.recognise",
    "Word": "engines.read.text",
    "choose_models": "engines.read.languages",
    "files_of": "engines.read.languages",
    "models_in": "engines.read.languages",
    "open_document": "engines.read.pages",
    "read_routes": "engines.read.api",
    "warm_up": "engines.read.warm",
}
if not TYPE_CHECKING:
    __getattr__ = lazy_face(__name__, _HOMES)
