"""What has to be looked after in a migration: failures of the newest copies by their causes, and what helps."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from haulage.ledger import audit
from haulage.ledger import connectors as connector_rows
from haulage.ledger import issues as rows
from haulage.ledger.audit import Actor
from haulage.ledger.issues import Cause, Counted, Wrong
from haulage.ledger.migration_rows import MigrationRow
from haulage.ledger.store import Connection, Ledger
from haulage.model import errors
from haulage.model.connector import USABLE
from haulage.model.errors import Missing, Refused
from haulage.model.outcome import OutcomeKind, RunKind, Side, Status, status_words
from haulage.reports import catalogue

SAMPLES = 3
PAGE = 1000
Act = Literal["retry", "paths", "fit", "reauthorise", "none"]
"""Copy the transfers concerned again; correct their paths; give items the names that are offered; authorise a connector
again; nothing that we could do."""
_FIT = (
    "See the name that each would get at the destination and fit them, or rename them at the source, then run the same "
    "command again."
)

_STATUS_FIXES: dict[int, str] = {
    Status.LISTING_INCOMPLETE: "Start it again; if it stays, see its log for the folder that could not be listed.",
    Status.QUOTA_EXCEEDED: errors.QuotaFull.default_fix,
    Status.PAUSED_NO_SPACE: errors.DiskFull.default_fix,
    Status.PAUSED_REAUTHORISE: "Authorise the connector again.",
    Status.AUTHORISATION_FAILED: "Authorise the connector again.",
    Status.CRASHED: "Start it again: it goes on where it stood.",
    Status.CANNOT_CONNECT: errors.Unreachable.default_fix,
    Status.INVALID_ROOT: "Correct the path, or see to it that it is there, then start it again.",
}
_REAUTHORISE = (Status.PAUSED_REAUTHORISE, Status.AUTHORISATION_FAILED)
_LOST = (errors.AuthLost, errors.NeedsReauthorisation, errors.ScopeMissing, errors.ConsentPending)
_LOST_CODES = tuple(one.code for one in _LOST)
_UNHELPED = (errors.TooLarge.code,)
"""Codes of items that fail again however often they are tried."""


class Group(msgspec.Struct, frozen=True):
    """A cause, as people are told of it. key: names it in addresses and commands.

    items: how many it concerns; 0 where transfers as a whole are concerned. samples: a few of them. fits: for how many
    of the items another name at the destination is offered.
    """

    key: str
    cause: Cause
    heading: str
    meaning: str
    fix: str
    act: Act
    items: int
    transfers: int
    samples: tuple[Wrong, ...] = ()
    fits: int = 0


def groups(ledger: Ledger, migration: MigrationRow) -> list[Group]:
    """All causes with a few samples each; those of whole transfers first, then by number. All are of one moment."""
    with ledger.reading() as connection:
        found = []
        for one in rows.counted(connection, migration.id):
            few = rows.rows_of(connection, migration.id, one.cause, SAMPLES)
            samples = rows.wrong(connection, few, one.cause, 0, SAMPLES)
            grouped = _with_offers(connection, migration, _group(one))
            found.append(msgspec.structs.replace(grouped, samples=tuple(samples)))
        return found


def _with_offers(connection: Connection, migration: MigrationRow, one: Group) -> Group:
    """Whether names can be fitted is in what was offered."""
    if one.cause.code != errors.NameRefused.code or one.act != "retry":
        return one
    fits, _ = rows.offered(connection, migration.id, one.cause)
    return msgspec.structs.replace(one, act="fit", fix=_FIT, fits=fits) if fits else one


def group(ledger: Ledger, migration: MigrationRow, key: str) -> Group:
    """One of them, without samples. Raises Missing: it may have been seen to meanwhile."""
    with ledger.reading() as connection:
        counted = rows.counted(connection, migration.id)
        found = next((one for one in map(_group, counted) if one.key == key), None)
        if found is None:
            raise Missing("no such issue is there any more", "See the list of issues.")
        return _with_offers(connection, migration, found)


def concerned(ledger: Ledger, migration: MigrationRow, cause: Cause) -> list[int]:
    """The transfers that a cause concerns, by number."""
    return ledger.read(rows.rows_of, migration.id, cause)


def page(ledger: Ledger, migration: MigrationRow, cause: Cause, start: int, limit: int) -> list[Wrong]:
    """Of what a cause concerns, a page."""
    with ledger.reading() as connection:
        return rows.wrong(connection, rows.rows_of(connection, migration.id, cause), cause, start, limit)


def everything(ledger: Ledger, migration: MigrationRow, cause: Cause) -> Iterator[Wrong]:
    """All that a cause concerns, a transfer's page at a time: whoever takes them may be slow."""
    ids = ledger.read(rows.rows_of, migration.id, cause)
    if cause.status is not None:
        yield from ledger.read(rows.wrong, ids, cause, 0, len(ids))
        return
    for row_id in ids:
        start = 0
        while some := ledger.read(rows.wrong, [row_id], cause, start, PAGE):
            yield from some
            start += len(some)


def unfit(ledger: Ledger, migration: MigrationRow) -> list[tuple[Side, str]]:
    """The connectors of a migration that have to be authorised again before anything helps."""
    sides = ((Side.SOURCE, migration.source), (Side.DESTINATION, migration.destination))
    return [(side, name) for side, name in sides if ledger.read(connector_rows.get, name).state not in USABLE]


def to_retry(ledger: Ledger, migration: MigrationRow, key: str, shown: int | None = None) -> Sequence[int]:
    """The transfers of a group, by number, to be copied again: what succeeded in them is not sent again.

    shown: how many a person was shown. Raises Missing, Refused where others are concerned now.
    """
    found = group(ledger, migration, key)
    if found.act == "none":
        raise Refused(f"{found.heading}: that fails again however often it is tried", found.fix)
    if shown is not None and shown != found.transfers:
        raise Refused(f"{found.transfers:,} users are concerned now, {shown:,} were shown", "Look at them again.")
    return concerned(ledger, migration, found.cause)


def fit_names(
    ledger: Ledger, migration: MigrationRow, key: str, actor: Actor, shown: int | None = None
) -> Sequence[int]:
    """Give the items of a group the names that are offered, for good. Returns their transfers, to be copied again.

    shown: how many names a person was shown. Raises Missing, Refused where there are others now.
    """

    def choose(connection: Connection) -> Sequence[int]:
        fits, found = rows.offered(connection, migration.id, one.cause)
        if not fits:
            raise Refused(f"{one.heading}: no other name can be offered", one.fix)
        if shown is not None and shown != fits:
            raise Refused(f"{fits:,} names can be fitted now, {shown:,} were shown", "Look at them again.")
        if rows.take_offers(connection, migration.id, one.cause) != fits:
            raise Refused("the items are being worked on", "Look at them again when their runs have ended.")
        audit.append(connection, actor, "names fit", f"migration {migration.id}", issue=key, count=fits)
        return found

    one = group(ledger, migration, key)
    return ledger.do(choose)


def _group(one: Counted) -> Group:
    cause, numbers = one.cause, (one.items, one.transfers)
    if cause.status is not None:
        words = status_words(cause.status, RunKind.COPY)
        fix = _STATUS_FIXES.get(cause.status, "See the log of the run, then start it again.")
        act: Act = "paths" if cause.status == Status.INVALID_ROOT else "retry"
        act = "reauthorise" if cause.status in _REAUTHORISE else act
        return Group(f"status-{cause.status}", cause, words, "", fix, act, *numbers)
    entry = catalogue.lookup(cause.code)
    key = "-".join((cause.outcome, cause.code or "", cause.side or ""))
    helpless = cause.outcome == OutcomeKind.UNSUPPORTED or cause.code in _UNHELPED
    act = "none" if helpless else "reauthorise" if cause.code in _LOST_CODES else "retry"
    return Group(key, cause, entry.heading, entry.meaning, entry.fix, act, *numbers)


def told(one: Group) -> dict[str, Any]:
    """As a document."""
    cause = msgspec.structs.asdict(one.cause)
    samples = [told_item(each) for each in one.samples]
    return {**msgspec.structs.asdict(one), "cause": cause, "samples": samples}


def told_item(one: Wrong) -> dict[str, Any]:
    """An item or transfer as a document."""
    return msgspec.structs.asdict(one)
