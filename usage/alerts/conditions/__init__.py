"""The conditions: pure functions from the state to alerts."""
