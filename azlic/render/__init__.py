"""Answers in words and as fields, one module a noun."""
