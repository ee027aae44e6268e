"""Box Notes of both forms become Word documents that a library we did not write reads as what the note said."""

import base64
import io
import struct
import zlib
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from docx import Document
from docx.document import Document as Word

from haulage.services.box.notes import reading, word
from haulage.services.box.notes.document import NotANote


def node(kind: str, *content: Any, marks: list[Any] | None = None, **attrs: Any) -> dict[str, Any]:
    """A node of a note; a string stands for a text."""
    inner = [{"type": "text", "text": one} if isinstance(one, str) else one for one in content]
    return {"type": kind, "content": inner, "attrs": attrs, **({"marks": marks} if marks else {})}


def text(words: str, *marks: str, **attrs: Any) -> dict[str, Any]:
    """A text with marks, the last of which has the attributes."""
    found: list[dict[str, Any]] = [{"type": one} for one in (*marks, "author_id")]
    found[len(marks) - 1]["attrs"] = attrs
    return {"type": "text", "text": words, "marks": found}


def paragraph(*content: Any, **more: Any) -> dict[str, Any]:
    return node("paragraph", *content, **more)


def note_of(*nodes: Any) -> bytes:
    """The file of a note of today."""
    return msgspec.json.encode({"version": 3, "schema_version": 1, "doc": node("doc", *nodes)})


def converted(body: bytes, **pictures: bytes) -> tuple[Word, dict[str, int]]:
    """The document as its own library reads it, and what was not understood."""
    note = reading.read(body)
    made, linked = word.made(note, "Plan", {name.removeprefix("f"): value for name, value in pictures.items()})
    assert made == word.made(reading.read(body), "Plan", {n.removeprefix("f"): v for n, v in pictures.items()})[0]
    return Document(io.BytesIO(made)), dict(note.unread) | ({"linked": linked} if linked else {})


def lines(found: Word) -> list[tuple[str, str]]:
    return [(one.style.name or "", one.text) for one in found.paragraphs if one.style is not None]


def test_a_note_of_today() -> None:
    item, check = "list_item", "check_list_item"
    body = note_of(
        node("heading", "Plan 😍", level=2),
        paragraph(text("bold", "strong"), " and ", text("red", "font_color", color="#ed3757")),
        paragraph("centred", marks=[{"type": "alignment", "attrs": {"alignment": "center"}}]),
        node("ordered_list", node(item, paragraph("three")), node(item, paragraph("four")), order=3),
        node("bullet_list", node(item, paragraph("above"), node("bullet_list", node(item, paragraph("below"))))),
        node("check_list", node(check, paragraph("done"), checked=True), node(check, paragraph("open"), checked=False)),
        node("horizontal_rule"),
        node("blockquote", paragraph("said")),
        node("call_out_box", paragraph("look"), emoji="⚠️"),
        node("code_block", "a\n  b"),
        paragraph(text("here", "link", href="https://example.com/?a=1&b=2")),
    )
    found, unread = converted(body)
    assert not unread
    assert lines(found) == [
        ("Heading 2", "Plan 😍"),
        ("Normal", "bold and red"),
        ("Normal", "centred"),
        ("List Number", "three"),
        ("List Number", "four"),
        ("List Bullet", "above"),
        ("List Bullet 2", "below"),
        ("Normal", "☑ done"),
        ("Normal", "☐ open"),
        ("Normal", ""),
        ("Quote", "said"),
        ("Intense Quote", "⚠️ look"),
        ("Normal", "a\n  b"),
        ("Normal", "here"),
    ]
    first, _, last = found.paragraphs[1].runs
    assert first.bold and last.font.color.rgb is not None and str(last.font.color.rgb) == "ED3757"
    assert [link.address + "#" + link.text for link in found.paragraphs[-1].hyperlinks] == [
        "https://example.com/?a=1&b=2#here"
    ]
    assert found.paragraphs[2].alignment is not None
    assert found.core_properties.title == "Plan"


def test_each_numbered_list_begins_anew() -> None:
    lists = [node("ordered_list", node("list_item", paragraph(one)), order=1) for one in ("a", "b")]
    found, _ = converted(note_of(*lists))
    properties: list[Any] = [one._p.pPr for one in found.paragraphs]
    numbers = [one.numPr.numId.val for one in properties]
    assert len(set(numbers)) == 2


def test_a_table_with_cells_over_several() -> None:
    def cell(words: str, **spans: Any) -> dict[str, Any]:
        return node("table_cell", paragraph(words), **spans)

    rows = node("table_row", cell("wide", colspan=2)), node("table_row", cell("tall", rowspan=2), cell("x"))
    found, _ = converted(note_of(node("table", *rows, node("table_row", cell("y")))))
    told = [[one.text for one in row.cells] for row in found.tables[0].rows]
    assert told == [["wide", "wide"], ["tall", "x"], ["tall", "y"]]


def png() -> bytes:
    """One black point."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def test_pictures_stand_in_it_or_are_links() -> None:
    def image(number: str) -> dict[str, Any]:
        return node("image", boxFileId=number, fileName=f"{number}.png", boxSharedLink="https://app.box.com/s/x")

    found, told = converted(note_of(paragraph(image("1"), image("2"), image("3"))), f1=png(), f2=b"no picture")
    assert len(found.inline_shapes) == 1
    assert told == {"linked": 2}
    assert found.paragraphs[0].text == "[2.png][3.png]"


def test_what_is_not_known_keeps_its_text_and_is_told() -> None:
    found, unread = converted(
        note_of(node("vote", paragraph("yes or no")), paragraph(node("mention", "Ada"), text("x", "glow")))
    )
    assert [one for _, one in lines(found)] == ["yes or no", "Adax"]
    assert unread == {"vote": 1, "mention": 1, "glow": 1}


def test_letters_that_no_document_holds() -> None:
    found, _ = converted(note_of(paragraph("a\u0000b\u001fc")))
    assert found.paragraphs[0].text == "a\ufffdb\ufffdc"


def numbered(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return (numbered(number // 36) if number >= 36 else "") + digits[number % 36]


def pad(*runs: tuple[str, dict[str, str]]) -> bytes:
    """The file of an older note: its text in runs, and what is said of each."""
    pool: dict[str, tuple[str, str]] = {}
    attribs = ""
    for words, said in runs:
        for fact in said.items():
            number = list(pool.values()).index(fact) if fact in pool.values() else len(pool)
            pool[str(number)] = fact
            attribs += f"*{numbered(number)}"
        if feeds := words.count("\n"):
            attribs += f"|{numbered(feeds)}"
        attribs += f"+{numbered(len(words.encode('utf-16-le')) // 2)}"
    words = "".join(one for one, _ in runs)
    return msgspec.json.encode({"atext": {"text": words, "attribs": attribs}, "pool": {"numToAttrib": pool}})


def coded(words: str) -> str:
    return base64.b64encode(words.encode()).decode()


def test_an_older_note() -> None:
    ada = {"author": "39"}
    many = {f"font-color-{number:06x}": "" for number in range(60)}  # numbers of two digits
    picture = coded(quote('{"boxFileId":"7","fileName":"d.gif","boxSharedLink":"https://app.box.com/s/y"}'))
    body = pad(
        ("😍 plain ", ada | many),
        ("bold", ada | {"bold": "true", "italic": ""}),
        ("\n", ada),
        ("*", ada | {"list": "number1", "start": "2", "lmkr": "1"}),
        ("second\n", ada),
        ("*", ada | {"list": "checked2", "lmkr": "1"}),
        ("done\n", ada),
        ("*", ada | {"align": "center", "lmkr": "1"}),
        ("middle\n", ada),
        ("here", ada | {f"link-{coded('1541290648235-https://example.com')}": "true"}),
        ("\n", ada),
        ("*", ada | {f"image-0a-{picture}": "true"}),
        ("\n", ada),
        ("left", ada),
        ("\n", {"struct-tableaa_colb1": "true", "struct-tableaa_rowc1": "true"}),
        ("right", ada),
        ("\n", {"struct-tableaa_colb2": "true", "struct-tableaa_rowc1": "true"}),
        ("\n", {"struct-tableaa_colb1": "true", "struct-tableaa_rowc2": "true"}),
        ("last", ada),
        ("\n", {"struct-tableaa_colb2": "true", "struct-tableaa_rowc2": "true"}),
        ("end * of it\n\n", ada),
    )
    found, told = converted(body)
    assert told == {"linked": 1}
    assert lines(found) == [
        ("Normal", "😍 plain bold"),
        ("List Number", "second"),
        ("Normal", "☑ done"),
        ("Normal", "middle"),
        ("Normal", "here"),
        ("Normal", "[d.gif]"),
        ("Normal", "end * of it"),
    ]
    assert [run.bold for run in found.paragraphs[0].runs] == [None, True]
    assert [one.address for one in found.paragraphs[4].hyperlinks] == ["https://example.com"]
    assert [[one.text for one in row.cells] for row in found.tables[0].rows] == [["left", "right"], ["", "last"]]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\xff",
        b"[]",
        b"{}",
        b'{"doc":[]}',
        b'{"doc":' + b'{"type":"x","content":[' * 3000 + b"]}" * 3000 + b"}",
        b'{"atext":{"text":"a","attribs":"*zz+1"},"pool":{"numToAttrib":{"1":3}}}',
        b'{"doc":{"content":[{"type":"heading","attrs":{"level":"x"}}]}}',
        b'{"doc":{"content":[{"type":"paragraph","marks":["x"]}]}}',
    ],
)
def test_what_is_no_note(body: bytes) -> None:
    with pytest.raises(NotANote):
        reading.read(body)
