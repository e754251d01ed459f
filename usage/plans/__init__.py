"""Commitment plans: the model, the book they stand in, and what Azure says of them."""
