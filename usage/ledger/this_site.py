"""How this site itself is named where sites are: the ledger has no name for it."""

THIS_SITE = "-"
