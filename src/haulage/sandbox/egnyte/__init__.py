"""Egnyte, simulated."""
