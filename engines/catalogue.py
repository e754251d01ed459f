"""The engines of this project, by the name of their container type."""

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter

from engines.container import Engine
from licensing.containers import READ

READ_VERSION = "3.2.0"


def read_engine() -> Engine:
    """The Read engine, its models loaded and tried on a page: nothing of it is left to be loaded later.

    Raises ``AzlicError`` when the ``read`` extra is not installed.
    """
    from engines.read import Recogniser, read_routes, warm_up  # noqa: PLC0415 - heavy, and an extra

    recogniser = Recogniser()
    warm_up(recogniser)

    def routes(admit: Callable[[], None], record: Callable[[int], None], clock: Callable[[], datetime]) -> APIRouter:
        return read_routes(recogniser=recogniser, record_pages=record, admit=admit, clock=clock)

    return Engine(kind=READ, version=READ_VERSION, api_type="vision.read", routes=routes, close=recogniser.close)


ENGINES: dict[str, Callable[[], Engine]] = {READ.name: read_engine}
