"""Real files for exports: Office Open XML, OpenDocument, EPUB, PDF, RTF, HTML and pictures, of a document's text.

The same text gives the same bytes. Sources: ECMA-376, OASIS OpenDocument 1.3, W3C EPUB 3.3, ISO 32000-1.
"""

import html
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Mapping

from haulage.sandbox.google.drive.formats import (
    CSV,
    DOCX,
    EPUB,
    HTML,
    JPEG,
    MARKDOWN,
    ODP,
    ODS,
    ODS_OLD,
    ODT,
    PDF,
    PNG,
    PPTX,
    RTF,
    SCRIPT_JSON,
    SVG,
    TEXT,
    TSV,
    XLSX,
    ZIP,
)  # fmt: skip
from haulage.sandbox.google.drive.pictures import jpeg, png, svg

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SLIDE = "http://schemas.openxmlformats.org/presentationml/2006/main"
DRAW = "http://schemas.openxmlformats.org/drawingml/2006/main"
ODF = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" office:version="1.3"'
)
TITLE = 'type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
Filler = bytes


def package(parts: Mapping[str, str | bytes], stored: tuple[str, ...] = ()) -> bytes:
    """A zip file of these parts, in their order, without times. stored: those that are not compressed."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            file.writestr(info, content)
    return made.getvalue()


def _relations(*entries: tuple[str, str, str]) -> str:
    lines = "".join(
        f'<Relationship Id="{name}" Type="{OFFICE_REL}/{kind}" Target="{target}"/>' for name, kind, target in entries
    )
    return f'{HEAD}<Relationships xmlns="{RELATIONS}">{lines}</Relationships>'


def _types(**overrides: str) -> str:
    lines = "".join(f'<Override PartName="{part}" ContentType="{kind}"/>' for part, kind in overrides.items())
    return (
        f'{HEAD}<Types xmlns="{TYPES}"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>'
        f'<Default Extension="bin" ContentType="application/octet-stream"/>{lines}</Types>'
    )


def _filled(parts: dict[str, str | bytes], name: str, filler: Filler) -> bytes:
    """The package, with a part that only has a size: as pictures are, compressed already."""
    return package({**parts, name: filler} if filler else parts, (name, "mimetype"))


def docx(title: str, text: str, filler: Filler) -> bytes:
    """A text document."""
    paragraphs = "".join(
        f'<w:p><w:r><w:t xml:space="preserve">{html.escape(line)}</w:t></w:r></w:p>' for line in text.split("\n")
    )
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": _types(**{"/word/document.xml": f"{DOCX}.main+xml"}),
        "_rels/.rels": _relations(("rId1", "officeDocument", "word/document.xml")),
        "word/document.xml": (
            f'{HEAD}<w:document xmlns:w="{WORD}"><w:body>{paragraphs}<w:sectPr/></w:body></w:document>'
        ),
    }
    return _filled(parts, "word/media/image1.bin", filler)


def rows_of(text: str) -> list[list[str]]:
    """The cells of a spreadsheet's text."""
    return [line.split(",") for line in text.rstrip("\n").split("\n")]


def xlsx(title: str, text: str, filler: Filler) -> bytes:
    """A workbook of one sheet."""
    rows = "".join(
        f'<row r="{number}">'
        + "".join(f'<c t="inlineStr"><is><t>{html.escape(cell)}</t></is></c>' for cell in cells)
        + "</row>"
        for number, cells in enumerate(rows_of(text), 1)
    )
    main = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": _types(
            **{"/xl/workbook.xml": f"{main}.sheet.main+xml", "/xl/worksheets/sheet1.xml": f"{main}.worksheet+xml"}
        ),
        "_rels/.rels": _relations(("rId1", "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": (
            f'{HEAD}<workbook xmlns="{SHEET}" xmlns:r="{OFFICE_REL}"><sheets><sheet name="Sheet1" sheetId="1" '
            'r:id="rId1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": _relations(("rId1", "worksheet", "worksheets/sheet1.xml")),
        "xl/worksheets/sheet1.xml": f'{HEAD}<worksheet xmlns="{SHEET}"><sheetData>{rows}</sheetData></worksheet>',
    }
    return _filled(parts, "xl/media/image1.bin", filler)


_TREE = (
    '<p:cSld><p:spTree><p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
    "{shapes}</p:spTree></p:cSld>"
)
_MAP = (
    '<p:clrMap bg1="lt1" tx1="dk1" bg2="lt2" tx2="dk2" accent1="accent1" accent2="accent2" accent3="accent3" '
    'accent4="accent4" accent5="accent5" accent6="accent6" hlink="hlink" folHlink="folHlink"/>'
)


def _slide_part(tag: str, shapes: str, rest: str) -> str:
    names = f'xmlns:p="{SLIDE}" xmlns:a="{DRAW}" xmlns:r="{OFFICE_REL}"'
    return f"{HEAD}<p:{tag} {names}>{_TREE.format(shapes=shapes)}{rest}</p:{tag}>"


def _theme() -> str:
    names = ("dk1", "lt1", "dk2", "lt2", "accent1", "accent2", "accent3", "accent4", "accent5", "accent6", "hlink",
             "folHlink")  # fmt: skip
    colors = "".join(f'<a:{name}><a:srgbClr val="{at * 20:02X}4080"/></a:{name}>' for at, name in enumerate(names))
    font = '<a:latin typeface="Arial"/><a:ea typeface=""/><a:cs typeface=""/>'
    fill = '<a:solidFill><a:schemeClr val="phClr"/></a:solidFill>' * 3
    lines = '<a:ln w="6350"><a:solidFill><a:schemeClr val="phClr"/></a:solidFill></a:ln>' * 3
    effects = "<a:effectStyle><a:effectLst/></a:effectStyle>" * 3
    return (
        f'{HEAD}<a:theme xmlns:a="{DRAW}" name="Plain"><a:themeElements>'
        f'<a:clrScheme name="Plain">{colors}</a:clrScheme>'
        f'<a:fontScheme name="Plain"><a:majorFont>{font}</a:majorFont><a:minorFont>{font}</a:minorFont></a:fontScheme>'
        f'<a:fmtScheme name="Plain"><a:fillStyleLst>{fill}</a:fillStyleLst><a:lnStyleLst>{lines}</a:lnStyleLst>'
        f"<a:effectStyleLst>{effects}</a:effectStyleLst><a:bgFillStyleLst>{fill}</a:bgFillStyleLst></a:fmtScheme>"
        "</a:themeElements></a:theme>"
    )


def pptx(title: str, text: str, filler: Filler) -> bytes:
    """A presentation of one slide."""
    lines = "".join(f"<a:p><a:r><a:t>{html.escape(line)}</a:t></a:r></a:p>" for line in text.split("\n"))
    shape = (
        '<p:sp><p:nvSpPr><p:cNvPr id="2" name="Text"/><p:cNvSpPr txBox="1"/><p:nvPr/></p:nvSpPr><p:spPr><a:xfrm>'
        '<a:off x="500000" y="500000"/><a:ext cx="8000000" cy="4000000"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/>'
        f"</a:prstGeom></p:spPr><p:txBody><a:bodyPr/><a:lstStyle/>{lines}</p:txBody></p:sp>"
    )
    kind = "application/vnd.openxmlformats-officedocument.presentationml"
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": _types(
            **{
                "/ppt/presentation.xml": f"{kind}.presentation.main+xml",
                "/ppt/slides/slide1.xml": f"{kind}.slide+xml",
                "/ppt/slideLayouts/slideLayout1.xml": f"{kind}.slideLayout+xml",
                "/ppt/slideMasters/slideMaster1.xml": f"{kind}.slideMaster+xml",
                "/ppt/theme/theme1.xml": "application/vnd.openxmlformats-officedocument.theme+xml",
            }
        ),
        "_rels/.rels": _relations(("rId1", "officeDocument", "ppt/presentation.xml")),
        "ppt/presentation.xml": (
            f'{HEAD}<p:presentation xmlns:p="{SLIDE}" xmlns:r="{OFFICE_REL}"><p:sldMasterIdLst><p:sldMasterId '
            'id="2147483648" r:id="rId1"/></p:sldMasterIdLst><p:sldIdLst><p:sldId id="256" r:id="rId2"/></p:sldIdLst>'
            '<p:sldSz cx="9144000" cy="5143500"/><p:notesSz cx="6858000" cy="9144000"/></p:presentation>'
        ),
        "ppt/_rels/presentation.xml.rels": _relations(
            ("rId1", "slideMaster", "slideMasters/slideMaster1.xml"), ("rId2", "slide", "slides/slide1.xml")
        ),
        "ppt/slides/slide1.xml": _slide_part("sld", shape, ""),
        "ppt/slides/_rels/slide1.xml.rels": _relations(("rId1", "slideLayout", "../slideLayouts/slideLayout1.xml")),
        "ppt/slideLayouts/slideLayout1.xml": _slide_part("sldLayout", "", ""),
        "ppt/slideLayouts/_rels/slideLayout1.xml.rels": _relations(
            ("rId1", "slideMaster", "../slideMasters/slideMaster1.xml")
        ),
        "ppt/slideMasters/slideMaster1.xml": _slide_part(
            "sldMaster", "",
            f'{_MAP}<p:sldLayoutIdLst><p:sldLayoutId id="2147483649" r:id="rId1"/></p:sldLayoutIdLst>',
        ),
        "ppt/slideMasters/_rels/slideMaster1.xml.rels": _relations(
            ("rId1", "slideLayout", "../slideLayouts/slideLayout1.xml"), ("rId2", "theme", "../theme/theme1.xml")
        ),
        "ppt/theme/theme1.xml": _theme(),
    }  # fmt: skip
    return _filled(parts, "ppt/media/image1.bin", filler)


def _odf(mime: str, body: str, filler: Filler) -> bytes:
    manifest = (
        '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest manifest:version="1.3" '
        'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:version="1.3" manifest:media-type="{mime}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {ODF}><office:body>{body}</office:body>'
        "</office:document-content>"
    )
    parts: dict[str, str | bytes] = {
        "mimetype": mime, "META-INF/manifest.xml": manifest, "content.xml": content,
    }  # fmt: skip
    return _filled(parts, "Pictures/image1.bin", filler)


def _paragraphs(text: str) -> str:
    return "".join(f"<text:p>{html.escape(line)}</text:p>" for line in text.split("\n"))


def odt(title: str, text: str, filler: Filler) -> bytes:
    """A text document."""
    return _odf(ODT, f"<office:text>{_paragraphs(text)}</office:text>", filler)


def ods(title: str, text: str, filler: Filler) -> bytes:
    """A workbook of one sheet."""
    rows = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{html.escape(cell)}</text:p></table:table-cell>'
            for cell in cells
        )
        + "</table:table-row>"
        for cells in rows_of(text)
    )
    sheet = f'<table:table table:name="Sheet1">{rows}</table:table>'
    return _odf(ODS, f"<office:spreadsheet>{sheet}</office:spreadsheet>", filler)


def odp(title: str, text: str, filler: Filler) -> bytes:
    """A presentation of one page."""
    box = f"<draw:frame><draw:text-box>{_paragraphs(text)}</draw:text-box></draw:frame>"
    page = f'<draw:page draw:name="page1" draw:master-page-name="">{box}</draw:page>'
    return _odf(ODP, f"<office:presentation>{page}</office:presentation>", filler)


def epub(title: str, text: str, filler: Filler) -> bytes:
    """A book of one chapter."""
    name = html.escape(title)
    parts: dict[str, str | bytes] = {
        "mimetype": EPUB,
        "META-INF/container.xml": (
            '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
            '<rootfiles><rootfile full-path="GoogleDoc/package.opf" media-type="application/oebps-package+xml"/>'
            "</rootfiles></container>"
        ),
        "GoogleDoc/package.opf": (
            '<?xml version="1.0" encoding="UTF-8"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0" '
            'unique-identifier="id"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f'<dc:identifier id="id">{name}</dc:identifier><dc:title>{name}</dc:title><dc:language>en</dc:language>'
            '<meta property="dcterms:modified">2020-01-01T00:00:00Z</meta></metadata><manifest>'
            '<item id="main" href="main.xhtml" media-type="application/xhtml+xml"/>'
            '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/></manifest>'
            '<spine><itemref idref="main"/></spine></package>'
        ),
        "GoogleDoc/main.xhtml": page(title, text, xml=True),
        "GoogleDoc/nav.xhtml": (
            '<?xml version="1.0" encoding="UTF-8"?><html xmlns="http://www.w3.org/1999/xhtml" '
            f'xmlns:epub="http://www.idpf.org/2007/ops"><head><title>{name}</title></head><body><nav epub:type="toc">'
            f'<ol><li><a href="main.xhtml">{name}</a></li></ol></nav></body></html>'
        ),
    }
    return package(parts, ("mimetype",))


def page(title: str, text: str, *, xml: bool = False) -> str:
    """A web page."""
    lines = "".join(f"<p>{html.escape(line)}</p>" for line in text.split("\n"))
    start = '<?xml version="1.0" encoding="UTF-8"?><html xmlns="http://www.w3.org/1999/xhtml">' if xml else "<html>"
    meta = "" if xml else '<meta content="text/html; charset=UTF-8" http-equiv="content-type">'
    return f"{start}<head>{meta}<title>{html.escape(title)}</title></head><body>{lines}</body></html>"


def rtf(title: str, text: str, filler: Filler) -> bytes:
    """Rich text: what is not ASCII as its code units."""
    out = []
    for sign in text:
        if sign in "\\{}":
            out.append("\\" + sign)
        elif sign == "\n":
            out.append("\\par\n")
        elif ord(sign) < 128:
            out.append(sign)
        else:
            units = sign.encode("utf-16-le")
            values = (int.from_bytes(units[at : at + 2], "little", signed=True) for at in range(0, len(units), 2))
            out += [f"\\u{value}?" for value in values]
    return ("{\\rtf1\\ansi\\deff0{\\fonttbl{\\f0 Arial;}}\\f0\\fs22 " + "".join(out) + "}").encode("ascii")


def pdf(title: str, text: str, filler: Filler) -> bytes:
    """One page with the text in Helvetica; what Latin 1 does not have becomes a question mark."""
    lines = []
    for line in text.split("\n")[:60]:
        shown = line.encode("latin-1", "replace").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
        lines.append(b"(" + shown + b") Tj T*")
    stream = zlib.compress(b"BT /F1 11 Tf 14 TL 56 780 Td\n" + b"\n".join(lines) + b"\nET", 9)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d /Filter /FlateDecode >>\nstream\n" % len(stream) + stream + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    if filler:
        objects.append(b"<< /Length %d >>\nstream\n" % len(filler) + filler + b"\nendstream")
    made, places = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % at for at in places)
    tail = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(made))
    return made + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + tail


def script(title: str, text: str, filler: Filler) -> bytes:
    """An Apps Script project as JSON."""
    files = [{"id": "main", "name": "Code", "type": "server_js", "source": text}]
    return json.dumps({"files": files}).encode()


MAKERS: dict[str, Callable[[str, str, Filler], bytes]] = {
    DOCX: docx, XLSX: xlsx, PPTX: pptx, ODT: odt, ODS: ods, ODS_OLD: ods, ODP: odp, EPUB: epub, RTF: rtf, PDF: pdf,
    SCRIPT_JSON: script,
    TEXT: lambda title, text, filler: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(),
    MARKDOWN: lambda title, text, filler: text.encode(),
    HTML: lambda title, text, filler: page(title, text).encode(),
    ZIP: lambda title, text, filler: _filled({"document.html": page(title, text)}, "images/image1.bin", filler),
    CSV: lambda title, text, filler: text.replace("\n", "\r\n").encode(),
    TSV: lambda title, text, filler: text.replace(",", "\t").replace("\n", "\r\n").encode(),
    PNG: lambda title, text, filler: png(text), JPEG: lambda title, text, filler: jpeg(),
    SVG: lambda title, text, filler: svg(title, text),
}  # fmt: skip


def make(kind: str, title: str, text: str, filler: Filler = b"") -> bytes:
    """A file of that type with this text. filler: bytes of pictures in it. Raises KeyError for a type that is none."""
    return MAKERS[kind](title, text, filler)
