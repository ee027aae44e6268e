"""The state machine of an item in the ledger: every state, every allowed step, and nothing else.

listed --plan--> planned --copy--> done
   |                |                | source changed, or missing at the destination
   |                |                +--> listed
   +--> settled <---+                | not at the source any more
            |                        +--> gone
            +-- next run --> listed <-- seen again -- gone
"""

from enum import IntEnum


class ItemState(IntEnum):
    """Where an item stands. The numbers are in the ledger: never renumber."""

    LISTED = 0
    """Seen by the newest listing and to be decided on."""
    PLANNED = 1
    """Part of a unit, to be copied."""
    SETTLED = 2
    """Has an outcome other than success in the newest run; looked at anew in the next."""
    DONE = 3
    """Proven to be at the destination, in the revision `done_revision`."""
    GONE = 4
    """Was done once; not at the source any more."""


STEPS: frozenset[tuple[ItemState, ItemState]] = frozenset(
    {
        (ItemState.LISTED, ItemState.LISTED),
        (ItemState.LISTED, ItemState.PLANNED),
        (ItemState.LISTED, ItemState.SETTLED),
        (ItemState.LISTED, ItemState.DONE),
        (ItemState.LISTED, ItemState.GONE),
        (ItemState.PLANNED, ItemState.DONE),
        (ItemState.PLANNED, ItemState.SETTLED),
        (ItemState.PLANNED, ItemState.LISTED),
        (ItemState.PLANNED, ItemState.GONE),
        (ItemState.SETTLED, ItemState.LISTED),
        (ItemState.SETTLED, ItemState.GONE),
        (ItemState.DONE, ItemState.LISTED),
        (ItemState.DONE, ItemState.GONE),
        (ItemState.GONE, ItemState.LISTED),
    }
)


def allowed(before: ItemState, after: ItemState) -> bool:
    """Whether an item may go from one state to the other."""
    return (before, after) in STEPS


def sources_of(after: ItemState) -> tuple[ItemState, ...]:
    """The states from which `after` can be reached, for the WHERE of an update."""
    return tuple(sorted(before for before, to in STEPS if to == after))
