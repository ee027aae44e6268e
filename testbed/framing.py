"""HTTP/1.1 as it stands on the wire: heads kept byte for byte, bodies in pieces with their framing. For the proxy."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

PIECE = 64 * 1024
LARGEST_HEAD = 256 * 1024


@dataclass
class Head:
    """The start line and the headers of a request or an answer, in their order and spelling."""

    start: str
    fields: list[tuple[str, str]]

    def get(self, name: str) -> str | None:
        """The first value of a header, whatever its case."""
        return next((value for found, value in self.fields if found.lower() == name), None)

    def put(self, name: str, value: str | None) -> None:
        """Set a header, or remove it."""
        self.fields = [pair for pair in self.fields if pair[0].lower() != name.lower()]
        if value is not None:
            self.fields.append((name, value))

    def render(self) -> bytes:
        """As it goes on the wire."""
        lines = [self.start, *(f"{name}: {value}" for name, value in self.fields), "", ""]
        return "\r\n".join(lines).encode("latin-1")

    @property
    def status(self) -> int:
        """Of an answer's start line."""
        return int(self.start.split(" ", 2)[1])

    @property
    def last(self) -> bool:
        """Whether whoever sent this closes the connection after it."""
        said = (self.get("connection") or "").lower()
        return "close" in said or ("HTTP/1.0" in self.start and "keep-alive" not in said)


def answer_head(status: int, headers: Mapping[str, str]) -> Head:
    """The head of an answer of our own."""
    phrase = next((known.phrase for known in HTTPStatus if known == status), "Status")
    return Head(f"HTTP/1.1 {status} {phrase}", list(headers.items()))


async def read_head(reader: asyncio.StreamReader) -> tuple[Head, bytes] | None:
    """The next head and its very bytes; None when the other side closed before one."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    start, *lines = raw[:-4].decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return Head(start, [(name, value.strip(" \t")) for name, _, value in pairs]), raw


@dataclass
class Piece:
    """Some bytes of a body, and the framing (of a chunk) around them."""

    payload: bytes
    before: bytes = b""
    after: bytes = b""

    def render(self) -> bytes:
        """As it goes on the wire."""
        return self.before + self.payload + self.after


def chunk(payload: bytes) -> Piece:
    """One chunk; an empty one ends the body."""
    return Piece(payload, b"%x\r\n" % len(payload), b"\r\n")


async def of_bytes(pieces: Iterable[Piece]) -> AsyncIterator[Piece]:
    """Pieces that are there already."""
    for piece in pieces:
        yield piece


def split(body: bytes, *, chunked: bool = False) -> list[Piece]:
    """A body in pieces, as chunks (without the last, empty one) or bare."""
    parts = [body[at : at + PIECE] for at in range(0, len(body), PIECE)]
    return [chunk(part) if chunked else Piece(part) for part in parts]


async def _counted(reader: asyncio.StreamReader, left: int) -> AsyncIterator[Piece]:
    while left:
        got = await reader.read(min(left, PIECE))
        if not got:
            raise ConnectionResetError("the body ended early")
        left -= len(got)
        yield Piece(got)


async def _chunked(reader: asyncio.StreamReader) -> AsyncIterator[Piece]:
    try:
        while True:
            line = await reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            if not size:
                trailer = b""
                while not (b"\r\n" + trailer).endswith(b"\r\n\r\n"):
                    trailer += await reader.readuntil(b"\r\n")
                yield Piece(b"", line, trailer)
                return
            payload = await reader.readexactly(size)
            yield Piece(payload, line, await reader.readexactly(2))
    except asyncio.IncompleteReadError as short:
        raise ConnectionResetError("the body ended early") from short


async def _to_the_end(reader: asyncio.StreamReader) -> AsyncIterator[Piece]:
    while got := await reader.read(PIECE):
        yield Piece(got)


def is_chunked(head: Head) -> bool:
    """Whether the body comes in chunks."""
    return "chunked" in (head.get("transfer-encoding") or "").lower()


def request_body(reader: asyncio.StreamReader, head: Head) -> AsyncIterator[Piece]:
    """The body that follows a request's head. Raises ConnectionResetError when it ends early."""
    if is_chunked(head):
        return _chunked(reader)
    return _counted(reader, int(head.get("content-length") or 0))


def answer_body(reader: asyncio.StreamReader, head: Head, method: str) -> AsyncIterator[Piece]:
    """The body that follows an answer's head. Raises ConnectionResetError when it ends early."""
    if method == "HEAD" or head.status in (204, 304):
        return of_bytes([])
    if is_chunked(head):
        return _chunked(reader)
    length = head.get("content-length")
    return _to_the_end(reader) if length is None else _counted(reader, int(length))
