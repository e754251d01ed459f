"""From files to the ledger: what is new is taken in, and what cannot be is kept apart."""
