"""The meter: counts and hashes what streams through it, and holds it against what the source promised."""

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any

import google_crc32c

from haulage.model.errors import Mismatch, ShortRead
from haulage.model.item import Item, Written
from haulage.model.outcome import OutcomeKind

STRONG = ("sha256", "sha512", "dropbox", "sha1", "md5", "crc64nvme", "crc32c")
"""Algorithms that prove the content and its order, the best first. (Quick ones that cannot prove order are weak.)"""

WEAK = ("quickxor",)
"""Algorithms that find damage, but cannot prove that nothing changed places."""

COMPUTED = ("sha256", "md5", "sha1", "sha512", "crc32c", "quickxor", "dropbox")
"""Those that the meter can compute."""

INLINE_BYTES = 64 * 1024
"""Up to this size a hash is quicker than the way to a thread and back."""


HASH_BLOCK_BYTES = 4 * 1024 * 1024
"""The blocks of Dropbox's hash."""

CRC_SLICE_BYTES = 128 * 1024
"""The library takes nothing but `bytes`: what is copied for it at once stays in the processor's cache."""


class _Crc32c:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        for start in range(0, len(view), CRC_SLICE_BYTES):
            self._value = google_crc32c.extend(self._value, bytes(view[start : start + CRC_SLICE_BYTES]))

    def hexdigest(self) -> str:
        return f"{self._value:08x}"


class _BlockHash:
    """SHA-256 over the SHA-256 of each block: dropbox.com/developers/reference/content-hash."""

    def __init__(self) -> None:
        self._blocks = hashlib.sha256()
        self._block, self._filled = hashlib.sha256(), 0

    def update(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        while len(view):
            piece = view[: HASH_BLOCK_BYTES - self._filled]
            self._block.update(piece)
            self._filled += len(piece)
            view = view[len(piece) :]
            if self._filled == HASH_BLOCK_BYTES:
                self._blocks.update(self._block.digest())
                self._block, self._filled = hashlib.sha256(), 0

    def hexdigest(self) -> str:
        whole = self._blocks.copy()
        if self._filled:
            whole.update(self._block.digest())
        return whole.hexdigest()


def hasher(algorithm: str) -> Any:
    """An object with update() and hexdigest()."""
    if algorithm == "quickxor":
        from haulage.engine.quickxor import QuickXor  # its numpy is loaded only where a service needs this hash

        return QuickXor()
    if algorithm == "dropbox":
        return _BlockHash()
    return _Crc32c() if algorithm == "crc32c" else hashlib.new(algorithm, usedforsecurity=False)


def digest(algorithm: str, body: bytes | memoryview) -> str:
    """Hex of the whole body."""
    whole = hasher(algorithm)
    whole.update(body)
    return str(whole.hexdigest())


class Meter:
    """Hashes a stream with several algorithms and counts its bytes."""

    def __init__(self, algorithms: set[str]) -> None:
        self.count = 0
        self._hashers = {name: hasher(name) for name in COMPUTED if name in algorithms}

    def update(self, data: bytes | memoryview) -> None:
        """Take in the next bytes."""
        self.count += len(data)
        for one in self._hashers.values():
            one.update(data)

    async def update_aside(self, data: memoryview) -> None:
        """The same, in a thread when there is much of it."""
        if len(data) <= INLINE_BYTES:
            self.update(data)
        else:
            await asyncio.to_thread(self.update, data)

    def digests(self) -> dict[str, str]:
        """Hex by algorithm of all that was taken in."""
        return {name: one.hexdigest() for name, one in self._hashers.items()}


def check_promise(promised: Item, count: int, digests: Mapping[str, str]) -> None:
    """Hold what came against what the source had promised. Raises ShortRead or Mismatch."""
    if promised.size is not None and count != promised.size:
        raise ShortRead(f"the source gave {count} bytes and had promised {promised.size}")
    for name, value in promised.hashes.items():
        if name in digests and digests[name] != value:
            raise Mismatch(f"the source promised {name} {value}, and what it gave has {digests[name]}")


def prove(written: Written, size: int, digests: Mapping[str, str]) -> tuple[OutcomeKind, dict[str, Any]]:
    """What the destination's own answer proves, and the evidence. Raises Mismatch where it contradicts us."""
    if written.size is not None and written.size != size:
        raise Mismatch(f"the destination holds {written.size} bytes of {size}")
    evidence: dict[str, Any] = {"size": size, "revision": written.revision, "sha256": digests.get("sha256")}
    for name in STRONG:
        if name in written.hashes and name in digests:
            if written.hashes[name] != digests[name]:
                raise Mismatch(f"the destination has {name} {written.hashes[name]}, sent was {digests[name]}")
            return OutcomeKind.VERIFIED, {**evidence, "proof": name, name: digests[name]}
    if written.parts_checked:
        return OutcomeKind.VERIFIED, {**evidence, "proof": "the destination checked every part"}
    if size == 0 and written.size == 0:
        return OutcomeKind.VERIFIED, {**evidence, "proof": "empty"}
    for name in WEAK:
        if name in written.hashes and name in digests:
            if written.hashes[name] != digests[name]:
                raise Mismatch(f"the destination has {name} {written.hashes[name]}, sent was {digests[name]}")
            return OutcomeKind.VERIFIED_WEAK, {**evidence, "proof": name, name: digests[name]}
    return OutcomeKind.VERIFIED_WEAK, {**evidence, "proof": "size" if written.size is not None else "accepted"}
