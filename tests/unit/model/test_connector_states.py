"""The life of a connector as a table: every step from every state."""

import pytest

from haulage.model.connector import USABLE, ConnectorState, ConnectorStep, after

S = ConnectorState
NEW, AUTHORISED, NEEDS, IDLE, DELETING, DELETED = S

TABLE = {
    #           authorise    reauthorise  lose   idle   leave     remove
    NEW: (AUTHORISED, None, None, None, None, DELETED),
    AUTHORISED: (None, AUTHORISED, NEEDS, IDLE, DELETING, None),
    NEEDS: (None, AUTHORISED, NEEDS, IDLE, DELETING, None),
    IDLE: (None, AUTHORISED, None, None, DELETING, None),
    DELETING: (None, None, None, None, DELETING, DELETED),
    DELETED: (None, None, None, None, None, None),
}


@pytest.mark.parametrize("before", list(S))
def test_every_step(before: ConnectorState) -> None:
    assert tuple(after(before, step) for step in ConnectorStep) == TABLE[before]


def test_only_an_authorised_one_is_used() -> None:
    assert {AUTHORISED} == USABLE


def test_the_words_are_in_ledgers_and_never_change() -> None:
    words = ["new", "authorised", "needs_reauthorisation", "deauthorised", "deleting", "deleted"]
    assert [one.value for one in S] == words
