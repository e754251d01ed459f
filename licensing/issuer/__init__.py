"""The issuer: its store of resources, its rules, its keys and statements, and the desk and server that answer."""
