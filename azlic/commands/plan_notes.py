"""What is said behind every change of plans: from which month on it counts."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from azlic import output

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


@contextlib.contextmanager
def changing_plans(ledger: "Engine") -> "Iterator[Connection]":
    """A transaction that may change plans. Where it did, and months are closed, it says since when that counts."""
    from licensing.db.database import writing
    from licensing.db.readonly import view_of
    from usage.plans.book import first_month_changed, read_first_open_month
    from usage.plans.read import read_plans

    with writing(ledger) as connection:
        view = view_of(connection)
        before = read_plans(view)
        yield connection
        first = first_month_changed(before, read_plans(view))
        open_since = read_first_open_month(view)
    if first is None or open_since is None:
        return
    if first > open_since:
        output.tell(f"note: it counts from {first} on")
    else:
        output.tell(f"note: it counts from {open_since} on; the months before are closed and stay as billed")
