"""Haulage moves files from one storage service to another and proves that everything arrived."""

__version__ = "0.1.0"
