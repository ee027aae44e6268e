"""Folders of Drive that were just made: in which of them a name need not be asked for."""

import pytest

from haulage.services.google import fresh
from haulage.services.google.fresh import Fresh


def test_only_a_folder_of_ones_own_is_new() -> None:
    mine = Fresh()
    mine.begin("new")
    mine.writes("new", "a")
    mine.writes("old", "a")
    assert mine.alone("new", "a")
    assert not mine.alone("old", "a")
    assert not mine.alone("new", "never written")


def test_a_name_that_is_written_twice_is_asked_for() -> None:
    """By both: the first one may still be under way."""
    mine = Fresh()
    mine.begin("new")
    for name in ("a", "a", "b"):
        mine.writes("new", name)
    assert not mine.alone("new", "a")
    assert mine.alone("new", "b")


def test_somebody_else_in_the_folder_ends_it() -> None:
    """Also one who comes upon it before its maker was told that it is there, and what was written before."""
    mine, other = Fresh(), Fresh()
    mine.begin("new")
    mine.writes("new", "a")
    mine.seen("new")
    assert mine.alone("new", "a")
    other.seen("new")
    mine.writes("new", "b")
    assert not mine.alone("new", "a")
    assert not mine.alone("new", "b")


def test_a_folder_taken_back_is_new_no_more() -> None:
    mine = Fresh()
    mine.begin("new")
    mine.end("new")
    mine.end("new")
    mine.writes("new", "a")
    assert not mine.alone("new", "a")


def test_only_so_many_names_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest folders are forgotten first, the one being written to at last: they are asked again."""
    monkeypatch.setattr(fresh, "MOST_NAMES_KNOWN", 3)
    mine = Fresh()
    for folder in ("first", "second"):
        mine.begin(folder)
        for name in ("a", "b"):
            mine.writes(folder, name)
    assert not mine.alone("first", "a")
    assert mine.alone("second", "a")
    for name in ("c", "d"):
        mine.writes("second", name)
    assert not mine.alone("second", "d")
