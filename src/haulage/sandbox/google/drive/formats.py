"""Which native kinds can be had in which formats, and what can be turned into which native kind.

Source: developers.google.com/workspace/drive/api/guides/ref-export-formats and the answers of about.get (2026-08).
"""

from haulage.sandbox.google.drive.model import (
    DOCUMENT,
    DRAWING,
    SCRIPT,
    SHEET,
    SLIDES,
)

OFFICE = "application/vnd.openxmlformats-officedocument."
OPEN = "application/vnd.oasis.opendocument."
DOCX, XLSX, PPTX = OFFICE + "wordprocessingml.document", OFFICE + "spreadsheetml.sheet", (
    OFFICE + "presentationml.presentation"
)  # fmt: skip
ODT, ODS, ODP = OPEN + "text", OPEN + "spreadsheet", OPEN + "presentation"
PDF, TEXT, HTML, RTF, ZIP, EPUB, MARKDOWN = (
    "application/pdf", "text/plain", "text/html", "application/rtf", "application/zip", "application/epub+zip",
    "text/markdown",
)  # fmt: skip
CSV, TSV, JPEG, PNG, SVG = "text/csv", "text/tab-separated-values", "image/jpeg", "image/png", "image/svg+xml"
SCRIPT_JSON = "application/vnd.google-apps.script+json"
ODS_OLD = "application/x-vnd.oasis.opendocument.spreadsheet"

EXPORTS: dict[str, dict[str, str]] = {
    DOCUMENT: {RTF: "rtf", ODT: "odt", HTML: "html", PDF: "pdf", EPUB: "epub", ZIP: "zip", DOCX: "docx", TEXT: "txt",
               MARKDOWN: "md"},
    SHEET: {ODS_OLD: "ods", TSV: "tsv", PDF: "pdf", XLSX: "xlsx", CSV: "csv", ZIP: "zip", ODS: "ods"},
    SLIDES: {ODP: "odp", PDF: "pdf", PPTX: "pptx", TEXT: "txt", JPEG: "jpeg", PNG: "png", SVG: "svg"},
    DRAWING: {SVG: "svg", PNG: "png", PDF: "pdf", JPEG: "jpeg"},
    SCRIPT: {SCRIPT_JSON: "json"},
}  # fmt: skip
"""By native kind: each format, and the word for it in export links."""

_TO_DOCUMENT = (
    DOCX, ODT, RTF, HTML, TEXT, PDF, MARKDOWN, "text/rtf", "text/richtext", "application/msword", "image/jpeg",
    "image/png", "image/gif", "image/bmp", OFFICE + "wordprocessingml.template",
    "application/vnd.ms-word.document.macroenabled.12", "application/vnd.ms-word.template.macroenabled.12",
    "application/vnd.sun.xml.writer", "application/x-vnd.oasis.opendocument.text",
)  # fmt: skip
_TO_SHEET = (
    XLSX, ODS, ODS_OLD, CSV, TSV, "application/vnd.ms-excel", OFFICE + "spreadsheetml.template",
    "application/vnd.ms-excel.sheet.macroenabled.12", "application/vnd.ms-excel.template.macroenabled.12",
)  # fmt: skip
_TO_SLIDES = (
    PPTX, ODP, "application/vnd.ms-powerpoint", OFFICE + "presentationml.template",
    OFFICE + "presentationml.slideshow", "application/vnd.ms-powerpoint.presentation.macroenabled.12",
    "application/vnd.ms-powerpoint.slideshow.macroenabled.12",
    "application/vnd.ms-powerpoint.template.macroenabled.12", "application/x-vnd.oasis.opendocument.presentation",
)  # fmt: skip
IMPORTS: dict[str, list[str]] = {
    **{kind: [DOCUMENT] for kind in _TO_DOCUMENT},
    **{kind: [SHEET] for kind in _TO_SHEET},
    **{kind: [SLIDES] for kind in _TO_SLIDES},
    "application/x-msmetafile": [DRAWING],
    SCRIPT_JSON: [SCRIPT],
    "application/json": [SCRIPT],
}
MAX_IMPORT = {DOCUMENT: 10_485_760, SHEET: 104_857_600, SLIDES: 104_857_600, DRAWING: 2_097_152}
PALETTE = (
    "#ac725e", "#d06b64", "#f83a22", "#fa573c", "#ff7537", "#ffad46", "#fad165", "#fbe983", "#b3dc6c", "#7bd148",
    "#16a765", "#42d692", "#92e1c0", "#9fe1e7", "#9fc6e7", "#4986e7", "#9a9cff", "#b99aff", "#8f8f8f", "#cabdbf",
    "#cca6ac", "#f691b2", "#cd74e6", "#a47ae2",
)  # fmt: skip
"""The colours that folders can have; others become the nearest of them."""


def nearest_color(color: str) -> str:
    """The colour of the palette that is nearest to #rrggbb. Raises ValueError for what is no colour."""
    wanted = [int(color.removeprefix("#")[at : at + 2], 16) for at in (0, 2, 4)]

    def distance(one: str) -> int:
        return sum((int(one[at + 1 : at + 3], 16) - value) ** 2 for at, value in zip((0, 2, 4), wanted, strict=True))

    return min(PALETTE, key=distance)
