"""The bytes of files: drawn on the fly from a finite pool, or spooled to disk as they were written.

Nothing that was ever written is thrown away while the sandbox runs: the history can be asked for every version.
"""

import math
import os
import random
import statistics
from collections.abc import Iterator
from pathlib import Path

import msgspec

from haulage.sandbox.frame.hashing import digests
from haulage.sandbox.frame.ids import Ids

PIECE_BYTES = 256 << 10
BLOCK_BYTES = 64 << 10
STAMP_BYTES = 16
NOISE_BYTES = 4 << 20
POOL_SIZE = 256
MEDIAN_BYTES = 40_000
SPREAD = 2.95  # sigma of the logarithm; with the median it gives a mean of about 2.4 MB over the pool's strata


class Content(msgspec.Struct, frozen=True, gc=False):
    """The bytes of one version of a file. key: says where they are; the same for the same bytes of the same upload.

    extents: (offset, length) in the spool, in order; empty for content that is drawn from the pool.
    """

    key: str
    size: int
    extents: tuple[tuple[int, int], ...] = ()


EMPTY = Content("empty", 0)


class Draft:
    """Bytes on their way in: what was written so far, in order of writing."""

    def __init__(self, contents: "Contents") -> None:
        self._contents = contents
        self._extents: list[tuple[int, int]] = []
        self.size = 0

    def write(self, chunk: bytes | memoryview) -> None:
        """Take the next bytes."""
        offset = self._contents.spool(chunk)
        if self._extents and sum(self._extents[-1]) == offset:
            self._extents[-1] = (self._extents[-1][0], self._extents[-1][1] + len(chunk))
        elif len(chunk):
            self._extents.append((offset, len(chunk)))
        self.size += len(chunk)

    def content(self) -> Content:
        """What was written so far, as content."""
        return self._contents.join([Content("part", self.size, tuple(self._extents))])


class Contents:
    """All bytes of the sandbox.

    folder: where written bytes are spooled, in one file. seed: of the pool.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._seed = seed
        self._ids = Ids(seed)
        self._file = os.open(folder / "spool.bin", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._end = os.fstat(self._file).st_size
        self._digests: dict[tuple[str, str], bytes] = {}
        self._noise: bytes | None = None
        self._sizes = _pool_sizes()

    def close(self) -> None:
        """Let go of the spool."""
        os.close(self._file)

    def draft(self) -> Draft:
        """A place for bytes that come in."""
        return Draft(self)

    def of(self, body: bytes) -> Content:
        """Content of just these bytes."""
        made = self.draft()
        made.write(body)
        return made.content()

    def pooled(self, *words: object) -> Content:
        """One of the pool's contents, chosen by these words: sizes as in real tenants."""
        index = self._ids.number("pool", *words, below=len(self._sizes))
        return self.drawn(self._sizes[index], index)

    def drawn(self, size: int, variant: int = 0) -> Content:
        """Content of that size that costs no disk; each variant has other bytes."""
        return Content(f"pool:{variant}:{size}", size) if size else EMPTY

    def join(self, parts: list[Content]) -> Content:
        """The written parts one behind the other, as one content; no byte is copied."""
        extents = tuple(extent for part in parts for extent in part.extents)
        size = sum(part.size for part in parts)
        if not size:
            return EMPTY
        return Content(f"spool:{','.join(f'{at}+{length}' for at, length in extents)}", size, extents)

    def cut(self, content: Content, start: int, stop: int) -> Content:
        """A part of written content."""
        extents, at = [], 0
        for offset, length in content.extents:
            low, high = max(start - at, 0), min(stop - at, length)
            if low < high:
                extents.append((offset + low, high - low))
            at += length
        return self.join([Content("part", sum(length for _, length in extents), tuple(extents))])

    def spool(self, chunk: bytes | memoryview) -> int:
        """Keep these bytes; returns their offset in the spool."""
        offset, view = self._end, memoryview(chunk)
        self._end += len(chunk)
        while view:
            view = view[os.pwrite(self._file, view, self._end - len(view)) :]
        return offset

    def read(self, content: Content, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes from `start` up to `stop`, in pieces of at most 256 KiB."""
        stop = content.size if stop is None else min(stop, content.size)
        return self._drawn(content, start, stop) if not content.extents else self._spooled(content, start, stop)

    def whole(self, content: Content) -> bytes:
        """All of it."""
        return b"".join(self.read(content))

    def digest(self, content: Content, algorithm: str) -> bytes:
        """Its hash (see hashing.hasher), each computed once."""
        if (found := self._digests.get((content.key, algorithm))) is None:
            self.hash(content, algorithm)
            found = self._digests[content.key, algorithm]
        return found

    def known(self, content: Content, algorithm: str) -> bool:
        """Whether `digest` has the hash at once."""
        return (content.key, algorithm) in self._digests

    def hashed(self, content: Content, *algorithms: str) -> bool:
        """Whether `digest` has all these hashes at hand."""
        return all((content.key, name) in self._digests for name in algorithms)

    def hash(self, content: Content, *algorithms: str) -> None:
        """Compute several hashes in one pass, for `digest` to find; may run in a thread."""
        wanted = [name for name in algorithms if (content.key, name) not in self._digests]
        for name, digest in digests(self.read(content), wanted).items():
            self._digests[content.key, name] = digest

    def of_key(self, key: str) -> Content:
        """The content of that key."""
        kind, _, rest = key.partition(":")
        if kind == "spool":
            pairs = [extent.split("+") for extent in rest.split(",")]
            extents = tuple((int(at), int(length)) for at, length in pairs)
            return Content(key, sum(length for _, length in extents), extents)
        return Content(key, int(rest.rsplit(":", 1)[1])) if kind == "pool" else EMPTY

    def sha256_of(self, key: str) -> str:
        """The SHA-256 of the content of that key, in hex; "" for the key of none."""
        return self.digest(self.of_key(key), "sha256").hex() if key else ""

    def _spooled(self, content: Content, start: int, stop: int) -> Iterator[bytes]:
        at = 0
        for offset, length in content.extents:
            low, high = max(start - at, 0), min(stop - at, length)
            at += length
            while low < high:
                piece = os.pread(self._file, min(PIECE_BYTES, high - low), offset + low)
                if not piece:
                    raise OSError(f"the spool ends at {offset + low}, before what it should hold")
                low += len(piece)
                yield piece

    def _drawn(self, content: Content, start: int, stop: int) -> Iterator[bytes]:
        if self._noise is None:
            self._noise = random.Random(self._seed).randbytes(NOISE_BYTES)  # noqa: S311 - bytes of made-up files
        while start < stop:
            block, skip = divmod(start, BLOCK_BYTES)
            pieces = []
            for number in range(block, min(block + PIECE_BYTES // BLOCK_BYTES, -(-stop // BLOCK_BYTES))):
                stamp = self._ids.raw(content.key, number, size=STAMP_BYTES)
                offset = int.from_bytes(stamp[:4], "big") % (NOISE_BYTES - BLOCK_BYTES)
                pieces += [stamp, self._noise[offset : offset + BLOCK_BYTES - STAMP_BYTES]]
            piece = b"".join(pieces)[skip : skip + stop - start]
            start += len(piece)
            yield piece


def _pool_sizes() -> list[int]:
    """Sizes of the pool's contents, in bytes: one of each stratum of a log-normal distribution, three of them empty."""
    normal = statistics.NormalDist()
    sizes = [
        int(MEDIAN_BYTES * math.exp(SPREAD * normal.inv_cdf((index + 0.5) / POOL_SIZE))) for index in range(POOL_SIZE)
    ]
    return [0, 0, 0, *sizes[3:]]
