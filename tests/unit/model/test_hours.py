"""Hours in which runs may go on: over midnight, over weekends, and over the days on which clocks are changed."""

from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from haulage.model.schedule import MINUTE_US, Hours

BERLIN = ZoneInfo("Europe/Berlin")
NIGHTS = Hours(20 * 60, 6 * 60, weekends=True, zone="Europe/Berlin")


def us(year: int, month: int, day: int, hour: int, minute: int = 0, fold: int = 0) -> int:
    """A moment by Berlin's clocks."""
    return int(datetime(year, month, day, hour, minute, tzinfo=BERLIN, fold=fold).timestamp()) * 1_000_000


def test_nights_and_weekends() -> None:
    """Friday night goes on until Monday morning."""
    assert not NIGHTS.is_open(us(2026, 11, 26, 19, 59))  # a Thursday
    assert NIGHTS.changes_us(us(2026, 11, 26, 12)) == us(2026, 11, 26, 20)
    assert NIGHTS.changes_us(us(2026, 11, 26, 20)) == us(2026, 11, 27, 6)
    assert NIGHTS.changes_us(us(2026, 11, 27, 20)) == us(2026, 11, 30, 6)
    plain = Hours(20 * 60, 6 * 60, weekends=False, zone="Europe/Berlin")
    assert plain.changes_us(us(2026, 11, 27, 20)) == us(2026, 11, 28, 6)
    assert NIGHTS.words() == "20:00 to 06:00 and all weekend (Europe/Berlin)"


def test_clocks_put_forward_and_back() -> None:
    """An opening that the clock leaves out comes with the next minute that there is; one shown twice opens twice."""
    early = Hours(2 * 60 + 30, 4 * 60, weekends=False, zone="Europe/Berlin")
    forward = early.changes_us(us(2026, 3, 29, 1))  # 01:59 is followed by 03:00
    assert forward == us(2026, 3, 29, 3)
    assert early.changes_us(us(2026, 10, 25, 1)) == us(2026, 10, 25, 2, 30)
    assert early.changes_us(us(2026, 10, 25, 2, 30)) == us(2026, 10, 25, 2, 0, fold=1)  # 02:59 is followed by 02:00
    assert early.changes_us(us(2026, 10, 25, 2, 0, fold=1)) == us(2026, 10, 25, 2, 30, fold=1)
    assert NIGHTS.changes_us(us(2026, 3, 30, 12)) == us(2026, 3, 30, 20)
    night = us(2026, 3, 30, 6) - us(2026, 3, 27, 20)
    assert night == (58 - 1) * 60 * MINUTE_US  # from Friday 20:00 to Monday 06:00, an hour short


@given(
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.booleans(),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    st.integers(us(2026, 1, 1, 0) // MINUTE_US, us(2027, 1, 1, 0) // MINUTE_US),
)
def test_a_change_is_the_first(opens: int, closes: int, weekends: bool, zone: str, minute: int) -> None:
    """At the moment told it is otherwise than now, and a minute before as now."""
    hours, now = Hours(opens, closes, weekends, zone), minute * MINUTE_US
    change = hours.changes_us(now)
    assert (change is None) == (opens == closes)
    if change is not None:
        assert hours.is_open(change) != hours.is_open(now) == hours.is_open(change - MINUTE_US)
