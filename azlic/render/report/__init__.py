"""The monthly report in each of its formats."""
