"""The documented usage routes, for one container and for a whole site alike.

Source: facts §2.1 (``/records/usage-logs/`` and ``/records/usage-logs/{MONTH}/{YEAR}``).
"""

from collections.abc import Callable
from typing import Annotated

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Path, Response

from engines.server.described import Responses, answer, errors
from engines.server.errors import Refusal, flat, request_id
from licensing.containers import READ
from licensing.core.errors import BadCall
from usage.months import Month
from usage.records.output_mount import UsageReport

NOT_READABLE = "UsageNotReadable"
NO_MONTH = "InvalidArgument"
_EXAMPLE: UsageReport = {
    "apiType": "read",
    "serviceName": "read",
    "meters": [{"name": READ.meters[0], "quantity": 253}],
}
_ANSWERS: Responses = {
    200: answer("What was used, by meter.", UsageReport, example=_EXAMPLE),
    500: errors({NOT_READABLE: "the output mount cannot be read"}),
}
_ANSWERS_OF_A_MONTH = _ANSWERS | {400: errors({NO_MONTH: "this is not a month"})}
# Patterns are for readers: what does not fit them is refused in the form of every error.
_MONTH = Path(description="its number", examples=["03"], json_schema_extra={"pattern": "^(0?[1-9]|1[0-2])$"})
_YEAR = Path(
    description="its four digits", examples=["2026"], json_schema_extra={"pattern": "^(19[789]|2[0-9]{2})[0-9]$"}
)


def usage_logs_routes(report: Callable[[Month | None], Response]) -> APIRouter:
    """All use, and that of one month; a month that is none is a bad request.

    One report is made at a time, on one thread: who asks for many keeps nobody from the rest.
    """
    router = APIRouter()
    one_at_a_time = CapacityLimiter(1)

    async def made(month: Month | None) -> Response:
        return await to_thread.run_sync(report, month, limiter=one_at_a_time)

    @router.get("/records/usage-logs", include_in_schema=False)
    @router.get("/records/usage-logs/", responses=_ANSWERS)
    async def usage() -> Response:
        """All usage recorded in the output mount."""
        return await made(None)

    @router.get("/records/usage-logs/{month}/{year}", responses=_ANSWERS_OF_A_MONTH)
    async def usage_of_month(
        month: Annotated[str, _MONTH],
        year: Annotated[str, _YEAR],
    ) -> Response:
        """The usage of one month, by its number and year: 03/2026."""
        try:
            wanted = Month.parse(f"{year}-{month.zfill(2)}")
        except BadCall as error:
            return flat(400, Refusal(NO_MONTH, error.message), request_id())
        return await made(wanted)

    return router
