"""What a row of the table of corrections is: a late record, or half of a correction by hand."""

LATE, REVERSAL, REPLACEMENT = "late", "reversal", "replacement"
KINDS = (LATE, REVERSAL, REPLACEMENT)
