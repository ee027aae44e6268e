"""The completeness certificate: the tree is RFC 6962's, and nothing in a certificate can be altered unseen."""

import hashlib
import itertools
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from haulage.ledger.runs import RunRow
from haulage.ledger.work import OutcomeRow
from haulage.model.errors import Refused
from haulage.model.outcome import OutcomeKind
from haulage.reports import certificate
from haulage.reports.certificate import Entry, Statement
from haulage.reports.merkle import Tree

KEY = Ed25519PrivateKey.generate()
RUN = RunRow(7, 1, "copy", 100, 1_000_000, 2_000_000, 2_000_000, {}, None, "from", "to")
FACTS: dict[str, Any] = {"run": 7, "kind": "copy", "status": 100, "status_text": "Success", "filters": {}}
FACTS |= {
    "source": "from",
    "destination": "to",
    "source_identity": "file:///from",
    "destination_identity": "file:///to",
}
FACTS |= {"listed": 3, "listed_bytes": 6, "listing_complete": True}


def naive(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, as it is written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + naive(leaves[:split]) + naive(leaves[split:])).digest()


@pytest.mark.parametrize("count", [*range(20), 63, 64, 65, 1000])
def test_the_tree_is_that_of_the_rfc(count: int) -> None:
    """For every number of leaves."""
    leaves = [str(one).encode() for one in range(count)]
    tree = Tree()
    for leaf in leaves:
        tree.add(leaf)
    assert (tree.root(), tree.leaves) == (naive(leaves).hex(), count)


def test_a_known_root() -> None:
    """The eight leaves, and their root, of Certificate Transparency's own tests (merkle_tree_test of its reference)."""
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    tree = Tree()
    for leaf in leaves:
        tree.add(bytes.fromhex(leaf))
    assert tree.root() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


def row(number: int, kind: str = OutcomeKind.VERIFIED, **others: Any) -> OutcomeRow:
    told: dict[str, Any] = {
        "target": None,
        "code": None,
        "message": None,
        "fix": None,
        "side": None,
        "listed": True,
        "adopted": False,
    }
    told |= {"at_us": 5, "evidence": {"sha256": f"{number:064x}", "proof": "sha256", "began_us": 4}} | others
    return OutcomeRow(item_id=number, path=f"f{number}\u202e\n", outcome=kind, size=number, **told)


def issued(path: Path, rows: list[OutcomeRow], **facts: Any) -> Statement:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        covered = certificate.write_items(archive, 1, Entry(RUN, FACTS | facts, rows))
        root, complete = certificate.over([covered.root]), not covered.reasons
        statement = Statement(certificate.FORMAT, "i", "now", None, complete, root, [covered], [])
        certificate.finish(archive, statement, KEY)
    return statement


def test_what_is_whole_is_read_back(tmp_path: Path) -> None:
    """With the key that signed, or with none; and no other."""
    path = tmp_path / "c.zip"
    made = issued(path, [row(1), row(2), row(3)])
    public = certificate.public_text(KEY.public_key())
    assert made.complete and made.transfers[0].sums == {"verified": (3, 6)}
    assert certificate.check(path) == certificate.check(path, public) == (made, public)
    other = certificate.public_text(Ed25519PrivateKey.generate().public_key())
    with pytest.raises(Refused, match="not with the key that was given"):
        certificate.check(path, other)


INCOMPLETE = [
    ({}, [row(1), row(2)], "3 items were listed, and 2 are accounted for."),
    ({"listing_complete": False}, [row(1), row(2), row(3)], "A listing was incomplete"),
    ({"status": 230, "status_text": "Canceled"}, [row(1), row(2), row(3)], "did not end by itself: Canceled"),
    ({"status": 404, "status_text": "Crashed"}, [row(1), row(2), row(3)], "did not end by itself: Crashed"),
]
INCOMPLETE += [
    ({}, [row(1), row(2), row(3, kind)], f"1 items are {words}")
    for kind, words in [
        (OutcomeKind.VERIFIED_WEAK, "proven by their size only"),
        (OutcomeKind.UNSUPPORTED, "of a kind that cannot"),
        (OutcomeKind.FAILED, "not copied, or"),
        (OutcomeKind.CHANGED_AT_SOURCE, "not copied, since"),
        (OutcomeKind.UNCHANGED, "unchanged since a run"),
    ]
]


@pytest.mark.parametrize(("facts", "rows", "why"), INCOMPLETE)
def test_what_is_not_proven_is_named(tmp_path: Path, facts: dict[str, Any], rows: list[OutcomeRow], why: str) -> None:
    """Whatever is missing, the certificate is not one of completeness."""
    made = issued(tmp_path / "c.zip", rows, **facts)
    assert not made.complete
    assert len(made.transfers[0].reasons) == 1 and why in made.transfers[0].reasons[0]
    assert certificate.check(tmp_path / "c.zip")[0] == made


def test_what_a_person_left_out_is_no_lack(tmp_path: Path) -> None:
    """Filters are in the statement, and what vanished at the source is at neither side."""
    left = [row(1), row(2, OutcomeKind.SKIPPED), row(3, OutcomeKind.GONE_AT_SOURCE)]
    assert issued(tmp_path / "c.zip", left).complete


def rewritten(path: Path, change: dict[str, bytes | None]) -> None:
    with zipfile.ZipFile(path) as archive:
        held: dict[str, bytes | None] = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**held, **change}.items():
            if content is not None:
                archive.writestr(name, content)


def test_every_altered_line_is_found_out(tmp_path: Path) -> None:
    """Each byte of the items and of the statement; lines swapped, doubled, left out; members left out and added."""
    path = tmp_path / "c.zip"
    issued(path, [row(1), row(2), row(3)])
    with zipfile.ZipFile(path) as archive:
        items, text = archive.read("items/1.jsonl"), archive.read(certificate.STATEMENT)
        signature = archive.read(certificate.SIGNATURE)
    lines = items.splitlines(keepends=True)
    changes: list[dict[str, bytes | None]] = [
        {"items/1.jsonl": b"".join(order)} for order in itertools.permutations(lines)
    ]
    changes[0] = {"items/1.jsonl": items + lines[2]}
    changes += [{"items/1.jsonl": b"".join(lines[:2])}, {"items/1.jsonl": None}, {"items/2.jsonl": b""}]
    changes += [{certificate.STATEMENT: None}, {certificate.SIGNATURE: None}, {certificate.STATEMENT: text + b" "}]
    changes += [{"items/1.jsonl": flipped(items, at)} for at in range(0, len(items), 7)]
    changes += [{certificate.STATEMENT: flipped(text, at)} for at in range(0, len(text), 7)]
    changes += [{certificate.SIGNATURE: flipped(signature, at)} for at in range(0, len(signature), 3)]
    forged = msgspec.json.decode(signature) | {
        "key": certificate.public_text(Ed25519PrivateKey.generate().public_key())
    }
    changes.append({certificate.SIGNATURE: msgspec.json.encode(forged)})
    for change in changes:
        issued(path, [row(1), row(2), row(3)])
        rewritten(path, change)
        with pytest.raises(Refused) as told:
            certificate.check(path)
        assert told.value.fix


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize("keep", [0, 10, 300])
def test_a_torn_file_is_told(tmp_path: Path, keep: int) -> None:
    """As a stopped download leaves it."""
    path = tmp_path / "c.zip"
    issued(path, [row(1), row(2), row(3)])
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(Refused, match="no certificate that can be read"):
        certificate.check(path)
