"""Connected use at the vendor: what containers report to their billing endpoint, in the ledger with all other use."""
