"""The documented usage routes, for one container and for a whole site alike.

Source: facts §2.1 (``/records/usage-logs/`` and ``/records/usage-logs/{MONTH}/{YEAR}``).
"""

from collections.abc import Callable

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Response

from licensing.core.errors import BadCall
from licensing.core.http_json import EscapedJSONResponse
from usage.months import Month


def usage_logs_routes(report: Callable[[Month | None], Response]) -> APIRouter:
    """All use, and that of one month; a month that is none is a bad request.

    One report is made at a time, on one thread: who asks for many keeps nobody from the rest.
    """
    router = APIRouter()
    one_at_a_time = CapacityLimiter(1)

    async def answer(month: Month | None) -> Response:
        return await to_thread.run_sync(report, month, limiter=one_at_a_time)

    @router.get("/records/usage-logs", include_in_schema=False)
    @router.get("/records/usage-logs/")
    async def usage() -> Response:
        """All usage recorded in the output mount."""
        return await answer(None)

    @router.get("/records/usage-logs/{month}/{year}")
    async def usage_of_month(month: str, year: str) -> Response:
        """The usage of one month, by its number and year: 03/2026."""
        try:
            wanted = Month.parse(f"{year}-{month.zfill(2)}")
        except BadCall as error:
            return EscapedJSONResponse({"code": "InvalidArgument", "message": error.message}, 400)
        return await answer(wanted)

    return router
