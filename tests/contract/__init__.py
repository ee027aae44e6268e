"""One suite that every service passes. See README.md for how a new one joins."""
