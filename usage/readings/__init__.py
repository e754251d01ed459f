"""Readings: what Microsoft's containers report of their own usage, and how it becomes records."""
