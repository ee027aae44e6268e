"""What a certificate needs of the ledger: the key that signs it, and what a run left as it was."""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from haulage.ledger import carriers, checks
from haulage.ledger.runs import RunRow
from haulage.ledger.schema import items, outcomes, signing_keys
from haulage.ledger.store import now_us
from haulage.ledger.work import ALTERED, OutcomeRow
from haulage.model.outcome import OutcomeKind
from haulage.model.state import ItemState

PAGE = 2000
CARRIED = "carried_elsewhere"
AS_BEFORE = (OutcomeKind.UNCHANGED, OutcomeKind.MOVED)


class SigningKey(msgspec.Struct, frozen=True):
    """The installation's, sealed: see connectors.vault."""

    id: int
    sealed: bytes


def signing_key(connection: sa.Connection) -> SigningKey | None:
    """None: there is none yet."""
    row = connection.execute(sa.select(signing_keys).order_by(signing_keys.c.id).limit(1)).one_or_none()
    return None if row is None else SigningKey(row.id, row.sealed)


def keep_signing_key(connection: sa.Connection, sealed: bytes) -> None:
    """In the place of the one that is there."""
    if connection.execute(signing_keys.update().values(sealed=sealed)).rowcount == 0:
        connection.execute(signing_keys.insert().values(sealed=sealed, created_us=now_us()))


def unchanged(
    connection: sa.Connection, transfer: int, run_id: int, copies: list[int], after: str | None
) -> tuple[list[OutcomeRow], str | None]:
    """The next page of items that are as an earlier run has proven them, and the path to go on after; None: no more.

    In the order of paths, which has an index: no page costs more than another. after: None for the first page.
    copies: see `checks.copies`. Of the newest copy of a transfer alone: a later one changes what is kept of its items.
    Each has the outcome and the evidence of the run that proved it; UNCHANGED where no log tells of that any more.
    """
    told = sa.exists().where(outcomes.c.run_id == run_id, outcomes.c.item_id == items.c.id)
    chosen = sa.select(items).where(items.c.transfer_id == transfer, items.c.state == int(ItemState.DONE), ~told)
    if after is not None:
        chosen = chosen.where(items.c.path > after)
    rows = connection.execute(chosen.order_by(items.c.path).limit(PAGE)).all()
    proofs = checks.proofs(connection, copies, [row.id for row in rows])
    return [_as_proven(row, proofs.get(row.id)) for row in rows], rows[-1].path if len(rows) == PAGE else None


def judged(connection: sa.Connection, transfer: int, copies: list[int], told: Sequence[OutcomeRow]) -> list[OutcomeRow]:
    """Outcomes of a copy as they count in a certificate.

    What it left or moved has the proof of the run that copied it. What it left out is failed where it lacks at the
    destination by our own knowledge: it was altered there, or whoever is to copy it has not.
    """
    proofs = checks.proofs(connection, copies, [row.item_id for row in told if row.outcome in AS_BEFORE])
    carried = [row.item_id for row in told if row.outcome == OutcomeKind.SKIPPED and row.code == CARRIED]
    arrived = carriers.arrived(connection, transfer, carried)
    lacking = {*carried} - arrived
    return [_judged(row, proofs.get(row.item_id), row.item_id in lacking) for row in told]


def _judged(row: OutcomeRow, proof: checks.Proof | None, lacking: bool) -> OutcomeRow:
    if row.outcome in AS_BEFORE:
        if proof is None:
            return msgspec.structs.replace(row, outcome=OutcomeKind.UNCHANGED)
        kind = row.outcome if row.outcome == OutcomeKind.MOVED and proof.kind == OutcomeKind.VERIFIED else proof.kind
        return msgspec.structs.replace(row, outcome=kind, evidence={"unchanged": True, **proof.evidence})
    if lacking or (row.outcome == OutcomeKind.SKIPPED and row.code == ALTERED):
        return msgspec.structs.replace(row, outcome=OutcomeKind.FAILED)
    return row


def _as_proven(row: Any, proof: checks.Proof | None) -> OutcomeRow:
    kind = OutcomeKind.UNCHANGED if proof is None else proof.kind
    evidence = {"unchanged": True} | ({} if proof is None else proof.evidence)
    told = (None, None, None, None)
    return OutcomeRow(row.id, row.path, row.target, kind, row.done_size or 0, *told, True, False, 0, evidence)


class Doubt(msgspec.Struct, frozen=True):
    """A verification that found items of a copy which are not as they are at the source, and how many."""

    run_id: int
    items: int


def doubt(connection: sa.Connection, run: RunRow, copies: list[int]) -> Doubt | None:
    """The newest verification of a copy's places, with any filters, that speaks against what is proven of its items.

    One since the copy does with all that it found; one with other filters does with what this transfer has copied. An
    earlier one does with the bytes that it found to be others: see `checks.against`.
    """
    later: list[int] = []
    for one in checks.verifications(connection, run.transfer_id):
        found = one.wrong
        if found and not (one.run_id > run.id and one.transfer_id == run.transfer_id):
            found = len(checks.against(connection, run.transfer_id, one.run_id, copies, later, one.run_id < run.id))
        if found:
            return Doubt(one.run_id, found)
        if one.read:
            later.append(one.run_id)
    return None
