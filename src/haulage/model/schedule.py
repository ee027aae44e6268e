"""When a transfer runs again by itself."""

import re
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec

from haulage.model.errors import Refused


class Every(StrEnum):
    """How often."""

    HOUR = "hourly"
    DAY = "daily"
    WEEK = "weekly"
    MONTH = "monthly"


WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


LAST = "last"
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})")


def clock(minute: int) -> str:
    """A minute of the day as clocks show it."""
    return f"{minute // 60:02}:{minute % 60:02}"


def minutes_of(text: str) -> int:
    """The minute of the day that a clock shows. Raises Refused."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise Refused(f"{text[:20]!r} is no time of the day", "Write one such as 20:00.")
    return int(found[1]) * 60 + int(found[2])


def window_of(text: str) -> tuple[int, int]:
    """The minutes of the day at which hours such as 20:00-06:00 open and close. Raises Refused."""
    opens, dash, closes = text.partition("-")
    if not dash:
        raise Refused(f"{text[:20]!r} are no hours", "Write them such as 20:00-06:00.")
    return minutes_of(opens), minutes_of(closes)


def day_of(every: Every, text: str) -> int:
    """The day of the week or the month that somebody writes; others have none. Raises Refused."""
    word, days = text.strip().casefold(), {name.casefold(): day for day, name in enumerate(WEEKDAYS, 1)}
    if every == Every.WEEK and word in days:
        return days[word]
    if every == Every.MONTH and word == LAST:
        return 31
    if every == Every.MONTH and word.isascii() and word.isdigit() and 1 <= int(word) <= 31:
        return int(word)
    wanted = {Every.WEEK: "a day of the week such as Monday", Every.MONTH: "a day of the month from 1 to 31, or last"}
    if every not in wanted:
        raise Refused(f"what is {every.value} has no day", "Leave the day out, or have it weekly or monthly.")
    raise Refused(f"{text[:20]!r} is not {wanted[every]}", "Write such a day.")


class Timing(msgspec.Struct, frozen=True):
    """When: minute of the hour, hour of the day, day of the week (1 is Monday) or of the month, in an IANA zone.

    What `every` makes meaningless is not looked at. A day of the month after the 28th is its last day.
    """

    every: Every
    minute: int = 0
    hour: int = 0
    day: int = 1
    zone: str = "UTC"

    def plain(self) -> "Timing":
        """The same times, without what they do not depend on."""
        match self.every:
            case Every.HOUR:
                return Timing(self.every, self.minute, zone=self.zone)
            case Every.DAY:
                return Timing(self.every, self.minute, self.hour, zone=self.zone)
            case Every.WEEK:
                return self
            case Every.MONTH:
                return Timing(self.every, self.minute, self.hour, 31 if self.day > 28 else self.day, self.zone)

    def cron(self) -> str:
        """As an expression of cron."""
        match self.every:
            case Every.HOUR:
                return f"{self.minute} * * * *"
            case Every.DAY:
                return f"{self.minute} {self.hour} * * *"
            case Every.WEEK:
                return f"{self.minute} {self.hour} * * {self.day % 7}"
            case Every.MONTH:
                return f"{self.minute} {self.hour} {'L' if self.day > 28 else self.day} * *"

    def words(self) -> str:
        """In words."""
        at = f"{clock(self.hour * 60 + self.minute)} ({self.zone})"
        match self.every:
            case Every.HOUR:
                return f"hourly, at {self.minute:02} past"
            case Every.DAY:
                return f"daily at {at}"
            case Every.WEEK:
                return f"weekly, {WEEKDAYS[self.day - 1]} at {at}"
            case Every.MONTH:
                day = "the last day" if self.day > 28 else f"day {self.day}"
                return f"monthly, {day} at {at}"


def day_words(timing: Timing) -> str | None:
    """The day as `day_of` takes it; None where there is none."""
    match timing.every:
        case Every.WEEK:
            return WEEKDAYS[timing.day - 1]
        case Every.MONTH:
            return LAST if timing.day > 28 else str(timing.day)
        case _:
            return None


MINUTE_US = 60_000_000
DAY_MINUTES = 24 * 60
LOOKED_AHEAD_DAYS = 9
SATURDAY = 6


class Hours(msgspec.Struct, frozen=True):
    """When runs may go on: from one time of the day to another, over midnight too, in an IANA zone.

    opens, closes: minutes of the day, by the clock on the wall there; weekends: on Saturdays and Sundays all day.
    """

    opens: int = 20 * 60
    closes: int = 6 * 60
    weekends: bool = True
    zone: str = "UTC"

    def is_open(self, moment_us: int) -> bool:
        """Whether runs may go on at that moment, in UTC microseconds."""
        local = datetime.fromtimestamp(moment_us / 1_000_000, ZoneInfo(self.zone))
        if self.weekends and local.isoweekday() >= SATURDAY:
            return True
        minute = local.hour * 60 + local.minute
        if self.opens < self.closes:
            return self.opens <= minute < self.closes
        return minute >= self.opens or minute < self.closes

    def changes_us(self, after_us: int) -> int | None:
        """The first full minute after that moment at which it opens or closes; None where it never does.

        Minute by minute, so that what the wall clock leaves out or shows twice, when it is put forward or back, is
        neither waited for nor taken twice.
        """
        now, first = self.is_open(after_us), after_us - after_us % MINUTE_US
        later = (first + step * MINUTE_US for step in range(1, LOOKED_AHEAD_DAYS * DAY_MINUTES))
        return next((moment for moment in later if self.is_open(moment) != now), None)

    def words(self) -> str:
        """In words."""
        opens, closes = map(clock, (self.opens, self.closes))
        weekends = " and all weekend" if self.weekends else ""
        return f"{opens} to {closes}{weekends} ({self.zone})"
