"""The engines of this project, by the name of their container type."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter

from engines.container import Engine, EngineImage
from engines.models import Models
from licensing.containers import READ

READ_VERSION = "3.2.0"


@dataclass(frozen=True, slots=True)
class Offer(EngineImage):
    """An image of ours whose engine is not loaded yet: enough to download a license for it, or to ask for one."""

    load: Callable[[Models | None], Engine]


def read_engine(models: Models | None) -> Engine:
    """The Read engine, its models loaded and tried on a page: nothing of it is left to be loaded later.

    Its own models are taken where none are named. Raises ``AzlicError`` when the ``read`` extra is not installed or a
    model cannot be loaded, ``NoGoodLicense`` when it is sealed and the license lacks its key.
    """
    from engines.read import MODEL_FILES, TESSDATA, Recogniser, read_routes, warm_up  # noqa: PLC0415 - heavy, an extra

    named = models.in_the_clear(MODEL_FILES) if models else contextlib.nullcontext(TESSDATA)
    with named as tessdata:
        recogniser = Recogniser(tessdata=tessdata)
        warm_up(recogniser)

    def routes(admit: Callable[[], None], record: Callable[[int], None], clock: Callable[[], datetime]) -> APIRouter:
        return read_routes(recogniser=recogniser, record_pages=record, admit=admit, clock=clock)

    return Engine(kind=READ, version=READ_VERSION, api_type="vision.read", routes=routes, close=recogniser.close)


ENGINES = {READ.name: Offer(READ, READ_VERSION, read_engine)}
