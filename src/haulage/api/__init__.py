"""The HTTP API: the same operations for programs, by tokens."""
