"""Connectors, driven against the sandbox's sign-in servers: by the operations, by the program, and by a browser."""
