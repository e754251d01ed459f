"""The issuer: its book of resources, its rules, its keys and statements, and the desk and server that answer."""
