"""The ledger: its tables, its chain of batches, and the one writer that adds to them."""
