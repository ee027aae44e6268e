"""Dropbox's names and times."""

import functools
import re
import unicodedata
from datetime import UTC, datetime

LONGEST_NAME = 255
DISALLOWED = frozenset({"desktop.ini", "thumbs.db", ".ds_store", "icon\r", ".dropbox", ".dropbox.attr"})
UNFIT = re.compile(r"[\x00/\\\x7f]")
OLD = unicodedata.ucd_3_2_0


def _lower(letter: str) -> str:
    if letter == "\u0130":
        return "i"
    small = letter.lower()
    return small if len(small) == 1 and OLD.category(letter) != "Cn" else letter


@functools.lru_cache(1 << 14)
def key_of(name: str) -> str:
    """What makes two names the same: each letter in lower case, as Python 2.5 knew letters; nothing is normalised.

    Source: maestral issues 409 and 410. A final sigma stays an ordinary one, and letters younger than Unicode 4 stay
    as they are.
    """
    return name.lower() if name.isascii() else "".join(map(_lower, name))


def stored(name: str) -> str:
    """The name as Dropbox keeps it: composed (NFC)."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def name_error(name: str) -> str:
    """Why Dropbox does not take the name, as the tag of a WriteError; "" if it does."""
    if not name or len(name) > LONGEST_NAME or name in (".", "..") or name.endswith(" ") or UNFIT.search(name):
        return "malformed_path"
    return "disallowed_name" if name.lower() in DISALLOWED else ""


@functools.lru_cache(1 << 16)
def _dated(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def dated(seconds: float) -> str:
    """A time as Dropbox writes it: whole seconds, UTC."""
    return _dated(int(seconds))


def read_date(text: str) -> float | None:
    """A time as Dropbox demands it, `YYYY-MM-DDTHH:MM:SSZ`; None for anything else."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def numbered(name: str, number: int) -> str:
    """A free name beside one that is taken: `document (1).txt`."""
    stem, dot, ending = name.rpartition(".")
    return f"{stem} ({number}){dot}{ending}" if stem else f"{name} ({number})"
