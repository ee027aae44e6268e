"""Google's own documents: as files elsewhere, as documents within Google, and told of where neither can be had."""

import json
from pathlib import Path
from typing import Any

import pytest

from testbed.sandbox import Sandbox
from tests.connectors.google_api import APPS, FOLDER, DriveApi
from tests.connectors.people import Office
from tests.connectors.terminal import Terminal
from tests.connectors.test_google_files import tree

KINDS = ("document", "spreadsheet", "presentation", "drawing")


class Desk:
    """A person with documents in a folder of their own, and the program with their Drive as `mine`."""

    def __init__(self, office: Office, sandbox: Sandbox, folder: str, *words: str) -> None:
        self.account = office.people("google-drive", "admin")[0]
        self.api = DriveApi(sandbox, self.account["user"])
        self.haulage = Terminal(office)
        self.folder = self.api.make(folder, FOLDER)
        self.where = f"mine:/{folder}"
        added = self.haulage.add("google-drive", "mine", self.account, "--paste", "--access", "write", *words)
        assert added.code == 0, added.err

    def handbook(self, name: str) -> str:
        """A document of more than 10 MB."""
        found = self.api.found("name = 'Complete Handbook' and 'me' in owners and trashed = false")[0]["id"]
        return self.api.copy(found, name, self.folder)

    def copies(self, source: str, target: object, code: int = 0) -> dict[str, Any]:
        """Copy; the outcomes by path, and the counters as ""."""
        ran = self.haulage("copy", source, str(target), "--create", "--json")
        assert ran.code == code, ran.out[-3000:] + ran.err
        log = self.haulage("log", str(ran.ended["run"]), "--json")
        rows = [json.loads(line) for line in log.out.splitlines()]
        return {**{row["path"]: row for row in rows if "path" in row}, "": ran.counts}


def test_each_kind_comes_in_its_form(office: Office, sandbox: Sandbox, tmp_path: Path) -> None:
    """Named alike and stably; a second run copies nothing, a third what was changed; forms are told of, not lost."""
    desk = Desk(office, sandbox, "Documents")
    ids = {kind: desk.api.make(f"the {kind}", APPS + kind, desk.folder) for kind in KINDS}
    desk.api.make("Named.docx", f"{APPS}document", desk.folder)
    twin = desk.api.make("the document", f"{APPS}document", desk.folder)
    desk.api.make("a form", f"{APPS}form", desk.folder)
    told = desk.copies(desk.where, tmp_path / "there")
    names = {
        "the document.docx",
        f"the document ({twin[-8:]}).docx",
        "Named.docx",
        "the spreadsheet.xlsx",
        "the presentation.pptx",
        "the drawing.svg",
    }
    found = tree(tmp_path / "there")
    assert set(found) == names
    assert all(found[name].startswith(b"PK") for name in names if name.endswith("x"))
    assert {told[name]["outcome"] for name in names} == {"transformed"}
    assert told["the drawing.svg"]["message"] == "a Google drawing, exported as svg"
    assert told["a form"]["outcome"] == "unsupported" and "a Google form" in told["a form"]["message"]

    again = desk.copies(desk.where, tmp_path / "there")
    assert (again[""]["successful"], again[""]["unchanged"]) == (0, 6)
    assert "ExportFile" not in again[""]["source_calls"]
    desk.api.update(ids["spreadsheet"], modifiedTime="2026-11-01T10:11:12.000Z")
    changed = desk.copies(desk.where, tmp_path / "there")
    assert (changed[""]["successful"], changed[""]["unchanged"]) == (1, 5)
    assert set(tree(tmp_path / "there")) == names
    checked = desk.haulage("verify", desk.where, str(tmp_path / "there"), "--deep", "--json")
    assert (checked.counts["failed"], checked.counts["successful"]) == (0, 6), checked.out


@pytest.mark.slow
def test_forms_are_chosen(office: Office, sandbox: Sandbox, tmp_path: Path) -> None:
    desk = Desk(office, sandbox, "Chosen", "--set", "export_formats=xlsx, odt, pdf")
    for kind in KINDS:
        desk.api.make(f"the {kind}", APPS + kind, desk.folder)
    desk.copies(desk.where, tmp_path / "there")
    found = tree(tmp_path / "there")
    assert set(found) == {"the document.odt", "the spreadsheet.xlsx", "the presentation.pdf", "the drawing.pdf"}
    refused = desk.haulage.add("google-drive", "other", desk.account, "--paste", "--set", "export_formats=docy")
    assert refused.code != 0
    assert "docy" in refused.out


@pytest.mark.parametrize(
    ("refused", "name"),
    [
        pytest.param(0, "the handbook.docx", marks=pytest.mark.slow),
        pytest.param(1, "the handbook.pdf", marks=pytest.mark.slow),
        (2, None),
    ],
    ids=["by its address", "as pdf", "reported"],
)
def test_a_document_of_over_10_mb(
    office: Office, sandbox: Sandbox, tmp_path: Path, refused: int, name: str | None
) -> None:
    """By the address that Google gives for it, else as PDF, else it is told; what came stays under its name."""
    desk = Desk(office, sandbox, f"Large {refused}")
    desk.handbook("the handbook")
    body = json.dumps({"error": {"code": 403, "errors": [{"reason": "forbidden", "domain": "global"}]}})
    if refused:
        details = {"status": 403, "headers": {"Content-Type": "application/json"}, "body": body}
        sandbox.fault(fault="answer", service="google", operation="exportLinks", times=refused, details=details)
    told = desk.copies(desk.where, tmp_path / "there", 0 if name else 3)
    row = told["the handbook.docx"]
    if name is None:
        assert (row["outcome"], row["code"]) == ("failed", "blocked")
        assert "neither as docx nor as pdf" in row["message"]
        return
    assert set(tree(tmp_path / "there")) == {name}
    assert row["outcome"] == "transformed"
    assert ("too large" in row["message"]) == (name != "the handbook.docx")
    again = desk.copies(desk.where, tmp_path / "there")
    assert (again[""]["successful"], again[""]["unchanged"]) == (0, 1)


@pytest.mark.slow
def test_an_export_that_breaks_off_is_no_document(office: Office, sandbox: Sandbox, tmp_path: Path) -> None:
    """F12: nothing tells how long it is, but its own end is looked at."""
    desk = Desk(office, sandbox, "Broken off")
    desk.api.make("the document", f"{APPS}document", desk.folder)
    rule = {"fault": "truncate", "service": "google", "operation": "drive.files.export"}
    sandbox.fault(**rule, times=1, details={"after": 300, "framing": "chunked"})
    told = desk.copies(desk.where, tmp_path / "there")
    assert told["the document.docx"]["outcome"] == "transformed"
    assert tree(tmp_path / "there")["the document.docx"].startswith(b"PK")
    sandbox.fault(**rule, details={"after": 300, "framing": "chunked"})
    desk.api.make("another", f"{APPS}document", desk.folder)
    told = desk.copies(desk.where, tmp_path / "there", 3)
    assert (told["another.docx"]["outcome"], told["another.docx"]["code"]) == ("failed", "short_read")
    assert set(tree(tmp_path / "there")) == {"the document.docx"}


def test_within_google_documents_stay_documents(office: Office, sandbox: Sandbox) -> None:
    """Copied by Google; a second run copies nothing, a newer one takes the place of what was copied before."""
    desk = Desk(office, sandbox, "Kept")
    ids = {kind: desk.api.make(f"the {kind}", APPS + kind, desk.folder) for kind in KINDS}
    target = desk.api.make("Kept there", FOLDER)
    sandbox.fault(fault="F07", service="google", operation="drive.files.copy", times=1)
    told = desk.copies(desk.where, "mine:/Kept there")
    copied = desk.api.children(target)
    assert {name: one["mimeType"] for name, one in copied.items()} == {f"the {kind}": APPS + kind for kind in KINDS}
    assert told["the document.docx"]["outcome"] == "verified_weak"
    source = desk.api.children(desk.folder)
    assert {name: one["modifiedTime"] for name, one in copied.items()} == {
        name: one["modifiedTime"] for name, one in source.items()
    }
    again = desk.copies(desk.where, "mine:/Kept there")
    assert (again[""]["successful"], again[""]["unchanged"]) == (0, 4)
    desk.api.update(ids["document"], modifiedTime="2026-11-02T10:11:12.000Z")
    changed = desk.copies(desk.where, "mine:/Kept there")
    assert (changed[""]["successful"], changed[""]["unchanged"]) == (1, 3)
    now = desk.api.children(target)
    assert len(now) == 4 and now["the document"]["modifiedTime"] == "2026-11-02T10:11:12.000Z"


@pytest.mark.slow
def test_a_document_out_of_reach_comes_as_a_file(office: Office, sandbox: Sandbox) -> None:
    """Another account that cannot read it gets the exported file."""
    desk = Desk(office, sandbox, "Out of reach")
    desk.api.make("the document", f"{APPS}document", desk.folder)
    other = office.people("google-drive", "user")[0]
    assert desk.haulage.add("google-drive", "theirs", other, "--paste", "--access", "write").code == 0
    told = desk.copies(desk.where, "theirs:/From elsewhere")
    assert told["the document.docx"]["outcome"] == "transformed"
    again = desk.copies(desk.where, "theirs:/From elsewhere")
    assert (again[""]["successful"], again[""]["unchanged"]) == (0, 1)
