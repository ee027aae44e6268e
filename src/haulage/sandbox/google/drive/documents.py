"""The text inside native documents: made up for those of the organisation, else as it was imported."""

import html
import io
import re
import zipfile
from hashlib import blake2b

from haulage.sandbox.frame.contents import Contents
from haulage.sandbox.google.drive.formats import CSV, DOCX, HTML, MARKDOWN, ODS, ODS_OLD, ODT, PPTX, TEXT, TSV, XLSX
from haulage.sandbox.google.drive.model import DRAWING, FOLDER, SCRIPT, SHEET, SHORTCUT, File

LARGEST_TEXT_BYTES = 4 << 20
VOCABULARY = (
    "the", "quarter", "budget", "shows", "that", "our", "harbour", "office", "moved", "twelve", "crates", "before",
    "noon", "while", "café", "Zürich", "reported", "a", "surplus", "of", "naïve", "estimates", "計画", "отчёт", "and",
    "left", "early", "report", "pallets", "invoice", "signed", "again",
)  # fmt: skip
TAG = re.compile(rb"<[^>]*>")
RUN = re.compile(rb"[\x20-\x7e\t\r\n\x91-\x97\xa0-\xfe]{6,}")
WIDE_RUN = re.compile(rb"(?:[\x20-\x7e\t\r\n\xa0-\xfe]\x00){6,}")
CELL = re.compile(rb'<c [^>]*?(?:t="(\w+)")?[^>]*?>(.*?)</c>', re.DOTALL)


def text_of(contents: Contents, file: File) -> str:
    """The text of a native document; "" for anything else."""
    if not file.native or file.mime in (FOLDER, SHORTCUT):
        return ""
    if file.content:
        return contents.whole(contents.of_key(file.content)).decode()
    return _made_up(file)


def _made_up(file: File) -> str:
    noise = blake2b(f"{file.id}/{file.head}".encode()).digest()
    if file.mime == SCRIPT:
        return 'function main() {\n  Logger.log("hello");\n}\n'
    words = [VOCABULARY[one % len(VOCABULARY)] for one in noise]
    if file.mime == SHEET:
        head = "item,count,price\n"
        return head + "".join(f"{words[at]},{noise[at]},{noise[at + 1] / 4}\n" for at in range(0, 40, 2))
    lines = [" ".join(words[at : at + 8]).capitalize() + "." for at in range(0, 64, 8)]
    return "\n".join([file.name, "", *(lines[:3] if file.mime == DRAWING else lines)]) + "\n"


def imported(mime: str, data: bytes) -> str:
    """The text that a conversion finds in a file of that type. Layout is not kept, as little of it is at Google."""
    data = data[: 64 << 20]
    if mime in (TEXT, CSV, TSV, MARKDOWN, "application/json", "application/vnd.google-apps.script+json"):
        text = data.decode("utf-8", "replace")
        return text.replace("\t", ",") if mime == TSV else text
    if mime == HTML:
        return html.unescape(_plain(data).decode("utf-8", "replace"))
    if mime in (DOCX, ODT, PPTX, XLSX, ODS, ODS_OLD):
        return _from_package(mime, data)
    runs = [one.decode("utf-16-le") for one in WIDE_RUN.findall(data)]  # old binary formats, RTF and the like
    runs += [one.decode("cp1252", "replace") for one in RUN.findall(data)]
    return "\n".join(one.replace("\r", "\n") for one in runs)[:LARGEST_TEXT_BYTES]


def _from_package(mime: str, data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            return _from_parts(mime, package)
    except (zipfile.BadZipFile, KeyError, NotImplementedError):
        return ""


def _from_parts(mime: str, package: zipfile.ZipFile) -> str:
    def part(name: str) -> bytes:
        with package.open(name) as opened:
            return opened.read(LARGEST_TEXT_BYTES * 4)

    if mime == XLSX:
        return _cells(package, part)
    if mime == PPTX:
        names = sorted(one for one in package.namelist() if re.fullmatch(r"ppt/slides/slide\d+\.xml", one))
        found = b"\n".join(part(one).replace(b"</a:p>", b"\n") for one in names)
    elif mime == DOCX:
        found = part("word/document.xml").replace(b"</w:p>", b"\n").replace(b"<w:tab/>", b"\t")
    else:
        found = part("content.xml").replace(b"</table:table-cell>", b",").replace(b"</table:table-row>", b"\n")
        found = found.replace(b"</text:p>", b"" if mime in (ODS, ODS_OLD) else b"\n").replace(b"<text:s/>", b" ")
    return html.unescape(_plain(found).decode("utf-8", "replace")).lstrip()


def _cells(package: zipfile.ZipFile, part: "object") -> str:
    read = part if callable(part) else package.read
    shared: list[str] = []
    if "xl/sharedStrings.xml" in package.namelist():
        shared = [_text(one) for one in re.findall(rb"<si>(.*?)</si>", read("xl/sharedStrings.xml"), re.DOTALL)]
    rows = []
    for row in re.findall(rb"<row[^>]*>(.*?)</row>", read("xl/worksheets/sheet1.xml"), re.DOTALL):
        cells = [(kind, _text(value)) for kind, value in CELL.findall(row)]
        rows.append(",".join(shared[int(value)] if kind == b"s" and value else value for kind, value in cells))
    return "\n".join(rows) + "\n"


def _text(xml: bytes) -> str:
    return html.unescape(TAG.sub(b"", xml).decode("utf-8", "replace"))


def _plain(xml: bytes) -> bytes:
    return TAG.sub(b"", xml)
