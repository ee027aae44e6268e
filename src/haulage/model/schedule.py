"""When a transfer runs again by itself."""

from enum import StrEnum

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
