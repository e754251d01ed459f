"""The parameters of a document's query."""

from engines.server.query import Parameters

NAMES = ("language", "pages", "readingOrder", "model-version")
PARAMETERS = Parameters(
    NAMES,
    several=frozenset({"pages"}),
    in_any_case=frozenset({"readingOrder", "model-version"}),
    meant={
        "lang": "language",
        "languages": "language",
        "locale": "language",
        "page": "pages",
        "pagerange": "pages",
        "order": "readingOrder",
        "modelversion": "model-version",
    },
)
