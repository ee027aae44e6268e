"""The hashes that services report, each as its vendor defines it."""

import base64
import hashlib
from collections.abc import Iterable
from typing import Protocol

import numpy as np

DROPBOX_BLOCK_BYTES = 4 << 20  # dropbox.com/developers/reference/content-hash
QUICK_XOR_BITS = 160
QUICK_XOR_STEP = 11
QUICK_XOR_CYCLE = 64 * QUICK_XOR_BITS  # bytes folded at once: bit offsets repeat every 160 bytes


class Hasher(Protocol):
    """What hashlib's hashes are like."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Take the next bytes."""

    def digest(self) -> bytes:
        """The hash of all bytes so far."""


class QuickXor:
    """quickXorHash, the one hash that OneDrive and SharePoint promise.

    Source: learn.microsoft.com/onedrive/developer/code-snippets/quickxorhash. Byte number i is XORed into a register of
    160 bits at bit 11 * i mod 160; the length, as 64 bits, into its last eight bytes.
    """

    def __init__(self) -> None:
        self._cells = np.zeros(QUICK_XOR_CYCLE, dtype=np.uint8)
        self._at = 0

    def update(self, data: bytes | memoryview, /) -> None:
        """Take the next bytes."""
        array = np.frombuffer(data, dtype=np.uint8)
        start = self._at % QUICK_XOR_CYCLE
        self._at += len(array)
        if start:
            head = array[: QUICK_XOR_CYCLE - start]
            self._cells[start : start + len(head)] ^= head
            array = array[len(head) :]
        rows = len(array) // QUICK_XOR_CYCLE
        if rows:
            block = array[: rows * QUICK_XOR_CYCLE].reshape(rows, QUICK_XOR_CYCLE)
            self._cells ^= np.bitwise_xor.reduce(block, axis=0)
        tail = array[rows * QUICK_XOR_CYCLE :]
        self._cells[: len(tail)] ^= tail

    def digest(self) -> bytes:
        """20 bytes; the vendor shows them as base64."""
        register = 0
        folded = np.bitwise_xor.reduce(self._cells.reshape(-1, QUICK_XOR_BITS), axis=0)
        for index, cell in enumerate(folded.tolist()):
            register ^= cell << (index * QUICK_XOR_STEP % QUICK_XOR_BITS)
        register = (register & ((1 << QUICK_XOR_BITS) - 1)) ^ (register >> QUICK_XOR_BITS)
        register ^= self._at << (QUICK_XOR_BITS - 64)
        return register.to_bytes(20, "little")


class DropboxHash:
    """Dropbox's content_hash: SHA-256 over the SHA-256 of each block of 4 MiB."""

    def __init__(self) -> None:
        self._outer = hashlib.sha256()
        self._inner = hashlib.sha256()
        self._room = DROPBOX_BLOCK_BYTES

    def update(self, data: bytes | memoryview, /) -> None:
        """Take the next bytes."""
        view = memoryview(data)
        while view:
            piece = view[: self._room]
            self._inner.update(piece)
            self._room -= len(piece)
            view = view[len(piece) :]
            if not self._room:
                self._outer.update(self._inner.digest())
                self._inner, self._room = hashlib.sha256(), DROPBOX_BLOCK_BYTES

    def digest(self) -> bytes:
        """32 bytes; the vendor shows them as lower-case hex."""
        whole = self._outer.copy()
        if self._room != DROPBOX_BLOCK_BYTES:
            whole.update(self._inner.digest())
        return whole.digest()


def hasher(algorithm: str) -> Hasher:
    """A new hash: md5, sha1, sha256, sha512, quickxor or dropbox. Raises ValueError for any other."""
    if algorithm == "quickxor":
        return QuickXor()
    if algorithm == "dropbox":
        return DropboxHash()
    return hashlib.new(algorithm, usedforsecurity=False)


def digests(chunks: Iterable[bytes | memoryview], algorithms: Iterable[str]) -> dict[str, bytes]:
    """The hashes of the bytes, by algorithm."""
    making = {name: hasher(name) for name in algorithms}
    for chunk in chunks:
        for one in making.values():
            one.update(chunk)
    return {name: one.digest() for name, one in making.items()}


def base64_text(digest: bytes) -> str:
    """A digest as base64."""
    return base64.b64encode(digest).decode()
