"""Paths below a root, and the names of our own unfinished files."""

import hashlib
import re
import secrets

from haulage.model.errors import NameRefused

UNFINISHED = re.compile(r"\.haulage-[0-9a-f]{32}\.(?:part|parts|probe)")
"""The names of our unfinished files and folders; such a name is never listed and never accepted."""


def hidden_name(attempt: str | None = None, ending: str = "part") -> str:
    """The name of an unfinished file: of this attempt, or one that nobody can guess."""
    known = secrets.token_hex(16) if attempt is None else hashlib.sha256(attempt.encode()).hexdigest()[:32]
    return f".haulage-{known}.{ending}"


def parts_of(path: str) -> list[str]:
    """The parts of a path below the root; "" has none. Raises NameRefused for what could stand below no root."""
    parts = path.split("/") if path else []
    for part in parts:
        if part in ("", ".", "..") or "\0" in part or UNFINISHED.fullmatch(part):
            raise NameRefused(f"{path!r} is no path below a folder")
    try:
        path.encode()
    except UnicodeEncodeError:
        raise NameRefused(f"{path!r} cannot be written as UTF-8") from None
    return parts


def above(path: str) -> str:
    """The folder that holds it; "" is the root."""
    return path.rpartition("/")[0]
