"""Filters of a migration's table."""

import time

import pytest

from haulage.model import row_filter
from haulage.model.errors import Refused

ROW = {
    "id": "12",
    "status": "Success",
    "source": "alice@x.example/Documents/a b",
    "destination": "Alice",
    "tags": "wave 1, hr",
    "notes": "",
}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", True),
        ("DOCUMENTS", True),
        ("source:alice destination:alice", True),
        ("destination:documents", False),
        ("/^ali.*b$/", True),
        ("source:/docs|documents/ tags:hr", True),
        ("tags:/^hr/", False),
        ('"wave 1"', True),
        ('tags:"wave 1, hr"', True),
        ("id:1", False),
        ("id:12", True),
        ("https://alice", False),
        ("/Documents", True),
        ("status:failed", False),
    ],
)
def test_which_rows_are_shown(text: str, shown: bool) -> None:
    """Text, a column's text, regular expressions; all parts hold."""
    assert row_filter.parse(text)(ROW) is shown


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sorce:x", "Did you mean source"),
        ("nothing:x", "there is no column"),
        ("/(/", "no regular expression"),
        ('"x', "ends inside"),
        ("x" * 1001, "too long"),
    ],
)
def test_what_is_no_filter_is_said(text: str, why: str) -> None:
    """With what was probably meant."""
    with pytest.raises(Refused) as refused:
        row_filter.parse(text)
    assert why in f"{refused.value.message} {refused.value.fix}"


def test_no_pattern_takes_long() -> None:
    """One that takes Python's own engine longer than the universe lasts."""
    began = time.monotonic()
    assert not row_filter.parse("source:/(a+)+$/")({**ROW, "source": "a" * 4000 + "!"})
    assert time.monotonic() - began < 5
