"""Renewals: the days on which something ends, and on which its renewal has to be started; as a calendar, RFC 5545."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from icalendar import Alarm, Calendar, Event, vDatetime, vInt, vText

from licensing.core.instants import iso
from licensing.core.text import printable
from licensing.verdict.verdict import Status
from usage.alerts.rules import Rules, before
from usage.alerts.state import PlanFact, RefusedLicense, State, UnreadableLedger

_EPOCH = datetime(2015, 1, 1, tzinfo=UTC)
_NINE = timedelta(hours=9)
"""Reminders are at nine in the morning of the day."""
_SAID = ("DTSTART", "SUMMARY", "DESCRIPTION", "STATUS")


class CalendarEntry(NamedTuple):
    """A day in a calendar. ``name`` stays the same when the day moves, as it does with each renewal."""

    name: str
    at: datetime
    title: str
    text: str
    cancelled: bool = False


def list_renewals(state: State, rules: Rules) -> tuple[CalendarEntry, ...]:
    """When each license and each plan that nothing follows has to be renewed, and when it ends, in order of days."""
    plans = () if isinstance(state.ledger, UnreadableLedger) else state.ledger.plans
    found = [*_licenses(state, rules), *_plans(plans, rules, state.now)]
    return tuple(sorted(found, key=lambda entry: (entry.at, entry.name)))


class Unknown(NamedTuple):
    """What could not be looked at, so that nothing says whether its entries still stand: some names, or anything."""

    names: frozenset[str] = frozenset()
    anything: bool = False


KNOWN = Unknown()
"""Everything could be looked at."""


def list_unknown(state: State) -> Unknown:
    """The entries of licenses that are there and say nothing of their end; anything, where the ledger says nothing."""
    unread = [fact.path for fact in state.licenses if fact.term is None and fact.status is not Status.MISSING]
    names = frozenset(f"license-{day}:{path}" for path in unread for day in ("renewal", "end", "grace-end"))
    return Unknown(names, anything=isinstance(state.ledger, UnreadableLedger))


def _licenses(state: State, rules: Rules) -> Iterator[CalendarEntry]:
    for fact in state.licenses:
        term = fact.term
        if term is None:
            if isinstance(fact, RefusedLicense) and fact.status is Status.MISSING:
                yield from _cancelled(fact.path, state.now)
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


def _cancelled(path: str, now: datetime) -> Iterator[CalendarEntry]:
    """The entries of a license that was there and is gone, to be taken out of the calendar."""
    text = f"{path}: there is no license any more."
    for name, title in (("renewal", "Start the renewal of the license"), ("end", "The license ends")):
        yield CalendarEntry(f"license-{name}:{path}", now, title, text, cancelled=True)


def _plans(plans: Iterable[PlanFact], rules: Rules, now: datetime) -> Iterator[CalendarEntry]:
    for plan in plans:
        if plan.renews or plan.followed or plan.ends_at <= now:
            continue
        text = f"Plan {plan.title} {plan.ending}"
        start = before(plan.ends_at, rules.lead_days)
        yield CalendarEntry(f"plan-renewal:{plan.name}", start, f"Buy what follows plan {plan.name}", text)
        yield CalendarEntry(f"plan-end:{plan.name}", plan.ends_at, f"Plan {plan.name} ends", text)


def calendar_file(
    entries: Iterable[CalendarEntry], *, site: str, now: datetime, earlier: bytes = b"", unknown: Unknown = KNOWN
) -> bytes:
    """The entries as an iCalendar file: whole days in UTC, that take nobody's time, each with a reminder.

    The same thing has the same UID in every file, so that a calendar moves its entry instead of adding one. Its
    SEQUENCE rises with every change, whichever way the day moves. ``earlier`` is the file that this one replaces: what
    did not change since stays as it was, and what is there no more is cancelled, unless it is ``unknown``.
    """
    before = {str(event["UID"]): event for event in _events(earlier)}
    calendar = Calendar()
    calendar.add("prodid", "-//azlic//renewals//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for entry in entries:
        event = _event(entry, site, now)
        calendar.add_component(_succeed(before.pop(str(event["UID"]), None), event))
    kept = {_uid(name, site) for name in unknown.names}
    for uid, event in before.items():
        calendar.add_component(event if unknown.anything or uid in kept else _without(event, now))
    return bytes(calendar.to_ical())


def _events(content: bytes) -> list[Event]:
    """The events of a file that was written before; none where it is no calendar."""
    lines = re.sub("\r?\n[ \t]", "", content.decode(errors="replace")).replace("\r\n", "\n").split("\n")
    try:
        found = Calendar.from_ical("\r\n".join(map(printable, lines))) if content else Calendar()
    except ValueError:
        return []
    return [event for event in found.walk("VEVENT") if isinstance(event, Event) and {"UID", "SEQUENCE"} <= set(event)]


def _uid(name: str, site: str) -> str:
    return f"{hashlib.sha256(f'{site} {name}'.encode(errors='surrogateescape')).hexdigest()}@azlic"


def _event(entry: CalendarEntry, site: str, now: datetime) -> Event:
    event = Event()
    event.add("uid", _uid(entry.name, site))
    event.add("dtstamp", now)
    event.add("dtstart", entry.at.astimezone(UTC).date())
    event.add("summary", printable(entry.title + (f" ({site})" if site else "")))
    event.add("description", printable(entry.text))
    event.add("sequence", _sequence(now))
    event.add("status", "CANCELLED" if entry.cancelled else "CONFIRMED")
    event.add("transp", "TRANSPARENT")
    if not entry.cancelled:
        event.add_component(_reminder(entry))
    return event


def _reminder(entry: CalendarEntry) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", printable(entry.title))
    alarm.add("trigger", _NINE)
    return alarm


def _succeed(earlier: Event | None, event: Event) -> Event:
    """The event as it follows an earlier one: that one itself where it says the same."""
    if earlier is None:
        return event
    if str(event["STATUS"]) == str(earlier.get("STATUS")) == "CANCELLED":
        return earlier
    if all(earlier.get(name) == event[name] for name in _SAID) and earlier.walk("VALARM") == event.walk("VALARM"):
        return earlier
    event["SEQUENCE"] = vInt(max(_number(earlier) + 1, _number(event)))
    return event


def _without(earlier: Event, now: datetime) -> Event:
    """An event that is there no more."""
    if earlier.get("STATUS") == "CANCELLED":
        return earlier
    event = Event(earlier)
    event["STATUS"] = vText("CANCELLED")
    event["DTSTAMP"] = vDatetime(now)
    event["SEQUENCE"] = vInt(max(_number(earlier) + 1, _sequence(now)))
    return event


def _number(event: Event) -> int:
    return int(str(event["SEQUENCE"]))


def _sequence(now: datetime) -> int:
    """A number that no file written before has: the seconds since 2015, of which 31 bits hold 68 years."""
    return (now - _EPOCH) // timedelta(seconds=1)
