"""The part of a form that says when something starts, and in which hours it may go on."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from haulage.model.schedule import Every, Hours, Timing, clock

Clock = Annotated[str, Field(pattern=r"^\d{1,2}:\d\d(:\d\d)?$")]


class When(BaseModel):
    """When something is started, once or again and again, as it was filled in or stands in a form."""

    when: Literal["now", "schedule"] = "now"
    repeat: Every = Every.DAY
    at: Clock = "20:00"
    day: int = 1
    hours: Literal["any", "some"] = "any"
    opens: Clock = "20:00"
    closes: Clock = "06:00"
    weekends: bool = False
    zone: str = Field("UTC", max_length=100)
    hours_zone: str = Field("", max_length=100)
    """Of the hours, where that is another one."""

    def timing(self) -> Timing:
        """When it starts."""
        minutes = _minutes(self.at)
        return Timing(self.repeat, minutes % 60, minutes // 60, self.day, self.zone)

    def window(self) -> Hours | None:
        """When it may go on; None: at any time."""
        if self.hours == "any":
            return None
        return Hours(_minutes(self.opens), _minutes(self.closes), self.weekends, self.hours_zone or self.zone)

    @classmethod
    def of(cls, timing: Timing, hours: Hours | None) -> "When":
        """As a form shows a schedule."""
        facts: dict[str, Any] = {"repeat": timing.every, "at": clock(timing.hour * 60 + timing.minute)}
        facts |= {"day": timing.day, "zone": timing.zone, "weekends": True}
        if hours is not None:
            facts |= {"hours": "some", "opens": clock(hours.opens), "closes": clock(hours.closes)}
            facts |= {"weekends": hours.weekends, "hours_zone": "" if hours.zone == timing.zone else hours.zone}
        return cls(when="schedule", **facts)


def _minutes(text: str) -> int:
    hour, minute = (int(part) for part in text.split(":")[:2])
    return hour * 60 + minute


USUAL = When.of(Timing(Every.DAY, hour=20), None)
"""As forms are shown at first."""
