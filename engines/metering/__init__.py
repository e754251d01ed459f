"""How much was delivered: an engine names its meter and an exact quantity, and it is kept before the work leaves."""
