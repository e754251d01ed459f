"""The documented usage routes, for one container and for a whole site alike.

Source: facts §2.1 (``/records/usage-logs/`` and ``/records/usage-logs/{MONTH}/{YEAR}``).
"""

from collections.abc import Callable

from fastapi import APIRouter, Response

from licensing.core.errors import BadCall
from licensing.core.http_json import EscapedJSONResponse
from usage.months import Month


def usage_logs_routes(report: Callable[[Month | None], Response]) -> APIRouter:
    """All use, and that of one month; a month that is none is a bad request."""
    router = APIRouter()

    @router.get("/records/usage-logs", include_in_schema=False)
    @router.get("/records/usage-logs/")
    def usage() -> Response:
        """All usage recorded in the output mount."""
        return report(None)

    @router.get("/records/usage-logs/{month}/{year}")
    def usage_of_month(month: str, year: str) -> Response:
        """The usage of one month, by its number and year: 03/2026."""
        try:
            wanted = Month.parse(f"{year}-{month.zfill(2)}")
        except BadCall as error:
            return EscapedJSONResponse({"code": "InvalidArgument", "message": error.message}, 400)
        return report(wanted)

    return router
