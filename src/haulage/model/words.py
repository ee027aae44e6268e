"""Numbers and names as people read them."""

import unicodedata
from datetime import UTC, datetime, timedelta

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def hidden(character: str) -> bool:
    """Whether a character is not seen or changes how others are seen: control, direction, zero width, unassigned."""
    return (not character.isascii() and unicodedata.category(character) in _HIDDEN) or not (" " <= character != "\x7f")


def printable(text: str) -> str:
    """Text for a terminal: control and direction characters of names shown, never obeyed."""
    return "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in text)


def size_text(count: float) -> str:
    """Bytes for people: 999 B, 1.5 KiB, 2.0 GiB."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if count < 1024 or unit == "TiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError("the loop returns")


def time_text(seconds: float) -> str:
    """A duration for people: 42 s, 3 min 5 s, 2 h 10 min."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def until_text(seconds: float) -> str:
    """The time of day when so many seconds are over, with the day where that is not today: 14:02:11 UTC."""
    now = datetime.now(UTC)
    then = now + timedelta(seconds=seconds)
    return f"{then:%H:%M:%S} UTC" if then.date() == now.date() else f"{then:%Y-%m-%d %H:%M:%S} UTC"
