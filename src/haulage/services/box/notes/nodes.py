"""Notes as Box keeps them since August 2022: a tree of nodes, the texts in it with marks (the model of ProseMirror)."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from haulage.services.box.notes.document import PLAIN, Block, Cell, Look, Note, Paragraph, Picture, Rule, Table, Text

POINTS_PER_EM = 12
LISTS = {"bullet_list": "bullet", "ordered_list": "number", "check_list": "check"}
QUIET = {"author_id", "annotation_id"}
"""Marks that say who wrote something, or that something was said of it elsewhere."""

_COLOR = re.compile(r"#([0-9a-fA-F]{6})")
_EM = re.compile(r"(\d+(?:\.\d+)?)em")

Node = Mapping[str, Any]


def read(doc: Node) -> Note:
    """The note of that root node."""
    reader = _Reader()
    reader.note.blocks = reader.blocks(_children(doc))
    return reader.note


def _children(node: Node) -> list[Node]:
    return [one for one in node.get("content") or [] if isinstance(one, dict)]


def _attributes(node: Node) -> Mapping[str, Any]:
    found = node.get("attrs")
    return found if isinstance(found, dict) else {}


class _Reader:
    def __init__(self) -> None:
        self.note = Note([])

    def blocks(self, found: Iterable[Node]) -> list[Block]:
        return [block for node in found for block in self._block(node)]

    def _block(self, node: Node) -> list[Block]:
        kind, attributes = node.get("type"), _attributes(node)
        if kind in LISTS:
            return self._list(node, LISTS[kind], 1)
        if kind == "heading":
            return [self._paragraph(node, "heading", int(attributes.get("level") or 1))]
        if kind in ("paragraph", "code_block"):
            return [self._paragraph(node, "code" if kind == "code_block" else "text")]
        if kind == "blockquote":
            return _dressed(self.blocks(_children(node)), "quote")
        if kind == "call_out_box":
            return self._callout(node, str(attributes.get("emoji") or ""))
        if kind == "horizontal_rule":
            return [Rule()]
        if kind == "table":
            return [Table([self._row(row) for row in _children(node)])]
        if kind in INLINE:
            return [Paragraph(self._pieces([node]))]
        self.note.unread[str(kind)] += 1
        return self.blocks(_children(node))

    def _callout(self, node: Node, emoji: str) -> list[Block]:
        blocks = _dressed(self.blocks(_children(node)), "callout")
        if emoji and blocks and isinstance(blocks[0], Paragraph):
            blocks[0].pieces.insert(0, Text(f"{emoji} "))
        return blocks

    def _list(self, node: Node, kind: str, level: int) -> list[Block]:
        """The paragraphs of a list: the first of each item has its mark, the others are moved in as far."""
        blocks: list[Block] = []
        start = int(_attributes(node).get("order") or 1) if kind == "number" else None
        for item in _children(node):
            marked = False
            for child in _children(item):
                if child.get("type") in LISTS:
                    blocks += self._list(child, LISTS[child["type"]], level + 1)
                    continue
                for block in self._block(child):
                    if isinstance(block, Paragraph) and block.kind == "text":
                        block.kind, block.level = (kind if not marked else "indent"), level
                        block.checked = bool(_attributes(item).get("checked"))
                        if not marked:
                            block.start, start = start, None
                        marked = True
                    blocks.append(block)
        return blocks

    def _row(self, row: Node) -> list[Cell]:
        cells = []
        for cell in _children(row):
            spans = _attributes(cell)
            over = int(spans.get("colspan") or 1), int(spans.get("rowspan") or 1)
            cells.append(Cell(self.blocks(_children(cell)), *over))
        return cells

    def _paragraph(self, node: Node, kind: str, level: int = 1) -> Paragraph:
        marks = (one for one in node.get("marks") or [] if one.get("type") == "alignment")
        align = next((_attributes(mark).get("alignment") for mark in marks), None)
        return Paragraph(self._pieces(_children(node)), kind, level, align=align)

    def _pieces(self, found: Iterable[Node]) -> list[Text | Picture]:
        pieces: list[Text | Picture] = []
        for node in found:
            kind = str(node.get("type"))
            if kind in INLINE:
                pieces += INLINE[kind](node, self._look(node))
            else:
                self.note.unread[kind] += 1
                pieces += self._pieces(_children(node))
        return pieces

    def _look(self, node: Node) -> Look:
        said: dict[str, Any] = {}
        for mark in node.get("marks") or []:
            kind, attributes = mark.get("type"), _attributes(mark)
            if kind in MARKS:
                said |= MARKS[kind](attributes)
            elif kind not in QUIET:
                self.note.unread[str(kind)] += 1
        return Look(**said) if said else PLAIN


def _dressed(blocks: list[Block], kind: str) -> list[Block]:
    for block in blocks:
        if isinstance(block, Paragraph) and block.kind == "text":
            block.kind = kind
    return blocks


def _color(attributes: Mapping[str, Any]) -> str | None:
    found = _COLOR.fullmatch(str(attributes.get("color")))
    return found[1].upper() if found else None


def _points(attributes: Mapping[str, Any]) -> int | None:
    found = _EM.fullmatch(str(attributes.get("size")))
    return round(float(found[1]) * POINTS_PER_EM) if found else None


def _link(attributes: Mapping[str, Any]) -> str | None:
    return str(attributes["href"]) if attributes.get("href") else None


MARKS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "strong": lambda _: {"bold": True},
    "em": lambda _: {"italic": True},
    "underline": lambda _: {"underlined": True},
    "strikethrough": lambda _: {"struck": True},
    "code": lambda _: {"code": True},
    "font_color": lambda attributes: {"color": _color(attributes)},
    "highlight": lambda attributes: {"highlight": _color(attributes)},
    "font_size": lambda attributes: {"points": _points(attributes)},
    "link": lambda attributes: {"link": _link(attributes)},
}


def _picture(node: Node, _look: Look) -> list[Text | Picture]:
    told = _attributes(node)
    return [Picture(str(told.get("boxFileId") or ""), str(told.get("fileName") or ""), told.get("boxSharedLink"))]


def _preview(node: Node, look: Look) -> list[Text | Picture]:
    where = str(_attributes(node).get("boxSharedLink") or "")
    return [Text(where, Look(bold=look.bold, link=where))]


INLINE: dict[str, Callable[[Node, Look], list[Text | Picture]]] = {
    "text": lambda node, look: [Text(str(node.get("text") or ""), look)],
    "hard_break": lambda _node, look: [Text("\n", look)],
    "image": _picture,
    "box_preview": _preview,
}
