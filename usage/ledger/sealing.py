"""Sealing what a transaction changed: its entries get a batch of their own, where it makes no other."""

from sqlalchemy import Connection

from usage.ledger.batch_log import BatchChain


def seal_changes(connection: Connection) -> None:
    """Chain what the transaction touched and no batch of it has booked yet.

    Called at the end of every transaction that touched a booked table (``licensing.db.changes``).
    """
    BatchChain(connection).seal_changes(connection)
