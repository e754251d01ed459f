"""The one database: opened, brought to its schema, locked, read and written in whole transactions."""
