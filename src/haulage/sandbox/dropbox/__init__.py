"""Dropbox, simulated."""
