"""Everything the conditions judge by, looked at once."""
