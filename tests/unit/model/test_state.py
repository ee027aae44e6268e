"""The state machine as a table."""

import pytest

from haulage.model.state import ItemState, allowed, sources_of

L, P, S, D, G = ItemState.LISTED, ItemState.PLANNED, ItemState.SETTLED, ItemState.DONE, ItemState.GONE

TABLE = {
    #      to: L      P      S      D      G
    L: (True, True, True, True, True),
    P: (True, False, True, True, True),
    S: (True, False, False, False, True),
    D: (True, False, False, False, True),
    G: (True, False, False, False, False),
}


@pytest.mark.parametrize("before", list(ItemState))
def test_every_step(before: ItemState) -> None:
    assert tuple(allowed(before, after) for after in ItemState) == TABLE[before]


def test_only_what_was_decided_on_becomes_done() -> None:
    assert sources_of(D) == (L, P)


def test_the_numbers_are_in_ledgers_and_never_change() -> None:
    assert {state.name: state.value for state in ItemState} == {
        "LISTED": 0,
        "PLANNED": 1,
        "SETTLED": 2,
        "DONE": 3,
        "GONE": 4,
    }
