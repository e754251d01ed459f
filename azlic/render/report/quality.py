"""How sound a report is: who reported when, and what was excluded from the numbers."""

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from azlic.lines import joined, wrap
from azlic.render.table import columns, indent
from azlic.render.text import indented
from azlic.render.words import open_counts, other_counts
from licensing.verdict.seen import Strike, strike_words
from usage.reporting.activity import Activity, ContainerActivity
from usage.reporting.quality import Quality


def containers_lines(containers: Sequence[ContainerActivity]) -> list[RenderableType]:
    """Each container with its last record, and which of them are silent; the rule stands below."""
    table = columns("~site", "~container", "last record", ">days quiet", ">habit", "")
    present = [one for one in containers if one.standing is not Activity.GONE]
    words = {Activity.SILENT: "SILENT", Activity.NEW: "new"}
    for one in present:
        habit = "-" if one.habit is None else f"{one.habit}"
        row = (one.site or "-", one.container_id, f"{one.last_at:%Y-%m-%d %H:%M}", f"{one.quiet_days}", habit)
        style = "yellow" if one.standing is Activity.SILENT else ""
        table.add_row(*row, words.get(one.standing, ""), style=style)
    gone = len(containers) - len(present)
    notes = ["  Habit: the longest pause, in days, in the 13 weeks up to the last record."]
    notes += ["  SILENT: quiet for longer than that."]
    notes += [f"  {gone:,} more had no record for 13 weeks."] if gone else []
    return [Text("Containers", style="bold"), indent(table), Text(joined(notes))]


def quality_lines(quality: Quality) -> Text:
    """What was kept out of the numbers, and every doubt about their sources."""
    settled = _lines(other_counts(quality))
    if quality.clean:
        return Text(joined(["Quality: nothing was excluded from these numbers.", *settled]))
    meters = [f"    {meter}" for meter in quality.unmapped_meters]
    heading = "Quality: look into this before you rely on the numbers."
    return Text(joined([heading, *_lines(open_counts(quality)), *meters, *settled]), style="yellow")


def strike_lines(strikes: Sequence[Strike]) -> list[RenderableType]:
    """The witnesses of the clock that were struck in the month."""
    lines = [line for one in strikes for line in indented(strike_words(one), hanging=2)]
    return [Text(joined(["", "Struck witnesses of the clock", *lines]))] if lines else []


def _lines(counts: Sequence[tuple[int, str]]) -> list[str]:
    return [line for count, what in counts for line in wrap(what, f"  {count:>9,}  ", " " * 13)]
