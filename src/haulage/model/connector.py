"""The state machine of a connector: every state, every step, and where each step leads. Nothing else decides it.

new --authorise--> authorised <--reauthorise-- needs_reauthorisation, deauthorised
                       |  lose -> needs_reauthorisation;  idle -> deauthorised
                       +--leave--> deleting --remove--> deleted
"""

from enum import StrEnum


class ConnectorState(StrEnum):
    """Where a connector stands. The words are in the ledger: never change them."""

    NEW = "new"
    """Being authorised; nobody can use it yet."""
    AUTHORISED = "authorised"
    """It can be used."""
    NEEDS_REAUTHORISATION = "needs_reauthorisation"
    """The service takes its credentials no more; what needs it waits."""
    DEAUTHORISED = "deauthorised"
    """Left idle too long: its credentials are destroyed."""
    DELETING = "deleting"
    """A person deleted it, and the service has not confirmed that the authorisation is revoked."""
    DELETED = "deleted"
    """Gone for good; kept for the runs that it had a part in."""


class ConnectorStep(StrEnum):
    """What happens to a connector."""

    AUTHORISE = "authorise"
    REAUTHORISE = "reauthorise"
    LOSE = "lose"
    IDLE = "idle"
    LEAVE = "leave"
    REMOVE = "remove"


_S, _T = ConnectorState, ConnectorStep

STEPS: dict[tuple[ConnectorState, ConnectorStep], ConnectorState] = {
    (_S.NEW, _T.AUTHORISE): _S.AUTHORISED,
    (_S.NEW, _T.REMOVE): _S.DELETED,
    (_S.AUTHORISED, _T.REAUTHORISE): _S.AUTHORISED,
    (_S.AUTHORISED, _T.LOSE): _S.NEEDS_REAUTHORISATION,
    (_S.AUTHORISED, _T.IDLE): _S.DEAUTHORISED,
    (_S.AUTHORISED, _T.LEAVE): _S.DELETING,
    (_S.NEEDS_REAUTHORISATION, _T.REAUTHORISE): _S.AUTHORISED,
    (_S.NEEDS_REAUTHORISATION, _T.LOSE): _S.NEEDS_REAUTHORISATION,
    (_S.NEEDS_REAUTHORISATION, _T.IDLE): _S.DEAUTHORISED,
    (_S.NEEDS_REAUTHORISATION, _T.LEAVE): _S.DELETING,
    (_S.DEAUTHORISED, _T.REAUTHORISE): _S.AUTHORISED,
    (_S.DEAUTHORISED, _T.LEAVE): _S.DELETING,
    (_S.DELETING, _T.LEAVE): _S.DELETING,
    (_S.DELETING, _T.REMOVE): _S.DELETED,
}

USABLE = frozenset({ConnectorState.AUTHORISED})
"""States in which its credentials may be used for anything but to end the authorisation."""


def after(state: ConnectorState, step: ConnectorStep) -> ConnectorState | None:
    """Where a step leads; None where it cannot be taken."""
    return STEPS.get((state, step))


class Usage(StrEnum):
    """What a connector was authorised for."""

    READ = "read"
    WRITE = "write"
