"""Judges one item of a verification: what the listings prove, and how it is said. Pure: nothing is asked or read."""

from collections.abc import Mapping
from typing import Any

import msgspec

from haulage.engine.meter import COMPUTED, STRONG
from haulage.ledger.checks import Proof
from haulage.ledger.items import Known
from haulage.model.errors import HaulageError
from haulage.model.item import Item, Kind
from haulage.model.outcome import Outcome, OutcomeKind, Side

COPY_IT = "Run haulage copy with the same locations and filters."
COPY_NEWER = "Run haulage copy with the same locations: it brings the newer version."
REMOVE_FIRST = (
    "Find out which one is right. To have the source's copied, remove the other at the destination, then run haulage "
    "copy with the same locations."
)
READ_IT = "To have both sides read and compared, verify with --deep."


class Pair(msgspec.Struct, frozen=True):
    """A source item and what is at its place. known, proof: what the ledger has of an earlier copy of it.

    number: the outcome's number in the run. target: path at the destination. there: None where nothing is.
    """

    number: int
    item: Item
    target: str
    there: Item | None = None
    known: Known | None = None
    proof: Proof | None = None

    @property
    def copied(self) -> bool:
        """Whether it was brought over once, by what the ledger knows."""
        return self.known is not None and self.known.done_target_revision is not None

    @property
    def source_altered(self) -> bool:
        """Whether the source has another revision than the one that was copied."""
        return self.known is not None and self.copied and self.item.revision != self.known.done_revision

    @property
    def target_altered(self) -> bool:
        """Whether the destination has another revision than the one that the copy left."""
        revision = self.there.revision if self.there is not None else None
        return self.known is not None and self.copied and (revision or "") != self.known.done_target_revision


def ended(pair: Pair, kind: OutcomeKind, evidence: dict[str, Any] | None = None) -> Outcome:
    """An outcome that needs no explanation."""
    target = pair.target if pair.target != pair.item.path else None
    facts = {"size": pair.item.size, "revision": pair.there.revision if pair.there else None, **(evidence or {})}
    return Outcome(pair.number, pair.item.path, kind, pair.item.size or 0, target=target, evidence=facts)


def explained(
    pair: Pair, kind: OutcomeKind, code: str, message: str, fix: str, side: Side | None = None, **evidence: Any
) -> Outcome:
    """An outcome that a person has to be told why."""
    plain = ended(pair, kind, evidence)
    return msgspec.structs.replace(plain, code=code, message=message, fix=fix, side=side)


def failed(pair: Pair, code: str, message: str, fix: str, **evidence: Any) -> Outcome:
    """The destination does not have what the source has."""
    return explained(pair, OutcomeKind.FAILED, code, message, fix, Side.DESTINATION, **evidence)


def not_checked(pair: Pair, error: HaulageError, kind: OutcomeKind = OutcomeKind.FAILED) -> Outcome:
    """It could not be compared."""
    side = Side(error.side) if error.side else None
    return explained(pair, kind, error.code, error.message, error.fix, side)


def missing(pair: Pair) -> Outcome:
    """Nothing is at its place."""
    return failed(pair, "missing", f"not at the destination ({pair.target!r})", COPY_IT)


def place_taken(pair: Pair, by: str) -> Outcome:
    """Another source item has the place where it would be; which number a copy gave it is not known here."""
    message = f"not at the destination: its name there, {pair.target!r}, is that of {by!r}"
    return failed(pair, "missing", message, COPY_IT)


def only_there(number: int, item: Item) -> Outcome:
    """It is at the destination alone."""
    message, fix = "only at the destination", "Nothing has to be done, unless the two sides are meant to be equal."
    outcome = Outcome(number, item.path, OutcomeKind.SKIPPED, item.size or 0, "extra_at_destination", message, fix)
    return msgspec.structs.replace(outcome, evidence={"kind": item.kind})


def differs(pair: Pair, code: str, what: str, **evidence: Any) -> Outcome:
    """Something else is at its place; who changed it, as far as the ledger knows, decides what to do."""
    if pair.source_altered and not pair.target_altered:
        return failed(pair, code, f"{what}; changed at the source since it was copied", COPY_NEWER, **evidence)
    if pair.target_altered:
        what += "; changed at the destination since it was copied"
    return failed(pair, code, what, REMOVE_FIRST, **evidence)


def in_common(item: Item, there: Item) -> list[str]:
    """The algorithms of which both tell a hash that proves content and order, the best first."""
    return [name for name in STRONG if name in item.hashes and name in there.hashes]


def computable(hashes: Mapping[str, str]) -> str | None:
    """The best of those algorithms that we can compute too."""
    return next((name for name in STRONG if name in hashes and name in COMPUTED), None)


def judge(pair: Pair, *, deep: bool) -> Outcome | None:
    """The outcome, where what both sides tell of themselves is enough for one; None where more has to be found out.

    deep: being equal by what they tell is not enough.
    """
    item, there = pair.item, pair.there
    if there is None:
        return None
    if there.kind != item.kind:
        return failed(pair, "kind", f"the destination has a {there.kind} there, the source a {item.kind}", REMOVE_FIRST)
    if item.kind == Kind.FOLDER:
        return ended(pair, OutcomeKind.VERIFIED, {"proof": "folder"})
    if item.size is None or there.size is None:
        return as_converted(pair, deep=deep)
    if item.size != there.size:
        what = f"the destination has {there.size} bytes, the source {item.size}"
        return differs(pair, "size", what, destination_size=there.size)
    names = in_common(item, there)
    for name in names:
        if item.hashes[name] != there.hashes[name]:
            what = f"the destination says {name} {there.hashes[name]}, the source {item.hashes[name]}"
            return differs(pair, "hash", what)
    if item.size == 0:
        return ended(pair, OutcomeKind.VERIFIED, {"proof": "empty"})
    if deep:
        return None
    if names:
        proof = {"proof": f"{names[0]}, as both sides tell it", names[0]: item.hashes[names[0]]}
        return ended(pair, OutcomeKind.VERIFIED, proof)
    return as_copied(pair)


def as_copied(pair: Pair) -> Outcome | None:
    """Verified, if both sides are still the revisions that a copy has proven to be the same; else None."""
    if pair.proof is None or pair.proof.kind == OutcomeKind.VERIFIED_WEAK or not untouched(pair):
        return None
    evidence = {"proof": "proven when copied, unchanged on both sides since"}
    if (recorded := pair.proof.evidence.get("sha256")) is not None:
        evidence["sha256_when_copied"] = recorded
    return ended(pair, OutcomeKind.VERIFIED, evidence)


def as_converted(pair: Pair, *, deep: bool) -> Outcome | None:
    """The same of a document that is no file at one side: it can be made one in other bytes each time."""
    if pair.proof is None or not untouched(pair):
        return None
    if pair.item.size is None and pair.there is not None and pair.there.size is None:
        return ended(pair, OutcomeKind.VERIFIED_WEAK, {"proof": "copied by the service, unchanged on both sides since"})
    return None if deep else as_copied(pair)


def untouched(pair: Pair) -> bool:
    """Whether both sides tell just the revisions that were there when it was copied."""
    if pair.there is None or not (pair.item.revision and pair.there.revision):
        return False
    return pair.copied and not pair.source_altered and not pair.target_altered


def weak(pair: Pair) -> Outcome:
    """Only the size could be compared."""
    message = "only its size was compared: the two sides tell no hash in common"
    return explained(pair, OutcomeKind.VERIFIED_WEAK, "size_only", message, READ_IT, proof="size")


def by_bytes(pair: Pair, ours: Mapping[str, str], theirs: Mapping[str, str], how: str) -> Outcome:
    """The outcome after reading. ours, theirs: hashes of the source's and the destination's bytes, one in common."""
    name = next(name for name in STRONG if name in ours and name in theirs)
    recorded = pair.proof.evidence.get("sha256") if pair.proof is not None else None
    evidence: dict[str, Any] = {"proof": f"{how}, {name}", name: ours[name]}
    if recorded is not None and name == "sha256":
        evidence["sha256_when_copied"] = recorded
    as_made = pair.item.size is None and not pair.source_altered and name == "sha256" and theirs[name] == recorded
    if ours[name] == theirs[name] or as_made:
        return ended(pair, OutcomeKind.VERIFIED, evidence)
    what = "the bytes at the destination are not those at the source"
    if recorded is not None and name == "sha256" and ours[name] == recorded != theirs[name]:
        what += "; the source still has those that were copied"
    elif recorded is not None and name == "sha256" and theirs[name] == recorded != ours[name]:
        what += "; the destination still has those that were copied"
    return differs(pair, "hash", what, **evidence, **{f"destination_{name}": theirs[name]})
