"""The meter, and what the destination's answer proves."""

import hashlib

import pytest

from haulage.engine.meter import INLINE_BYTES, Meter, check_promise, digest, prove
from haulage.model.errors import Mismatch, ShortRead
from haulage.model.item import Item, Kind, Written
from haulage.model.outcome import OutcomeKind

BODY = bytes(range(256)) * 1000


async def test_hashes_are_the_same_in_pieces_and_whole() -> None:
    meter = Meter({"sha256", "md5", "crc32c"})
    view = memoryview(BODY)
    for start in range(0, len(BODY), INLINE_BYTES + 7):
        await meter.update_aside(view[start : start + INLINE_BYTES + 7])
    assert meter.count == len(BODY)
    assert meter.digests() == {name: digest(name, BODY) for name in ("sha256", "md5", "crc32c")}
    assert digest("sha256", BODY) == hashlib.sha256(BODY).hexdigest()


def test_crc32c_is_castagnoli() -> None:
    """RFC 3720, B.4: 32 bytes of zeros."""
    assert digest("crc32c", bytes(32)) == "8a9136aa"


@pytest.mark.parametrize(
    ("size", "expected"),  # of so many letters A, as another program computes them
    [
        (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (1, "1cd6ef71e6e0ff46ad2609d403dc3fee244417089aa4461245a4e4fe23a55e42"),
        (4194303, "647c8627d70f7a7d13ce96b1e7710a771a55d41a62c3da490d92e56044d311fa"),
        (4194304, "d4d63bac5b866c71620185392a8a6218ac1092454a2d16f820363b69852befa3"),
        (4194305, "8f553da8d00d0bf509d8470e242888be33019c20c0544811f5b2b89e98360b92"),
        (8388609, "02c8a4aefc2bfc9036f89a7098001865885938ca580e5c9e5db672385edd303c"),
    ],
)
def test_dropboxs_hash(size: int, expected: str) -> None:
    assert digest("dropbox", b"A" * size) == expected
    pieces = Meter({"dropbox"})
    for start in range(0, size, 3_000_001):
        pieces.update(b"A" * min(3_000_001, size - start))
    assert pieces.digests()["dropbox"] == expected


def promised(size: int, **hashes: str) -> Item:
    return Item("a", Kind.FILE, size, hashes=hashes)


def test_what_came_is_held_against_the_promise() -> None:
    """T01, T06, F16."""
    check_promise(promised(3, md5="aa", crc64nvme="unknown to us"), 3, {"md5": "aa"})
    with pytest.raises(ShortRead):
        check_promise(promised(4), 3, {})
    with pytest.raises(ShortRead):
        check_promise(promised(2), 3, {})
    with pytest.raises(Mismatch):
        check_promise(promised(3, md5="bb"), 3, {"md5": "aa"})


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        (Written("a", "r", hashes={"md5": "m"}), OutcomeKind.VERIFIED),
        (Written("a", "r", hashes={"sha256": "s"}), OutcomeKind.VERIFIED),
        (Written("a", "r", parts_checked=True), OutcomeKind.VERIFIED),
        (Written("a", "r", size=10), OutcomeKind.VERIFIED_WEAK),
        (Written("a", "r"), OutcomeKind.VERIFIED_WEAK),
        (Written("a", "r", hashes={"quickxor": "q"}), OutcomeKind.VERIFIED_WEAK),
    ],
)
def test_what_an_answer_proves(written: Written, kind: OutcomeKind) -> None:
    """T18: nothing is called stronger than what was checked."""
    found, evidence = prove(written, 10, {"md5": "m", "sha256": "s"})
    assert found == kind
    assert evidence["sha256"] == "s"


def test_a_contradiction_is_never_a_success() -> None:
    for written in (Written("a", size=9), Written("a", hashes={"md5": "other"}), Written("a", hashes={"sha256": "x"})):
        with pytest.raises(Mismatch):
            prove(written, 10, {"md5": "m", "sha256": "s"})
    assert prove(Written("a", size=0), 0, {})[0] == OutcomeKind.VERIFIED


def test_a_weak_hash_finds_damage_and_proves_no_more_than_it_can() -> None:
    """T17, G7: quickXorHash cannot tell fragments that changed places."""
    kind, evidence = prove(Written("a", size=10, hashes={"quickxor": "q"}), 10, {"quickxor": "q", "sha256": "s"})
    assert (kind, evidence["proof"]) == (OutcomeKind.VERIFIED_WEAK, "quickxor")
    with pytest.raises(Mismatch):
        prove(Written("a", size=10, hashes={"quickxor": "other"}), 10, {"quickxor": "q"})
    assert (
        prove(Written("a", hashes={"quickxor": "q", "sha1": "1"}), 10, {"quickxor": "q", "sha1": "1"})[0] == "verified"
    )
