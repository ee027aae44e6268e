"""The completeness certificate: a zip of the signed statement, and of every item that it is about.

`statement.json` says what was moved, how it adds up and whether it is complete; `signature.json` holds the Ed25519
signature over exactly its bytes, and the public key. `items/N.jsonl` has one line an item of the Nth transfer: each
line, without its end, is a leaf of that transfer's Merkle tree (RFC 6962), whose root is in the statement.
"""

import base64
import binascii
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from haulage.ledger.runs import RunRow
from haulage.ledger.work import OutcomeRow
from haulage.model.errors import Refused
from haulage.model.outcome import SUCCESSFUL, OutcomeKind, Status
from haulage.reports.lines import utc_text
from haulage.reports.merkle import Tree

FORMAT = "haulage completeness certificate 1"
STATEMENT, SIGNATURE = "statement.json", "signature.json"
KEY_PREFIX = "ed25519:"
LARGEST_STATEMENT = 256 * 1024 * 1024
LONGEST_LINE = 16 * 1024 * 1024
AGAIN = "Give the file that was issued, whole."
NEWER = "Check it with the version of Haulage that issued it."
ALTERED = "Take the certificate from whoever issued it once more; what is in this file was not signed."
_WHY = {  # each kind of outcome that stands in the way of "complete"
    OutcomeKind.VERIFIED_WEAK: "proven by their size only, or by a hash that cannot prove order",
    OutcomeKind.UNCHANGED: "unchanged since a run of which there is no log any more",
    OutcomeKind.UNSUPPORTED: "of a kind that cannot be copied",
    OutcomeKind.FAILED: "not copied, or not as they are at the source",
    OutcomeKind.CHANGED_AT_SOURCE: "not copied, since they kept changing at the source",
}


COPIED = (  # from the facts of a run's report
    *("run", "kind", "status", "source", "destination", "source_identity", "destination_identity", "filters"),
    *("listed", "listed_bytes", "listing_complete"),
)


class Covered(msgspec.Struct, frozen=True):
    """One transfer of a certificate. file: of its items. sums: items and bytes by how they ended. root: of its items.

    reasons: why it is not complete, a sentence each; none: every listed item is accounted for and proven.
    """

    file: str
    run: int
    kind: str
    status: int
    source: str
    destination: str
    source_identity: str
    destination_identity: str
    filters: Any
    started: str
    ended: str
    listed: int
    listed_bytes: int
    listing_complete: bool
    sums: dict[str, tuple[int, int]]
    root: str
    reasons: list[str]


class Statement(msgspec.Struct, frozen=True):
    """What is signed. uncovered: transfers of the migration of which nothing can be said, each with why."""

    format: str
    installation: str
    issued: str
    migration: str | None
    complete: bool
    root: str
    transfers: list[Covered]
    uncovered: list[str]


class Entry(msgspec.Struct, frozen=True):
    """A transfer that is to be certified. facts: as `reports.summary.facts` has them. doubt: what was found since."""

    run: RunRow
    facts: dict[str, Any]
    rows: Iterable[OutcomeRow]
    doubt: str | None = None


_encode = msgspec.json.Encoder().encode


class Tally:
    """Adds up the items of a transfer."""

    def __init__(self) -> None:
        self.tree = Tree()
        self.sums: dict[str, tuple[int, int]] = {}

    def add(self, line: bytes, outcome: str, size: int) -> None:
        """One item: its line without the end."""
        self.tree.add(line)
        items, total = self.sums.get(outcome, (0, 0))
        self.sums[outcome] = (items + 1, total + size)


def write_items(archive: zipfile.ZipFile, number: int, entry: Entry) -> Covered:
    """Write the items of one transfer, and say what they come to."""
    name, tally = f"items/{number}.jsonl", Tally()
    with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as out:
        for row in entry.rows:
            line = _encode(_leaf(row))
            out.write(line + b"\n")
            tally.add(line, row.outcome, row.size)
    facts, run, sums = entry.facts, entry.run, dict(sorted(tally.sums.items()))
    given: dict[str, Any] = {one: facts[one] for one in COPIED}
    given |= {"started": utc_text(run.started_us), "ended": utc_text(run.ended_us)}
    return Covered(name, **given, sums=sums, root=tally.tree.root(), reasons=_reasons(facts, sums, entry.doubt))


def _leaf(row: OutcomeRow) -> dict[str, Any]:
    evidence = {name: value for name, value in row.evidence.items() if name != "began_us"}
    names = {"path": row.path, "destination": row.target or row.path}
    told = {"code": row.code, "message": row.message, "side": row.side} if row.code or row.message else {}
    return {**names, "outcome": row.outcome, "size": row.size, **told, "evidence": evidence}


def _reasons(facts: dict[str, Any], sums: dict[str, tuple[int, int]], doubt: str | None) -> list[str]:
    reasons = [] if doubt is None else [doubt]
    if facts["status"] >= Status.CANCELED:
        reasons.append(f"The run did not end by itself: {facts['status_text']}.")
    if not facts["listing_complete"]:
        reasons.append("A listing was incomplete: what it lacks is not known.")
    accounted = sum(items for items, _ in sums.values())
    if accounted != facts["listed"]:
        reasons.append(f"{facts['listed']:,} items were listed, and {accounted:,} are accounted for.")
    return reasons + [f"{sums[kind][0]:,} items are {why}." for kind, why in _WHY.items() if kind in sums]


def finish(archive: zipfile.ZipFile, statement: Statement, key: Ed25519PrivateKey) -> None:
    """Write what is signed, and the signature."""
    text = msgspec.json.format(msgspec.json.encode(statement), indent=1)
    public = public_text(key.public_key())
    signature = base64.b64encode(key.sign(text)).decode()
    archive.writestr(zipfile.ZipInfo(STATEMENT), text)
    archive.writestr(zipfile.ZipInfo(SIGNATURE), msgspec.json.encode({"key": public, "signature": signature}))


def over(roots: Iterable[str]) -> str:
    """One hash over the roots of several transfers, each a leaf."""
    tree = Tree()
    for root in roots:
        tree.add(bytes.fromhex(root))
    return tree.root()


def public_text(key: Ed25519PublicKey) -> str:
    """The public key as people compare it: ed25519: and base64."""
    return KEY_PREFIX + base64.b64encode(key.public_bytes_raw()).decode()


class _Signature(msgspec.Struct, frozen=True):
    key: str
    signature: str


def check(path: Path, key: str | None = None) -> tuple[Statement, str]:
    """The statement of a certificate that is whole, and the public key that signed it. key: only this one will do.

    Everything is recomputed: the signature over the statement, each transfer's root and sums from its items, and the
    root over all. Raises Refused, with what does not agree.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _checked(archive, key)
    except FileNotFoundError as error:
        raise Refused(
            f"there is no file {path}", "Give a certificate's file, or a source and a destination."
        ) from error
    except (OSError, zipfile.BadZipFile, EOFError, zlib.error, RuntimeError, NotImplementedError) as error:
        raise Refused(f"{path} is no certificate that can be read: {error}", AGAIN) from error


def _checked(archive: zipfile.ZipFile, key: str | None) -> tuple[Statement, str]:
    names = archive.namelist()
    text = _member(archive, STATEMENT)
    try:
        signed = msgspec.json.decode(_member(archive, SIGNATURE), type=_Signature)
        if key is not None and signed.key != key:
            raise Refused(f"the certificate is signed with {signed.key}, not with the key that was given", ALTERED)
        _public(signed.key).verify(_decoded(signed.signature), text)
        statement = msgspec.json.decode(text, type=Statement)
    except (msgspec.MsgspecError, binascii.Error, ValueError, InvalidSignature) as error:
        raise Refused("the certificate's statement is not what was signed", ALTERED) from error
    if statement.format != FORMAT:
        raise Refused(f"the certificate is of a form that this version does not know: {statement.format}", NEWER)
    wanted = [STATEMENT, SIGNATURE, *(one.file for one in statement.transfers)]
    if sorted(names) != sorted(wanted):
        raise Refused("the certificate lacks items that it is about, or holds others", ALTERED)
    for one in statement.transfers:
        _compare(archive, one)
    if over(one.root for one in statement.transfers) != statement.root:
        raise Refused("the certificate's root is not that of its transfers", ALTERED)
    return statement, signed.key


def _compare(archive: zipfile.ZipFile, covered: Covered) -> None:
    tally = Tally()
    with archive.open(covered.file) as lines:
        while line := lines.readline(LONGEST_LINE):
            try:
                item = msgspec.json.decode(line, type=_Line)
            except msgspec.MsgspecError as error:
                raise Refused(f"line {tally.tree.leaves + 1} of {covered.file} is no item", ALTERED) from error
            tally.add(line.removesuffix(b"\n"), item.outcome, item.size)
    if tally.tree.root() != covered.root or tally.sums != covered.sums:
        raise Refused(f"the items in {covered.file} are not those that were signed", ALTERED)


class _Line(msgspec.Struct, frozen=True):
    path: str
    outcome: str
    size: int


class Brought(msgspec.Struct, frozen=True):
    """An item that was brought over. size: None where a document was exported, and is of another on each side."""

    path: str
    outcome: str
    size: int | None
    evidence: dict[str, Any]


def items(path: Path, covered: Covered) -> Iterator[Brought]:
    """Each item that one transfer of a certificate brought over. Checked before: see `check`."""
    decode = msgspec.json.Decoder(Brought).decode
    with zipfile.ZipFile(path) as archive, archive.open(covered.file) as lines:
        for line in lines:
            item = decode(line)
            if item.outcome == OutcomeKind.TRANSFORMED:
                yield msgspec.structs.replace(item, size=None)
            elif item.outcome in SUCCESSFUL or item.outcome == OutcomeKind.UNCHANGED:
                yield item


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise Refused(f"this file has no {name}: it is no certificate", AGAIN) from None
    if info.file_size > LARGEST_STATEMENT:
        raise Refused(f"{name} is too large to be a certificate's", AGAIN)
    return archive.read(info)


def _public(text: str) -> Ed25519PublicKey:
    if not text.startswith(KEY_PREFIX):
        raise ValueError(text)
    return Ed25519PublicKey.from_public_bytes(_decoded(text.removeprefix(KEY_PREFIX)))


def _decoded(text: str) -> bytes:
    """The bytes of base64 as one writes it: its spare bits can say nothing else. Raises ValueError."""
    found = base64.b64decode(text, validate=True)
    if base64.b64encode(found).decode() != text:
        raise ValueError(text)
    return found
