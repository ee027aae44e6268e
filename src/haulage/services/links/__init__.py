"""Connections that one logs in to once and uses for many calls: what SFTP and FTP share. No protocol is known here."""

from haulage.services.links.layers import Link, Links, Progress
from haulage.services.links.leaving import lastly
from haulage.services.links.names import UNFINISHED, hidden_name, parts_of
from haulage.services.links.pages import Pages
from haulage.services.links.server import Server, read_server

__all__ = [
    "UNFINISHED",
    "Link",
    "Links",
    "Pages",
    "Progress",
    "Server",
    "hidden_name",
    "lastly",
    "parts_of",
    "read_server",
]
