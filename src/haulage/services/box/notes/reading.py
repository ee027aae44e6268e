"""From a .boxnote file to what stands in it."""

from typing import Any

import msgspec

from haulage.services.box.notes import nodes, pads
from haulage.services.box.notes.document import NotANote, Note


class _File(msgspec.Struct):
    """doc: of notes since August 2022, nodes; atext and pool: of older ones, a text and what is said of its letters."""

    doc: dict[str, Any] | None = None
    atext: pads.Attributed | None = None
    pool: pads.Pool = msgspec.field(default_factory=pads.Pool)


def read(body: bytes) -> Note:
    """The note. Raises NotANote."""
    try:
        found = msgspec.json.decode(body, type=_File)
        if found.doc is not None:
            return nodes.read(found.doc)
        if found.atext is not None:
            return pads.read(found.atext, found.pool)
    except (msgspec.DecodeError, RecursionError, AttributeError, TypeError, ValueError) as error:
        raise NotANote(f"it cannot be read as a Box Note ({type(error).__name__})") from error
    raise NotANote("it is not what Box keeps a Box Note as")
