"""In which forms documents of Google come, what they are named, and when one has come to its end."""

import io
import zipfile

import pytest

from haulage.model.errors import Refused
from haulage.model.item import Kind
from haulage.services.google.exports import APPS, Exports, exports_of, settle_exports, whole
from haulage.services.google.files import File, item_of
from haulage.services.google.names import Naming, chosen, names_of

USUAL = exports_of("")


def document(name: str, file_id: str = "1" * 20, kind: str = "document", **facts: str) -> File:
    """A document as files.list tells it: its size is not that of any file."""
    created = facts.pop("created", "2026-01-02T03:04:05.678Z")
    return File(
        id=file_id, name=name, mime_type=APPS + kind, size="77", modified="2026-03-01T00:00:00.000Z", created=created
    )


def test_a_kind_comes_in_the_first_form_that_it_can_have() -> None:
    assert [USUAL.ending(APPS + kind) for kind in ("document", "spreadsheet", "presentation", "drawing", "form")] == [
        "docx",
        "xlsx",
        "pptx",
        "svg",
        "",
    ]
    chosen_forms = exports_of(" .PDF, xlsx; odt,pdf")
    assert chosen_forms == Exports(("pdf", "xlsx", "odt"))
    assert [chosen_forms.ending(APPS + kind) for kind in ("document", "spreadsheet")] == ["pdf", "pdf"]
    assert USUAL.ending("text/plain") == ""
    assert settle_exports({"client_id": "x"}) == {"client_id": "x", "export_formats": "docx, xlsx, pptx, svg"}
    with pytest.raises(Refused, match="'doc'"):
        exports_of("doc")


def test_names_get_the_ending_once_and_lose_it_again() -> None:
    kind = f"{APPS}document"
    assert [USUAL.part(name, kind) for name in ("a", "a.DOCX", "a.pdf")] == ["a.docx", "a.DOCX", "a.pdf.docx"]
    assert [USUAL.name(part, kind) for part in ("a.docx", "a.DOCX", "a")] == ["a", "a", "a"]
    assert names_of("a.docx", USUAL) == ["a.docx", "a"]
    assert names_of("a.txt", USUAL) == ["a.txt"]


def test_a_document_beside_a_file_of_its_name_has_a_path_of_its_own() -> None:
    file = File(id="2" * 20, name="a.docx", mime_type="text/plain", created="2025-01-01T00:00:00.000Z")
    made = document("a")
    naming = Naming(USUAL)
    assert [naming.part(one) for one in (file, made)] == ["a.docx", "a (11111111).docx"]
    assert chosen("a (11111111).docx", [made, file], USUAL) is made


def test_its_size_is_unknown_and_its_revision_tells_the_form_too() -> None:
    item = item_of("a.docx", document("a"), USUAL)
    assert (item.kind, item.size, item.hashes) == (Kind.FILE, None, {})
    assert item.revision != item_of("a.odt", document("a"), exports_of("odt")).revision
    assert item_of("a", document("a", kind="form"), USUAL).kind is Kind.OTHER


def package(comment: bytes = b"") -> bytes:
    """Some package."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as made:
        made.writestr("word/document.xml", "x" * 5000)
        made.comment = comment
    return body.getvalue()


@pytest.mark.parametrize("body", [package(), package(b"a comment")])
def test_a_package_that_lacks_anything_is_not_whole(body: bytes) -> None:
    assert whole("docx", body[-66_000:], len(body))
    assert all(not whole("docx", body[:cut], cut) for cut in (0, 1, len(body) // 2, len(body) - 1))
    lacking = body[:100] + body[200:]
    assert not whole("docx", lacking, len(lacking))


def test_other_forms_are_whole_with_their_last_mark() -> None:
    assert whole("pdf", b"... %%EOF\n", 10) and not whole("pdf", b"... %%E", 7)
    assert whole("svg", b"<svg></svg>\n", 12) and not whole("svg", b"<svg>", 5)
    assert whole("txt", b"", 0)
