"""The monthly report, the burn-down and the forecast."""
