"""When the next renewal has to be started, so that it is here in time."""

from datetime import datetime, timedelta

from licensing.verdict.verdict import Verdict

LEAD_DAYS = 60
"""How long buying a commitment and carrying the new license in takes, unless the site says otherwise."""


def renewal_starts_at(verdict: Verdict, lead_days: int = LEAD_DAYS) -> datetime | None:
    """The instant by which the renewal should be started; None where no license was verified or adopted.

    It lies ``lead_days`` before the license or the commitment ends, whichever is first, and is never later than
    the warning: who is warned is already renewing. Grace is not counted on. Of an adopted license only the end that
    the operator stated is known.
    """
    if verdict.expires_at is None:
        return None
    ends = min(verdict.expires_at, verdict.license.plan.ends_at) if verdict.license else verdict.expires_at
    start = ends - timedelta(days=lead_days)
    return min(start, verdict.warn_from or start)
