"""Small pictures, made by hand."""

import base64
import html
import struct
import zlib
from hashlib import blake2b

SIDE = 16
GREY_JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////"
    "////////wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAA//EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AN//Z"
)
"""The smallest baseline JPEG: one grey point."""


def png(text: str) -> bytes:
    """16 x 16 points whose colours follow from the text."""
    noise = blake2b(text.encode()).digest() * 12
    rows = b"".join(b"\0" + noise[row : row + SIDE * 3] for row in range(SIDE))

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def jpeg() -> bytes:
    """One grey point."""
    return GREY_JPEG


def svg(title: str, text: str) -> bytes:
    """The text as a drawing."""
    lines = "".join(
        f'<text x="10" y="{20 * number}">{html.escape(line)}</text>' for number, line in enumerate(text.split("\n"), 1)
    )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="960" height="720"><title>{html.escape(title)}</title>'
    return f"{head}{lines}</svg>".encode()
