"""Budgets of calls: what a copy needs of one, and how that is said."""

import pytest

from haulage.model.outcome import Side
from haulage.operations.budgets import DAY_SECONDS, duration, estimate, words
from haulage.services.contract import Budget

NOON = 20_000 * DAY_SECONDS + DAY_SECONDS / 2
SMALL = Budget(2, 1_000, used=100, more="Ask for more.")


@pytest.mark.parametrize(
    ("items", "calls", "seconds"),
    [
        (0, 0, 0),
        (450, 900, 450),
        (451, 902, DAY_SECONDS // 2 + 1),
        (950, 1_900, 1.5 * DAY_SECONDS),
        (5_000, 10_000, 9.5 * DAY_SECONDS + 50),
    ],
)
def test_what_so_many_items_need(items: int, calls: int, seconds: float) -> None:
    """What is left today goes at the rate of a second; the rest waits for midnight UTC, and each midnight after it."""
    told = estimate(Side.DESTINATION, "Egnyte", SMALL, 2, items, NOON)
    assert (told.calls, told.seconds) == (calls, seconds)


def test_the_sentences() -> None:
    """What is allowed, what it means, how long it takes, and what to do about it."""
    assert words(estimate(Side.DESTINATION, "Egnyte", SMALL, 2, 5_000, NOON)) == [
        "Egnyte takes 2 calls a second and 1,000 a day, 100 of them used today. "
        "An item takes up to 2 calls: at most 500 items a day.",
        "5,000 items need about 10,000 calls: about 10 days.",
        "Ask for more.",
    ]
    unknown = words(estimate(Side.SOURCE, "Egnyte", Budget(200, 500_000), 1, None, NOON))
    assert "200 calls a second and 500,000 a day. An item takes 1 call: at most 500,000" in unknown[0]
    assert "haulage scan" in unknown[1]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "about 1 minutes"), (600, "about 10 minutes"), (7_000, "about 2 hours"), (3 * DAY_SECONDS, "about 3 days")],
)
def test_durations(seconds: int, said: str) -> None:
    """Rounded up: nobody minds that it was quicker."""
    assert duration(seconds) == said
