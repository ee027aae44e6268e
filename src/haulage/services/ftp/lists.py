"""Listings: machine-readable facts (MLSD), and the tables that servers print for people (LIST). Pure functions."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec

_UNIX = re.compile(
    rb"(?P<kind>[-dlbcpsD])[-rwxsStTlL]{9}[+.@]?\s+(?:\d+\s+)?(?:\S+\s+){1,2}?(?P<size>\d+)(?:,\s*\d+)?\s+"
    rb"(?P<month>[A-Za-z]{3})\s+(?P<day>\d{1,2})\s+(?P<when>\d{1,2}:\d{2}|\d{4}) (?P<name>.+)",
    re.DOTALL,
)
_WINDOWS = re.compile(
    rb"(?P<date>\d{2}[-/]\d{2}[-/]\d{2,4})\s+(?P<time>\d{1,2}:\d{2}\s?[AaPp]?[Mm]?)\s+"
    rb"(?P<size><DIR>|<JUNCTION>|[\d,.]+) +?(?P<name>\S.*)",
    re.DOTALL,
)
_MONTHS = {name: number for number, name in enumerate(
    (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"), 1
)}  # fmt: skip


class Entry(msgspec.Struct, frozen=True):
    """One line. kind: "file", "dir", or what else it is ("symlink", "device"). time: "" where it is not told exactly.

    time: fourteen digits, UTC. guess_us: what a table for people seems to say, in the server's own time zone.
    """

    name: bytes
    kind: str
    size: int | None = None
    time: str = ""
    unique: str = ""
    leads: bytes = b""
    guess_us: int | None = None


class Unreadable(Exception):
    """A line that is neither a format we know nor known to be no entry."""


def facts(line: bytes) -> Entry | None:
    """One line of MLSD or MLST (RFC 3659); None for the folder itself and its parent. Raises Unreadable."""
    told, space, name = line.partition(b" ")
    if not space or not name:
        raise Unreadable(line[:200])
    found = {}
    for fact in told.split(b";"):
        key, equals, value = fact.partition(b"=")
        if equals:
            found[key.lower()] = value
    kind = found.get(b"type", b"file").lower()
    if kind in (b"cdir", b"pdir") or name in (b".", b".."):
        return None
    size = found.get(b"size", b"")
    time = found.get(b"modify", b"").decode("ascii", "replace").partition(".")[0]
    return Entry(
        name,
        _kind(kind),
        int(size) if size.isdigit() else None,
        time if re.fullmatch(r"\d{14}", time) else "",
        found.get(b"unique", b"").decode("ascii", "replace"),
        kind.partition(b":")[2] if b"link" in kind else b"",
    )


def _kind(told: bytes) -> str:
    if told in (b"file", b"dir"):
        return told.decode()
    return "symlink" if b"link" in told else "device"


def table(lines: Iterable[bytes], now: datetime) -> Iterator[Entry]:
    """The lines of LIST, as Unix servers or those of Windows print them. Raises Unreadable."""
    for raw in lines:
        line = raw.rstrip(b"\r\n")
        if not line.strip() or re.match(rb"total\s+\d+\s*$", line):
            continue
        entry = _unix(line, now) or _windows(line, now)
        if entry is None:
            raise Unreadable(line[:200])
        yield entry


def _unix(line: bytes, now: datetime) -> Entry | None:
    found = _UNIX.fullmatch(line)
    if found is None or found["month"].lower() not in _MONTHS:
        return None
    kind = {b"-": "file", b"d": "dir", b"l": "symlink"}.get(found["kind"], "device")
    name, leads = found["name"], b""
    if kind == "symlink":
        name, _, leads = name.partition(b" -> ")
    guess = _guess(found["month"], int(found["day"]), found["when"], now)
    return Entry(name, kind, int(found["size"]) if kind == "file" else None, leads=leads, guess_us=guess)


def _guess(month: bytes, day: int, when: bytes, now: datetime) -> int | None:
    """Without a year it is the last such day that was; a day ahead of us may be the server's time zone."""
    try:
        if b":" not in when:
            return _us(datetime(int(when), _MONTHS[month.lower()], day, tzinfo=UTC))
        hour, minute = when.split(b":")
        found = datetime(now.year, _MONTHS[month.lower()], day, int(hour), int(minute), tzinfo=UTC)
        if found > now + timedelta(days=1):
            found = found.replace(year=now.year - 1)
        return _us(found)
    except ValueError:
        return None  # the 29th of February, or no time at all: the rest of the line stays true


def _windows(line: bytes, now: datetime) -> Entry | None:
    found = _WINDOWS.fullmatch(line)
    if found is None:
        return None
    folder = found["size"].startswith(b"<")
    size = None if folder else int(re.sub(rb"[,.]", b"", found["size"]))
    return Entry(found["name"], "dir" if folder else "file", size, guess_us=_windows_time(found["date"], found["time"]))


def _windows_time(date: bytes, time: bytes) -> int | None:
    month, day, year = (int(part) for part in re.split(rb"[-/]", date))
    year += 0 if year > 99 else 1900 if year >= 70 else 2000
    text = time.replace(b" ", b"").upper()
    hour, minute = (int(part) for part in text.rstrip(b"APM").split(b":"))
    if text.endswith(b"PM") and hour < 12:
        hour += 12
    elif text.endswith(b"AM") and hour == 12:
        hour = 0
    try:
        return _us(datetime(year, month, day, hour, minute, tzinfo=UTC))
    except ValueError:
        return None


def _us(when: datetime) -> int:
    return int(when.timestamp()) * 1_000_000


def time_us(digits: str) -> int:
    """Microseconds of fourteen digits, UTC. Raises ValueError."""
    return _us(datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC))


def digits_of(modified_us: int) -> str:
    """Fourteen digits, UTC. Raises ValueError outside the years 1 to 9999."""
    try:
        when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=modified_us // 1_000_000)
    except OverflowError as error:
        raise ValueError(f"{modified_us} is no time of four-digit years") from error
    return f"{when.year:04}{when:%m%d%H%M%S}"
