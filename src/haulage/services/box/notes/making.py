"""Reading a note as a Word document. What cannot be made one comes as the file that it is, and is not lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import msgspec

from haulage.model.errors import Refused
from haulage.model.item import Carried, Item
from haulage.services.box.notes import reading
from haulage.services.box.notes.document import NotANote, Note
from haulage.services.contract import Content

ENDING = ".boxnote"
FORMS = ("docx", "boxnote")
DEFAULT = "docx"
MIME = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
CHUNK_BYTES = 1024 * 1024
LARGEST_BYTES = 32 * 1024 * 1024
PICTURES_BYTES = 64 * 1024 * 1024

Fetch = Callable[[str, int], Awaitable[bytes | None]]
"""The content of the file with that id, if it can be had and has so many bytes at most."""


def settle_notes(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings as they are kept. Raises Refused for a form that there is not."""
    wanted = settings.get("notes_format", "").strip().lower().lstrip(".") or DEFAULT
    if wanted not in FORMS:
        raise Refused(f"a Box Note cannot be had as {wanted!r}", f"Choose one of {', '.join(FORMS)}.")
    return {**settings, "notes_format": wanted}


class Made:
    """A note that was read to its end."""

    def __init__(self, item: Item, carried: Carried, body: bytes) -> None:
        self.item, self.carried = item, carried
        self._body = body

    async def chunks(self) -> AsyncIterator[bytes | memoryview]:
        """See the contract."""
        for start in range(0, len(self._body), CHUNK_BYTES):
            yield memoryview(self._body)[start : start + CHUNK_BYTES]


async def as_word(content: Content, fetch: Fetch) -> Content:
    """The note that is being read, as a Word document; the item of the result says what became of it."""
    item = content.item
    if (item.size or 0) > LARGEST_BYTES:
        content.item = _told(item, f"larger than {LARGEST_BYTES} bytes")
        return content
    body = b"".join([bytes(chunk) async for chunk in content.chunks()])
    from haulage.services.box.notes import word

    try:
        note = await asyncio.to_thread(reading.read, body)
        pictures = await _pictures(note, fetch)
        title = item.path.rpartition("/")[2][: -len(ENDING)]
        made, linked = await asyncio.to_thread(word.made, note, title, pictures)
    except (NotANote, RecursionError) as error:
        return Made(_told(item, str(error) or "nested too deeply"), content.carried, body)
    path = f"{item.path[: -len(ENDING)]}.{DEFAULT}"
    what = msgspec.structs.replace(item, path=path, size=None, hashes={}, note=_left_out(note, linked))
    return Made(what, msgspec.structs.replace(content.carried, content_type=MIME), made)


async def _pictures(note: Note, fetch: Fetch) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    left = PICTURES_BYTES
    for picture in note.pictures():
        if picture.file_id.isdecimal() and (body := await fetch(picture.file_id, left)) is not None:
            found[picture.file_id] = body
            left -= len(body)
    return found


def _told(item: Item, why: str) -> Item:
    note = f"a Box Note that could not be made a Word document, kept as it is: {why}"
    return msgspec.structs.replace(item, note=note)


def _left_out(note: Note, linked: int) -> str:
    told = "a Box Note, made a Word document"
    if linked:
        told += f"; {linked:,} of its pictures {'is a link' if linked == 1 else 'are links'} in it"
    if note.unread:
        what = ", ".join(sorted(note.unread))
        told += f"; only the text was carried over of: {what}"
    return told
