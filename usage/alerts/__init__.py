"""Alerts: what is wrong or soon will be, who has acknowledged it, and who was notified."""
