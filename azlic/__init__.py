"""The command line of azlic: licenses and usage records of containers that have no network."""

__version__ = "0.1.0"
