"""The audit: computes the ledger again, as a second computation on purpose; backups rely on it."""
