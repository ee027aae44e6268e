"""When something starts and may go on, as bodies of requests say it."""

from pydantic import Field

from haulage.api.documents import Body
from haulage.model.schedule import Every, Hours, Timing


class Window(Body):
    """When runs may go on: from `opens` to `closes`, minutes of the day; weekends: on those all day."""

    opens: int = Field(1200, ge=0, le=1439)
    closes: int = Field(360, ge=0, le=1439)
    weekends: bool = True
    zone: str = Field("UTC", max_length=100)


class Rhythm(Body):
    """How often and when. day: of the week (1 is Monday) or the month."""

    every: Every = Every.DAY
    minute: int = Field(0, ge=0, le=59)
    hour: int = Field(0, ge=0, le=23)
    day: int = Field(1, ge=1, le=31)
    zone: str = Field("UTC", max_length=100)

    def timing(self) -> Timing:
        """As schedules keep it."""
        return Timing(self.every, self.minute, self.hour, self.day, self.zone)


class Changed(Rhythm):
    """A schedule's times as they are to be, whole. hours: none for at any time."""

    hours: Window | None = None


def hours_of(body: Window | None) -> Hours | None:
    """As schedules and passes keep them; None: at any time."""
    return None if body is None else Hours(body.opens, body.closes, body.weekends, body.zone)
