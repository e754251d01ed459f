"""Closing a month, and what stands against it."""
