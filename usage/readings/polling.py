"""Pull: ask a container for its usage, over everything and month by month, as its documentation describes.

Source: facts/azure-disconnected §2.1. The container is on the plant's own network: plain HTTP is normal here.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import httpx
from sqlalchemy import Connection

from licensing.core.errors import BadCall
from licensing.core.text import from_outside
from licensing.core.web_address import has_only_a_path, parse_web_address
from usage.months import Month
from usage.plans.store import list_plans
from usage.readings.inbox import EARLIEST, Arrival, check_month
from usage.records.usage_logs import MAX_BYTES, UnusableBody

PATH = "/records/usage-logs/"


class Patience(NamedTuple):
    """How long an answer is waited for: while nothing comes, and in all."""

    silence_seconds: float = 10.0
    longest_seconds: float = 30.0


PATIENCE = Patience()

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Failure:
    """A report that could not be had: of which month (None is everything), and why."""

    month: Month | None
    reason: str

    @property
    def what(self) -> str:
        """What was asked for, for people."""
        return str(self.month) if self.month else "all time"


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a container answered, and what it did not."""

    arrivals: tuple[Arrival, ...]
    failures: tuple[Failure, ...]


class _NoReport(Exception):
    """An address gives no report; the text says why. ``hopeless`` where no other will do better."""

    def __init__(self, reason: str, *, hopeless: bool = False) -> None:
        super().__init__(reason)
        self.hopeless = hopeless


def months_to_read(connection: Connection, now: datetime) -> list[Month]:
    """Every month from the first that a plan covers up to this one; without a plan, the last month and this one."""
    this = Month.of(now)
    started = [Month.of(plan.starts_at) for plan in list_plans(connection) if plan.starts_at <= now]
    months = [max(min(started), EARLIEST) if started else Month.of(this.starts_at - timedelta(days=1))]
    while months[-1] < this:
        months.append(months[-1].next)
    return months


def pull(
    url: str,
    months: Sequence[Month],
    *,
    clock: Callable[[], datetime],
    progress: Progress | None = None,
    patience: Patience = PATIENCE,
) -> Pulled:
    """Ask the container at ``url`` for everything and for each month; what it cannot answer is named, the rest is had.

    Everything comes first: what is used in between is then in the months, and never missing from them. ``progress``
    hears what is asked for, the number of the question, and how many there are. No redirect is followed, no proxy
    used; an answer has at most 1 MiB and 30 seconds. Raises ``BadCall`` for an address or a month that
    is invalid.
    """
    base = _base(url)
    for wanted in months:
        check_month(wanted, taken_at=clock())
    arrivals: list[Arrival] = []
    failures: list[Failure] = []
    asked: list[Month | None] = [None, *months]
    with httpx.Client(timeout=patience.silence_seconds, trust_env=False, follow_redirects=False) as client:
        for number, month in enumerate(asked, start=1):
            if progress is not None:
                progress(str(month or "all time"), number, len(asked))
            address = base + (f"{month.month:02}/{month.year}" if month else "")
            try:
                content = _get(client, address, patience)
                arrivals.append(Arrival.of(content, month=month, origin=address, taken_at=clock()))
            except UnusableBody as error:
                failures.append(
                    Failure(month, f"{address} answered with something that is not a usage report: {error}")
                )
            except _NoReport as error:
                failures.append(Failure(month, f"{address}: {error}"))
                if error.hopeless:
                    break
    return Pulled(tuple(arrivals), tuple(failures))


def _base(url: str) -> str:
    """The address of the report of everything. Raises ``BadCall``."""
    parsed = parse_web_address(url)
    if parsed is None:
        raise BadCall("that is not a valid container address", hint="write it as http://HOST:5000")
    if not has_only_a_path(parsed):
        raise BadCall(
            "the address contains a password or a query, and addresses are kept in the ledger",
            hint="write it as http://HOST:5000",
        )
    return url.rstrip("/").removesuffix(PATH.rstrip("/")).rstrip("/") + PATH


def _get(client: httpx.Client, address: str, patience: Patience) -> bytes:
    """The answer's bytes, as they were sent. Raises ``_NoReport``."""
    deadline = time.monotonic() + patience.longest_seconds
    try:
        with client.stream("GET", address, headers={"Accept-Encoding": "identity"}) as response:
            if response.status_code != httpx.codes.OK:
                phrase = from_outside(response.reason_phrase, length=80)
                raise _NoReport(f"it answered {response.status_code} {phrase}".rstrip())
            return _read_capped(response.iter_raw(), deadline, patience)
    except (httpx.ConnectError, httpx.ConnectTimeout, UnicodeError) as error:
        raise _NoReport(from_outside(error) or "nothing answers there", hopeless=True) from error
    except httpx.TimeoutException as error:
        raise _NoReport(f"it sent nothing for {patience.silence_seconds:.0f} seconds") from error
    except httpx.HTTPError as error:
        raise _NoReport(from_outside(error) or type(error).__name__) from error


def _read_capped(chunks: Iterable[bytes], deadline: float, patience: Patience) -> bytes:
    content = b""
    for chunk in chunks:
        content += chunk
        if len(content) > MAX_BYTES:
            raise _NoReport(f"its answer is larger than {MAX_BYTES:,} bytes")
        if time.monotonic() > deadline:
            raise _NoReport(f"its answer took longer than {patience.longest_seconds:.0f} seconds")
    return content
