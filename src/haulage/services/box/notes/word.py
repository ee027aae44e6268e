"""A note as a Word document: the same bytes for the same note, so that a second reading proves the first."""

import io
import re
import zipfile
from collections.abc import Mapping
from typing import Any

from docx import Document
from docx.document import Document as Word
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.image.exceptions import InvalidImageStreamError, UnexpectedEndOfFileError, UnrecognizedImageError
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Emu, Inches, Pt, RGBColor
from docx.table import _Cell
from docx.text.paragraph import Paragraph as WordParagraph
from docx.text.run import Run

from haulage.services.box.notes.document import Block, Cell, Look, Note, Paragraph, Picture, Rule, Table, Text

ALIGNMENTS = {
    "left": WD_ALIGN_PARAGRAPH.LEFT,
    "center": WD_ALIGN_PARAGRAPH.CENTER,
    "right": WD_ALIGN_PARAGRAPH.RIGHT,
    "justify": WD_ALIGN_PARAGRAPH.JUSTIFY,
}
STYLES = {"bullet": "List Bullet", "number": "List Number", "quote": "Quote", "callout": "Intense Quote"}
DEEPEST = 3
"""Levels of lists that Word's usual styles have."""

INDENT = Inches(0.25)
WIDEST = Inches(6)
CODE_FONT = "Consolas"
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
LINKED = ("http://", "https://", "mailto:")
NO_PICTURE = (UnrecognizedImageError, UnexpectedEndOfFileError, InvalidImageStreamError, ZeroDivisionError)


def made(note: Note, title: str, pictures: Mapping[str, bytes]) -> tuple[bytes, int]:
    """The document, and how many pictures are links in it only.

    pictures: contents by file id; those that are not there, or of no form that Word knows, are linked.
    """
    writer = _Writer(pictures)
    writer.write(writer.word, note.blocks)
    facts = writer.word.core_properties
    facts.title, facts.author, facts.comments = _clean(title)[:255], "", ""
    kept = io.BytesIO()
    writer.word.save(kept)
    return _undated(kept), writer.linked


def _undated(kept: io.BytesIO) -> bytes:
    """The same archive without the moment at which it was made."""
    again = io.BytesIO()
    with zipfile.ZipFile(kept) as old, zipfile.ZipFile(again, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name), old.read(name), zipfile.ZIP_DEFLATED)
    return again.getvalue()


def _clean(text: str) -> str:
    return NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)


class _Writer:
    """linked: pictures that are links only; numbering: of the numbered list that is being written, by level."""

    def __init__(self, pictures: Mapping[str, bytes]) -> None:
        self.word = Document()
        self.linked = 0
        self._pictures = pictures
        self._numbering: dict[int, int] = {}

    def write(self, where: Word | _Cell, blocks: list[Block]) -> None:
        for block in blocks:
            if isinstance(block, Table):
                self._table(where, block)
            elif isinstance(block, Rule):
                _line_below(where.add_paragraph())
            else:
                self._paragraph(where.add_paragraph(), block)

    def _paragraph(self, paragraph: WordParagraph, block: Paragraph) -> None:
        level = max(1, block.level)
        if block.kind == "heading":
            paragraph.style = f"Heading {min(level, 9)}"
        elif block.kind in STYLES:
            deep = f" {min(level, DEEPEST)}" if block.kind in ("bullet", "number") and level > 1 else ""
            paragraph.style = STYLES[block.kind] + deep
        elif block.kind in ("check", "indent"):
            paragraph.paragraph_format.left_indent = INDENT * level
        if block.kind == "number":
            self._number(paragraph, level, block.start)
        if block.kind == "check":
            paragraph.add_run("\N{BALLOT BOX WITH CHECK} " if block.checked else "\N{BALLOT BOX} ")
        if block.align in ALIGNMENTS:
            paragraph.alignment = ALIGNMENTS[block.align]
        for piece in block.pieces:
            if isinstance(piece, Picture):
                self._picture(paragraph, piece)
            else:
                self._text(paragraph, piece, code=block.kind == "code")

    def _number(self, paragraph: WordParagraph, level: int, start: int | None) -> None:
        """Numbers go on in a list, and begin anew with the next one."""
        style = paragraph.style
        assert style is not None and style.element.pPr is not None  # noqa: S101 - it was set right before
        if start is not None or level not in self._numbering:
            numbers: Any = self.word.part.numbering_part.element
            kind = next(one for one in numbers.num_lst if one.numId == style.element.pPr.numPr.numId.val)
            number = numbers.add_num(kind.abstractNumId.val)
            number.add_lvlOverride(ilvl=0).add_startOverride(start or 1)
            self._numbering[level] = number.numId
        place: Any = paragraph._p.get_or_add_pPr().get_or_add_numPr()
        place.get_or_add_ilvl().val = 0
        place.get_or_add_numId().val = self._numbering[level]

    def _text(self, paragraph: WordParagraph, piece: Text, *, code: bool) -> None:
        run = paragraph.add_run(_clean(piece.text))
        _dress(run, piece.look, code=code)
        link = _clean(piece.look.link or "")
        if link.lower().startswith(LINKED):
            where = paragraph.part.relate_to(link, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
            around = OxmlElement("w:hyperlink")
            around.set(qn("r:id"), where)
            run._r.addprevious(around)
            around.append(run._r)
            run.font.underline, run.font.color.rgb = True, RGBColor(0x05, 0x63, 0xC1)
        elif link and link != piece.text:
            paragraph.add_run(f" ({link})")

    def _picture(self, paragraph: WordParagraph, picture: Picture) -> None:
        body = self._pictures.get(picture.file_id)
        if body is not None:
            try:
                shape = paragraph.add_run().add_picture(io.BytesIO(body))
            except NO_PICTURE:
                pass  # a form that Word does not know: it is linked below
            else:
                if shape.width > WIDEST:
                    shape.height, shape.width = Emu(int(shape.height * WIDEST / shape.width)), WIDEST
                return
        self.linked += 1
        name = picture.name or "a picture"
        self._text(paragraph, Text(f"[{name}]", Look(italic=True, link=picture.link)), code=False)

    def _table(self, where: Word | _Cell, block: Table) -> None:
        places = _places(block)
        if not places:
            return
        high = max(row + cell.rows for (row, _), cell in places.items())
        wide = max(column + cell.columns for (_, column), cell in places.items())
        table = where.add_table(high, wide)
        table.style = "Table Grid"
        for (row, column), cell in places.items():
            found = table.cell(row, column)
            if (cell.rows, cell.columns) != (1, 1):
                found = found.merge(table.cell(row + cell.rows - 1, column + cell.columns - 1))
            self._fill(found, cell)

    def _fill(self, found: _Cell, cell: Cell) -> None:
        first, *others = cell.blocks or [Paragraph()]
        if isinstance(first, Paragraph):
            self._paragraph(found.paragraphs[0], first)
            self.write(found, others)
        else:
            self.write(found, [first, *others])
        if isinstance(cell.blocks[-1] if cell.blocks else first, Table):
            found.add_paragraph()  # Word wants one at the end of a cell


def _places(table: Table) -> dict[tuple[int, int], Cell]:
    """Where each cell begins, by row and column; a cell that would reach into another keeps to its own place."""
    taken: set[tuple[int, int]] = set()
    places: dict[tuple[int, int], Cell] = {}
    for row, cells in enumerate(table.rows):
        column = 0
        for cell in cells:
            while (row, column) in taken:
                column += 1
            cell.columns, cell.rows = max(1, min(cell.columns, 63)), max(1, min(cell.rows, len(table.rows) - row))
            over = {(row + down, column + right) for down in range(cell.rows) for right in range(cell.columns)}
            if over & taken:
                cell.columns = cell.rows = 1
                over = {(row, column)}
            taken |= over
            places[row, column] = cell
            column += cell.columns
    return places


def _dress(run: Run, look: Look, *, code: bool) -> None:
    font = run.font
    font.bold, font.italic = look.bold or None, look.italic or None
    font.underline, font.strike = look.underlined or None, look.struck or None
    if code or look.code:
        font.name = CODE_FONT
    if look.points:
        font.size = Pt(look.points)
    if look.color:
        font.color.rgb = RGBColor.from_string(look.color)
    if look.highlight:
        _element(run._r.get_or_add_rPr(), "w:shd", val="clear", color="auto", fill=look.highlight)


def _line_below(paragraph: WordParagraph) -> None:
    borders = _element(paragraph._p.get_or_add_pPr(), "w:pBdr")
    _element(borders, "w:bottom", val="single", sz="6", space="1", color="auto")


def _element(above: Any, name: str, **values: str) -> Any:
    made = OxmlElement(name)
    for key, value in values.items():
        made.set(qn(f"w:{key}"), value)
    above.append(made)
    return made
