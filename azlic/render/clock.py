"""What speaks for and against this machine's clock, in words and as fields for a script."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from azlic.lines import joined, wrap
from azlic.output import style
from azlic.render.answer import Answer
from azlic.render.counts import counted_ahead_fields
from azlic.render.text import indented
from licensing.core.instants import iso
from licensing.verdict.seen import CLOCK_TOLERANCE, Seen, Witness, WitnessKind, strike_words
from usage.ledger.counted_ahead import CountedAhead

_TITLES = {
    WitnessKind.LICENSE: "License issued",
    WitnessKind.RECORD: "Usage record",
    WitnessKind.EVALUATION: "Answer given",
}


def clock_text(seen: Seen, now: datetime) -> str:
    """A line for the clock, one for each witness, and what follows from them."""
    why = seen.clock_behind(now)
    standing = style("SUSPECT", "red") if why else style("not behind anything seen", "green")
    lines = [f"{'Clock':<15} {iso(now)}  {standing}"]
    for kind in WitnessKind:
        found = [witness for witness in seen.witnesses if witness.kind is kind]
        lines += [f"{_TITLES[kind]:<15} {_witness(found[0], now)}" if found else f"{_TITLES[kind]:<15} none yet"]
        lines += [f"{'':<15} {witness.source}" for witness in found]
    if why:
        lines += ["", "A license is clock-suspect here until the clock is right: date -u, timedatectl.", *_BEYOND]
    if seen.strikes:
        lines += ["", "Struck by the ledger's owner:"]
        lines += [line for one in seen.strikes for line in indented(strike_words(one), hanging=2)]
    return joined(lines)


_BEYOND = (
    "Where the clock is right and a witness is wrong, the ledger's owner strikes it:",
    "azlic clock strike --reason TEXT; or the issuer signs a reset: azlic clock reset FILE.",
)


def struck_text(struck: Sequence[Witness], now: datetime, ahead: Sequence[CountedAhead] = ()) -> str:
    """What was struck, what it counts as since, and the usage that still counts ahead of the clock."""
    told = [f"struck: {one.kind.phrase} that had shown {iso(one.instant)} ({one.source})" for one in struck]
    told += [f"it counts as {iso(now)} from here on"]
    told += [f"still counted there: {one.words}: {one.look}" for one in ahead]
    told += ["azlic alerts says how to book that under its own day"] if ahead else []
    return joined([line for one in told for line in wrap(one, rest="  ")])


def _struck_fields(struck: Sequence[Witness], now: datetime, ahead: Sequence[CountedAhead] = ()) -> object:
    return {"struck": struck, "counts_as": now, "counted_ahead": counted_ahead_fields(ahead)}


STRUCK = Answer("azlic.strike/v1", struck_text, _struck_fields)


def _witness(witness: Witness, now: datetime) -> str:
    ahead = witness.instant - now
    instant = iso(witness.instant.replace(microsecond=0))
    return instant if ahead < timedelta(seconds=2) else f"{instant}  {_span(ahead)} ahead of the clock"


def _span(span: timedelta) -> str:
    for unit, length in (("days", timedelta(days=1)), ("hours", timedelta(hours=1)), ("minutes", timedelta(minutes=1))):
        if span >= 2 * length:
            return f"{span // length} {unit}"
    return f"{span.total_seconds():.0f} seconds"


def _clock_fields(seen: Seen, now: datetime) -> object:
    mark = seen.high_water
    return {
        "now": now,
        "suspect": seen.clock_behind(now) is not None,
        "tolerance_seconds": CLOCK_TOLERANCE // timedelta(seconds=1),
        "high_water": mark.instant if mark else None,
        "witnesses": seen.witnesses,
        "strikes": seen.strikes,
    }


CLOCK = Answer("azlic.clock/v1", clock_text, _clock_fields)
