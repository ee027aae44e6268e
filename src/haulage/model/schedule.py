"""When a transfer runs again by itself."""

from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec


class Every(StrEnum):
    """How often."""

    HOUR = "hourly"
    DAY = "daily"
    WEEK = "weekly"
    MONTH = "monthly"


WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Timing(msgspec.Struct, frozen=True):
    """When: minute of the hour, hour of the day, day of the week (1 is Monday) or of the month, in an IANA zone.

    What `every` makes meaningless is not looked at. A day of the month after the 28th is its last day.
    """

    every: Every
    minute: int = 0
    hour: int = 0
    day: int = 1
    zone: str = "UTC"

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
        at = f"{self.hour:02}:{self.minute:02} ({self.zone})"
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
        opens, closes = (f"{one // 60:02}:{one % 60:02}" for one in (self.opens, self.closes))
        weekends = " and all weekend" if self.weekends else ""
        return f"{opens} to {closes}{weekends} ({self.zone})"
