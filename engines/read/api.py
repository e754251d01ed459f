"""The Read 3.2 routes: a document in, its text out, its pages counted."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.background import BackgroundTask

from engines.metering.meter import Meter
from engines.read.described import ASYNC, DOCUMENT, RESULT, SYNC
from engines.read.desk import Desk
from engines.read.limits import Limits
from engines.read.query import PARAMETERS
from engines.read.received import ReadOptions
from engines.read.recognise import Recogniser
from engines.results.store import ResultStore
from engines.server.errors import Refusal, require_admission
from engines.server.refusing import FlatErrors


def read_routes(
    *,
    recogniser: Recogniser,
    meter: Meter,
    results: ResultStore,
    admit: Callable[[], Refusal | None],
    clock: Callable[[], datetime],
    limits: Limits | None = None,
) -> APIRouter:
    """The routes of a Read container, synchronous and asynchronous.

    ``admit`` is asked before a document is taken in; stored ``results`` stay readable while it refuses. The pages
    of each document that was read whole go to ``meter``, on a thread of its own, before any of the text leaves; if
    that raises ``AzlicError``, no text leaves. ``clock`` gives aware instants.
    """
    desk = Desk(recogniser=recogniser, meter=meter, results=results, clock=clock, limits=limits or Limits())

    @asynccontextmanager
    async def until_closed(_: object) -> AsyncIterator[None]:
        results.open()
        yield
        await desk.close()
        results.close()

    router = APIRouter(prefix="/vision/v3.2/read", tags=["Read"], route_class=_Errors, lifespan=until_closed)
    gate = [Depends(require_admission(admit))]

    @router.post("/syncAnalyze", dependencies=gate, responses=SYNC, openapi_extra=DOCUMENT)
    async def sync_analyze(request: Request, options: Annotated[ReadOptions, Query()]) -> Response:
        """Read a document and wait for its text. Each page read counts as one."""
        return Response(await desk.read(request, options), media_type="application/json")

    @router.post(
        "/analyze", status_code=202, response_class=Response, dependencies=gate, responses=ASYNC, openapi_extra=DOCUMENT
    )
    async def analyze(request: Request, options: Annotated[ReadOptions, Query()]) -> Response:
        """Hand in a document; the Operation-Location header of the answer says where its text will be."""
        operation, job = await desk.begin(request, options)
        location = request.url_for("read_operation", operation_id=operation.id)
        # Waiting for the job after the answer lets a server that shuts down finish it.
        return Response(
            status_code=202,
            headers={"Operation-Location": str(location)},
            background=BackgroundTask(asyncio.wait, [job]),
        )

    # The container's documents name the first path, the SDKs ask for the second.
    @router.get("/operations/{operation_id}", name="read_operation", responses=RESULT)
    @router.get("/analyzeResults/{operation_id}", name="read_result", responses=RESULT)
    async def read_operation(
        operation_id: Annotated[str, Path(description="the last part of the Operation-Location")],
    ) -> Response:
        """Ask for the state of an operation, and for the text once it has succeeded."""
        return Response(await desk.answer(operation_id), media_type="application/json")

    return router


class _Errors(FlatErrors):
    """The synchronous route opens its errors with ``"status":"Failed"``."""

    parameters = PARAMETERS

    def first(self, request: Request) -> Mapping[str, str] | None:
        return {"status": "Failed"} if request.url.path.endswith("/syncAnalyze") else None
