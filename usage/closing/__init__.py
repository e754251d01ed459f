"""Closing a month, and its blockers."""
