"""Renewals: the days on which something ends, and on which its renewal has to be started; as a calendar, RFC 5545."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import NamedTuple

from icalendar import Calendar, Event

from licensing.core.instants import iso
from licensing.core.text import printable
from usage.alerts.rules import Rules, before
from usage.alerts.state import PlanFact, State, UnreadableLedger


class CalendarEntry(NamedTuple):
    """A day in a calendar. ``name`` stays the same when the day moves, as it does with each renewal."""

    name: str
    at: datetime
    title: str
    text: str


def list_renewals(state: State, rules: Rules) -> tuple[CalendarEntry, ...]:
    """When each license and each plan that nothing follows has to be renewed, and when it ends, in order of days."""
    plans = () if isinstance(state.ledger, UnreadableLedger) else state.ledger.plans
    found = [*_licenses(state, rules), *_plans(plans, rules, state.now)]
    return tuple(sorted(found, key=lambda entry: (entry.at, entry.name)))


def _licenses(state: State, rules: Rules) -> Iterator[CalendarEntry]:
    for fact in state.licenses:
        term = fact.term
        if term is None:
            continue
        what = f"license for {fact.container}" if fact.container else "license"
        stated = ", as the operator stated" if term.issue is None else ""
        text = f"{fact.path}: it ends at {iso(term.expires_at)}{stated}."
        start = before(term.expires_at, rules.lead_days)
        yield CalendarEntry(f"license-renewal:{fact.path}", start, f"Start the renewal of the {what}", text)
        yield CalendarEntry(f"license-end:{fact.path}", term.expires_at, f"The {what} ends", text)
        if term.grace_ends_at > term.expires_at:
            grace = f"{fact.path}: its container stops at {iso(term.grace_ends_at)}."
            yield CalendarEntry(
                f"license-grace-end:{fact.path}", term.grace_ends_at, f"The grace of the {what} ends", grace
            )


def _plans(plans: Iterable[PlanFact], rules: Rules, now: datetime) -> Iterator[CalendarEntry]:
    for plan in plans:
        if plan.renews or plan.followed or plan.ends_at <= now:
            continue
        text = f"Plan {plan.title} ends at {iso(plan.ends_at)}, and no plan follows it."
        start = before(plan.ends_at, rules.lead_days)
        yield CalendarEntry(f"plan-renewal:{plan.name}", start, f"Buy what follows plan {plan.name}", text)
        yield CalendarEntry(f"plan-end:{plan.name}", plan.ends_at, f"Plan {plan.name} ends", text)


def calendar_file(entries: Iterable[CalendarEntry], *, site: str, now: datetime) -> bytes:
    """The entries as an iCalendar file: whole days in UTC, that take nobody's time.

    The same thing has the same UID in every file, and a higher SEQUENCE once its day has moved on, so that a calendar
    moves its entry instead of adding one.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//azlic//renewals//EN")
    calendar.add("version", "2.0")
    for entry in entries:
        event, day = Event(), _day(entry.at)
        event.add("uid", f"{hashlib.sha256(f'{site} {entry.name}'.encode(errors='surrogateescape')).hexdigest()}@azlic")
        event.add("dtstamp", now)
        event.add("dtstart", day)
        event.add("summary", entry.title + (f" ({site})" if site else ""))
        event.add("description", printable(entry.text))
        event.add("sequence", max(day.toordinal() - date(1970, 1, 1).toordinal(), 0))
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _day(instant: datetime) -> date:
    return instant.astimezone(UTC).date()
