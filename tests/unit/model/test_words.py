"""Numbers and times as people read them."""

import re

from haulage.model.words import until_text


def test_until_when() -> None:
    """By the time of day in UTC; what ends on another day says on which."""
    assert re.fullmatch(r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d UTC", until_text(1))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", until_text(86_400))
