"""What stands in a note, whichever form it was kept in."""

from collections import Counter
from collections.abc import Iterator

import msgspec

from haulage.model.errors import Mismatch


class Look(msgspec.Struct, frozen=True):
    """How a piece of text looks. color, highlight: RRGGBB; points: its height; link: where it leads."""

    bold: bool = False
    italic: bool = False
    underlined: bool = False
    struck: bool = False
    code: bool = False
    color: str | None = None
    highlight: str | None = None
    points: int | None = None
    link: str | None = None


PLAIN = Look()


class Text(msgspec.Struct, frozen=True):
    """Letters that look alike. A line feed in them begins a new line of the same paragraph."""

    text: str
    look: Look = PLAIN


class Picture(msgspec.Struct, frozen=True):
    """A picture, which is a file of its own. link: where a person can see it."""

    file_id: str
    name: str
    link: str | None = None


class Paragraph(msgspec.Struct):
    """kind: text, heading, bullet, number, check, quote, code, callout or indent; level: from 1 on.

    start: of a numbered paragraph that begins a list, its number. align: left, center, right or justify.
    """

    pieces: list[Text | Picture] = []
    kind: str = "text"
    level: int = 1
    checked: bool = False
    start: int | None = None
    align: str | None = None


class Rule(msgspec.Struct):
    """A line across the page."""


class Cell(msgspec.Struct):
    """A cell of a table, over so many columns and rows."""

    blocks: "list[Block]"
    columns: int = 1
    rows: int = 1


class Table(msgspec.Struct):
    """Its rows. A row lacks the places that a cell from above reaches into."""

    rows: list[list[Cell]]


Block = Paragraph | Rule | Table


class Note(msgspec.Struct):
    """A whole note. unread: what was not understood, and how often it came."""

    blocks: list[Block]
    unread: Counter[str] = msgspec.field(default_factory=Counter)

    def pictures(self) -> list[Picture]:
        """Each picture once."""
        return list(dict.fromkeys(_pictures(self.blocks)))


class NotANote(Mismatch):
    """The file is none, whatever its name says."""


def _pictures(blocks: list[Block]) -> Iterator[Picture]:
    for block in blocks:
        if isinstance(block, Paragraph):
            yield from (piece for piece in block.pieces if isinstance(piece, Picture))
        elif isinstance(block, Table):
            for cell in (cell for row in block.rows for cell in row):
                yield from _pictures(cell.blocks)
