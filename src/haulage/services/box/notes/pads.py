"""Older notes: a text, and for runs of its letters the numbers of what is said of them (Etherpad's changesets).

A paragraph that is more than text begins with a letter of its own, which stands for its mark. The line feed that ends a
line says in which cell of a table it is. Lengths count UTF-16 units, in base 36.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

from haulage.services.box.notes.document import PLAIN, Block, Cell, Look, Note, Paragraph, Picture, Table, Text

POINTS = {"small": 10, "medium": None, "large": 18, "verylarge": 24}
SIMPLE = {"bold": "bold", "italic": "italic", "underline": "underlined", "strikethrough": "struck"}
LISTS = {"bullet": "bullet", "number": "number", "checked": "check", "unchecked": "check", "indent": "indent"}
QUIET = re.compile(r"author|removed|insertorder|lmkr|start|annotation-.*|struct-table.*|align|list|font-size-\w+")
"""Said of letters, and either read for the whole line or nothing that is to be seen."""

_RUN = re.compile(r"((?:\*[0-9a-z]+)*)(?:\|[0-9a-z]+)?\+([0-9a-z]+)")
_LIST = re.compile(r"([a-z]+)(\d*)")
_PLACE = re.compile(r"struct-table(?P<table>[0-9a-f]+)_(?P<what>col|row)(?P<id>[0-9a-f]+)")
_LINK = re.compile(r"\d+-(.*)", re.DOTALL)

Attributes = dict[str, str]


class Attributed(msgspec.Struct):
    """text, and what is said of it."""

    text: str
    attribs: str = ""


class Pool(msgspec.Struct):
    """What is said, by its number in decimal: a name and a value, which is "" where it was taken back."""

    known: dict[str, tuple[str, str]] = msgspec.field(name="numToAttrib", default_factory=dict)


class _Line(msgspec.Struct):
    runs: list[tuple[str, Attributes]]
    ending: Attributes


class _Grid(msgspec.Struct):
    """A table as its cells come: by row, then by column."""

    table: Table
    rows: dict[str, dict[str, list[Block]]] = {}

    def fill(self) -> None:
        """Put the cells in their places: rows and columns stand as they came first."""
        columns = dict.fromkeys(column for row in self.rows.values() for column in row)
        self.table.rows = [[Cell(row.get(column, [Paragraph()])) for column in columns] for row in self.rows.values()]


def read(said: Attributed, pool: Pool) -> Note:
    """The note of that text."""
    note, grids = Note([]), dict[str, _Grid]()
    for line in _lines(said, pool):
        paragraph = _paragraph(line, note)
        if (place := _place(line.ending)) is None:
            note.blocks.append(paragraph)
            continue
        name, row, column = place
        if name not in grids:
            grids[name] = _Grid(Table([]))
            note.blocks.append(grids[name].table)
        grids[name].rows.setdefault(row, {}).setdefault(column, []).append(paragraph)
    for grid in grids.values():
        grid.fill()
    while note.blocks and note.blocks[-1] == Paragraph():
        note.blocks.pop()
    return note


def _lines(said: Attributed, pool: Pool) -> Iterator[_Line]:
    runs: list[tuple[str, Attributes]] = []
    for text, attributes in _runs(said, pool):
        *ended, rest = text.split("\n")
        for one in ended:
            yield _Line([*runs, (one, attributes)] if one else runs, attributes)
            runs = []
        if rest:
            runs.append((rest, attributes))
    if runs:
        yield _Line(runs, {})


def _runs(said: Attributed, pool: Pool) -> Iterator[tuple[str, Attributes]]:
    units, position = said.text.encode("utf-16-le", "surrogatepass"), 0
    for numbers, length in _RUN.findall(said.attribs):
        end = position + 2 * int(length, 36)
        told = (pool.known.get(str(int(number, 36)), ("", "")) for number in numbers.split("*") if number)
        yield units[position:end].decode("utf-16-le", "replace"), {name: value for name, value in told if value}
        position = end
    if position < len(units):
        yield units[position:].decode("utf-16-le", "replace"), {}


def _place(ending: Attributes) -> tuple[str, str, str] | None:
    found = {one["what"]: (one["table"], one["id"]) for one in map(_PLACE.fullmatch, ending) if one}
    if found.keys() != {"col", "row"}:
        return None
    return found["row"][0], found["row"][1], found["col"][1]


def _paragraph(line: _Line, note: Note) -> Paragraph:
    marked = line.runs[0][1] if line.runs and "lmkr" in line.runs[0][1] else {}
    if marked:
        line.runs[0] = line.runs[0][0][1:], marked
    kind, level = "text", ""
    if found := _LIST.fullmatch(marked.get("list", "")):
        kind, level = LISTS.get(found[1], "text"), found[2]
    paragraph = Paragraph(kind=kind, level=int(level or 1), align=marked.get("align"))
    paragraph.checked = marked.get("list", "").startswith("checked")
    if kind == "number" and marked.get("start", "").isdecimal():
        paragraph.start = int(marked["start"])
    for text, attributes in line.runs:
        paragraph.pieces += _pieces(text, attributes, note)
    return paragraph


def _pieces(text: str, attributes: Attributes, note: Note) -> list[Text | Picture]:
    said: dict[str, Any] = {}
    for name, value in attributes.items():
        what, _, more = name.partition("-")
        if name in SIMPLE:
            said[SIMPLE[name]] = True
        elif name.startswith("font-color-"):
            said["color"] = _color(name.removeprefix("font-color-"))
        elif name.startswith("font-size-"):
            said["points"] = POINTS.get(name.removeprefix("font-size-"))
        elif what == "link":
            said["link"] = _link(more)
        elif what == "image":
            return [_picture(more.partition("-")[2])]
        elif not QUIET.fullmatch(name):
            note.unread[what or value] += 1
    return [Text(text, Look(**said) if said else PLAIN)] if text else []


def _color(text: str) -> str | None:
    return text.upper() if re.fullmatch("[0-9a-fA-F]{6}", text) and int(text, 16) else None


def _decoded(text: str) -> str:
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True).decode("utf-8", "replace")
    except binascii.Error:
        return ""


def _link(text: str) -> str | None:
    found = _LINK.fullmatch(_decoded(text))
    return found[1] if found else None


def _picture(text: str) -> Picture:
    try:
        told = msgspec.json.decode(unquote(_decoded(text)), type=Mapping[str, Any])
    except msgspec.DecodeError:
        told = {}
    return Picture(str(told.get("boxFileId") or ""), str(told.get("fileName") or ""), told.get("boxSharedLink"))
