"""Box's ways to write names, times and ids."""

import calendar
import functools
import re
from datetime import UTC, datetime, timedelta

from haulage.sandbox.box.errors import refuse
from haulage.sandbox.frame.wire import Call

LONGEST_NAME = 255
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f/\\]")
WEST = -8 * 3600


def name_error(name: str) -> str:
    """Why Box does not take the name ("item_name_invalid" ...), "" if it does.

    Source: support.box.com/hc/articles/360044196773; rclone's tests found leading spaces and `<>:|?*"` to be fine.
    """
    if len(name) > LONGEST_NAME:
        return "item_name_too_long"
    if not name or name in (".", "..") or name.endswith(" ") or UNPRINTABLE.search(name):
        return "item_name_invalid"
    return ""


def check_name(call: Call, name: object) -> str:
    """The name, if it is one. Raises Refusal."""
    if not isinstance(name, str):
        raise refuse(call, 400, "item_name_invalid")
    if code := name_error(name):
        raise refuse(call, 400, code)
    return name


def key_of(name: str) -> str:
    """What makes two names the same within a folder: their letters in any case."""
    return name.lower()


def _sunday(year: int, month: int, which: int) -> float:
    """The which-th Sunday of a month, at 2 o'clock in the west of the United States, before any shift."""
    first = datetime(year, month, 1, tzinfo=UTC)
    day = 1 + (6 - first.weekday()) % 7 + 7 * (which - 1)
    return calendar.timegm((year, month, day, 2, 0, 0)) - WEST


@functools.lru_cache(1 << 16)
def _dated(seconds: int) -> str:
    year = datetime.fromtimestamp(seconds, UTC).year
    summer = _sunday(year, 3, 2) <= seconds < _sunday(year, 11, 1) - 3600
    offset = WEST + 3600 * summer
    return f"{datetime.fromtimestamp(seconds, UTC) + timedelta(seconds=offset):%Y-%m-%dT%H:%M:%S}-0{-offset // 3600}:00"


def dated(seconds: float) -> str:
    """A time as Box writes it: whole seconds, in the enterprise's time zone, whose offset changes with the season."""
    return _dated(int(seconds))


def read_date(call: Call, text: object, name: str) -> float:
    """A time as clients write it (RFC 3339). Raises Refusal; nothing is before 1970."""
    try:
        seconds = datetime.fromisoformat(str(text).replace("Z", "+00:00")).timestamp()
    except ValueError:
        raise refuse(call, 400, "bad_request", f"{name}: {text!r} is no date") from None
    return max(seconds, 0.0)
