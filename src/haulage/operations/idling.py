"""Connectors that move nothing: warned of, and deauthorised when their days are over."""

import os
import shlex
from collections.abc import Mapping
from typing import Any

from haulage.ledger.connectors import ConnectorRow
from haulage.model.connector import ConnectorState
from haulage.model.errors import NeedsReauthorisation, Refused

IDLE_DAYS = 90.0
WARNED_DAYS = 14.0
DAY_US = 24 * 3600 * 1_000_000
LIVING = frozenset({ConnectorState.AUTHORISED, ConnectorState.NEEDS_REAUTHORISATION})


def idle_days(environment: Mapping[str, str] | None = None) -> float:
    """After how many days without data a connector is deauthorised: HAULAGE_IDLE_DAYS. Raises Refused."""
    text = (os.environ if environment is None else environment).get("HAULAGE_IDLE_DAYS")
    if not text:
        return IDLE_DAYS
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not 0 < days < float("inf"):
        raise Refused(
            f"HAULAGE_IDLE_DAYS is {text!r}, which is no number of days", "Correct or unset HAULAGE_IDLE_DAYS."
        )
    return days


def left_us(row: ConnectorRow, now: int) -> int | None:
    """How long until it is deauthorised; None for one that holds nothing to destroy, or has ended."""
    if row.state not in LIVING or (row.sealed is None and row.tokens is None):
        return None
    since = max(row.moved_us or 0, row.authorised_us or row.created_us)
    return since + int(idle_days() * DAY_US) - now


def over(row: ConnectorRow, now: int) -> bool:
    """Whether its time is over."""
    left = left_us(row, now)
    return left is not None and left <= 0


def reason() -> str:
    """Why it is deauthorised, in a sentence."""
    return f"it has moved no data for {idle_days():g} days"


def due(row: ConnectorRow) -> NeedsReauthorisation:
    """The error of using it after its time."""
    return NeedsReauthorisation(
        f"the connector {row.name} was deauthorised: {reason()}",
        f"Run `haulage connectors reauthorize {shlex.quote(row.name)}`.",
    )


def told(row: ConnectorRow, now: int) -> dict[str, Any]:
    """Days left, and whether that is few, as a document."""
    left = left_us(row, now)
    if left is None:
        return {"idle_days_left": None, "idle_warning": False}
    warned = min(WARNED_DAYS, idle_days() * WARNED_DAYS / IDLE_DAYS)
    return {"idle_days_left": max(0, -(-left // DAY_US)), "idle_warning": left <= warned * DAY_US}
