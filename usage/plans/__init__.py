"""Commitment plans: the model, how they are stored, and what Azure says about them."""
