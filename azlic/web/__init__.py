"""The site as a web page that only reads: what it looks at, who is let in, what it answers."""
