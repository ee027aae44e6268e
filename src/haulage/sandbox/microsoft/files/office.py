"""SharePoint's property promotion: it writes its own properties into files that it understands, after their upload.

Seen by many: rclone issues 2753 and 4890, onedrive-api-docs issue 935. What belongs to the document stays as it was.
"""

import io
import zipfile

from haulage.sandbox.frame.contents import Content, Contents

ENDINGS = (".docx", ".xlsx", ".pptx")
LARGEST_BYTES = 64 << 20
PROPERTIES = "docProps/custom.xml"
XML = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Properties '
    'xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties" '
    'xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"><property '
    'fmtid="{{D5CDD505-2E9C-101B-9397-08002B2CF9AE}}" pid="2" name="ContentTypeId"><vt:lpwstr>0x0101{mark}</vt:lpwstr>'
    "</property></Properties>"
)
STAMP = (1980, 1, 1, 0, 0, 0)


def rewritten(name: str, item: str, content: Content, contents: Contents) -> bytes | None:
    """The bytes that SharePoint makes of a file; None where it leaves it alone. item: its id, which goes into them."""
    if not name.lower().endswith(ENDINGS) or not 0 < content.size <= LARGEST_BYTES or not content.extents:
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(contents.whole(content))) as package:
            return _with_properties(package, item)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        return None  # not what its name says: it is stored as it came


def _with_properties(package: zipfile.ZipFile, item: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in package.infolist():
            if entry.filename != PROPERTIES:
                target.writestr(entry, package.read(entry), entry.compress_type)
        target.writestr(zipfile.ZipInfo(PROPERTIES, STAMP), XML.format(mark=item.encode().hex().upper()[:34]))
    return made.getvalue()
