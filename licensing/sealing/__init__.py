"""Sealed content: an image's files, encrypted under keys that travel inside licenses."""
