"""Alerts: what is wrong or soon will be, who has taken note of it, and who was told."""
