"""Reads a `multipart/related` body of two parts, JSON and media, as it comes: the media is never held in memory.

Source: RFC 2046, 2387. Python's own writer ends lines with a bare line feed; its reader here takes both.
"""

import base64
import re
from collections.abc import AsyncIterator

from haulage.sandbox.frame.contents import Content, Contents
from haulage.sandbox.google.errors import bad_request

LARGEST_HEAD_BYTES = 2 << 20
BOUNDARY = re.compile(r"""boundary=(?:"([^"]+)"|([^;\s]+))""", re.IGNORECASE)


class Related:
    """A body of two parts. metadata: the first part's bytes; mime: the type of the second, "" if it says none."""

    def __init__(self, kind: str, contents: Contents) -> None:
        """kind: the request's Content-Type. Raises Refusal for one without a boundary."""
        found = BOUNDARY.search(kind)
        if found is None:
            raise bad_request("Malformed multipart body.")
        self._mark = b"--" + (found[1] or found[2]).encode()
        self._contents = contents
        self.metadata = b""
        self.mime = ""
        self._encoded = False

    async def read(self, chunks: AsyncIterator[bytes]) -> Content:
        """The media. Raises Refusal for a body that is none of this kind, or ends too early."""
        head = b""
        async for chunk in chunks:
            head += chunk
            if (rest := self._heads(head)) is not None:
                return self._decoded(await self._media(rest, chunks))
            if len(head) > LARGEST_HEAD_BYTES:
                break
        raise bad_request("Malformed multipart body.")

    def _heads(self, head: bytes) -> bytes | None:
        """What follows the head of the second part; None while that is not complete."""
        start = head.find(self._mark)
        line = head.find(b"\n", start)
        if start < 0 or line < 0:
            return None
        self._end = b"\r\n" if head[line - 1 : line] == b"\r" else b"\n"
        first = head.find(self._end * 2, start)
        second = head.find(self._end + self._mark, first)
        if first < 0 or second < 0:
            return None
        begin = head.find(self._end, second + len(self._end))
        if begin < 0 or len(head) < begin + 2 * len(self._end):
            return None
        blank = begin if head.startswith(self._end * 2, begin) else head.find(self._end * 2, begin)
        if blank < 0:
            return None
        self.metadata = head[first + 2 * len(self._end) : second]
        for line_text in head[begin:blank].decode("utf-8", "replace").splitlines():
            name, _, value = line_text.partition(":")
            if name.strip().lower() == "content-type":
                self.mime = value.strip()
            elif name.strip().lower() == "content-transfer-encoding":
                self._encoded = value.strip().lower() == "base64"
        return head[blank + 2 * len(self._end) :]

    async def _media(self, rest: bytes, chunks: AsyncIterator[bytes]) -> Content:
        """Everything up to the closing delimiter."""
        end, draft = self._end + self._mark, self._contents.draft()
        rest = self._end + rest  # an empty part's delimiter follows its head at once
        skip = len(self._end)
        while (at := rest.find(end)) < 0:
            keep = max(len(rest) - len(end) + 1, 0)
            if keep > skip:
                draft.write(memoryview(rest)[skip:keep])
                rest, skip = rest[keep:], 0
            chunk = await anext(chunks, None)
            if chunk is None:
                raise bad_request("Malformed multipart body.")
            rest += chunk
        if at > skip:
            draft.write(memoryview(rest)[skip:at])
        async for _ in chunks:
            pass  # an epilogue
        return draft.content()

    def _decoded(self, content: Content) -> Content:
        if not self._encoded:
            return content
        try:
            return self._contents.of(base64.b64decode(self._contents.whole(content), validate=False))
        except ValueError:
            raise bad_request("Malformed base64 in the multipart body.") from None
