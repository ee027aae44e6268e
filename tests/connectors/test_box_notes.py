"""Box Notes leave Box as Word documents, each once; what is none stays as it is, and at Box notes stay notes."""

import io
import json
import secrets
from pathlib import Path
from typing import Any

import pytest
import requests
from docx import Document

from testbed.sandbox import Sandbox
from tests.connectors.people import Office
from tests.connectors.terminal import Terminal


class Desk:
    """A person with a folder of notes, and the program with their Box as `mine`."""

    def __init__(self, office: Office, sandbox: Sandbox, *words: str) -> None:
        account = office.people("box", "user")[0]
        self.haulage = Terminal(office)
        added = self.haulage.add("box", "mine", account, "--paste", "--access", "write", *words)
        assert added.code == 0, added.err
        offer = sandbox.service("box")
        told = sandbox.do("box", "sign-in", user=account["user"], client_id=offer["client_id"])
        self._signed = {"Authorization": f"Bearer {told['access_token']}", "box-version": "2026.0"}
        self._base = offer["base_url"]
        self.name = f"Desk {secrets.token_hex(4)}"
        self.folder = self.post("/2.0/folders", {"name": self.name, "parent": {"id": "0"}})["id"]
        self.path = f"mine:/{self.name}"

    def post(self, route: str, document: Any) -> dict[str, Any]:
        """A call of the same person's, at the sandbox's own port."""
        answer = requests.post(self._base + route, json=document, headers=self._signed, timeout=30)
        answer.raise_for_status()
        return dict(answer.json())

    def note(self, name: str, text: str) -> None:
        """A note, made by Box itself."""
        wanted = {"content": text, "content_format": "markdown", "parent": {"id": self.folder}, "name": name}
        self.post("/2.0/notes/convert", wanted)

    def file(self, name: str, body: bytes) -> str:
        """A file; its id."""
        facts = {"attributes": json.dumps({"name": name, "parent": {"id": self.folder}})}
        where = f"{self._base}/api/2.0/files/content"
        answer = requests.post(where, data=facts, files={"file": (name, body)}, headers=self._signed, timeout=30)
        answer.raise_for_status()
        return str(answer.json()["entries"][0]["id"])

    def copies(self, source: str, target: str) -> dict[str, Any]:
        """Copy; the outcomes by path, and the counters as ""."""
        ran = self.haulage("copy", source, target, "--create", "--json")
        assert ran.code == 0, ran.out[-3000:] + ran.err
        log = self.haulage("log", str(ran.ended["run"]), "--json")
        rows = [json.loads(line) for line in log.out.splitlines()]
        return {**{row["path"]: row for row in rows if "path" in row}, "": ran.counts}


@pytest.fixture
def desk(office: Office, sandbox: Sandbox) -> Desk:
    """With Word documents, as it is where nothing is chosen."""
    return Desk(office, sandbox)


def test_notes_become_word_documents(desk: Desk, tmp_path: Path) -> None:
    """Beside a file of that name too; a second run sends nothing, and a verification finds them."""
    there = tmp_path / "there"
    desk.note("plan", "First this.\n\nThen that.")
    desk.file("plan.docx", b"another")
    desk.file("torn.boxnote", b'{"doc":')
    told = desk.copies(desk.path, str(there))
    assert {path: row["outcome"] for path, row in told.items() if path.endswith(".boxnote")} == {
        "plan.boxnote": "transformed",
        "torn.boxnote": "transformed",
    }
    assert "made a Word document" in told["plan.boxnote"]["message"]
    assert "kept as it is" in told["torn.boxnote"]["message"]
    assert {one.name for one in there.iterdir()} == {"plan.docx", "plan (2).docx", "torn.boxnote"}
    assert (there / "plan.docx").read_bytes() == b"another"
    assert (there / "torn.boxnote").read_bytes() == b'{"doc":'
    made = (there / "plan (2).docx").read_bytes()
    assert [one.text for one in Document(io.BytesIO(made)).paragraphs] == ["First this.", "Then that."]
    assert desk.copies(desk.path, str(there))[""]["sent_bytes"] == 0
    assert desk.haulage("verify", desk.path, str(there)).code == 0
    deep = desk.haulage("verify", desk.path, str(there), "--deep")
    assert deep.code == 0, deep.out
    (there / "plan (2).docx").write_bytes(made[:-1] + b"x")
    assert desk.haulage("verify", desk.path, str(there), "--deep").code == 3


def test_at_box_they_stay_notes(desk: Desk) -> None:
    """Byte for byte."""
    desk.note("plan", "First this.")
    told = desk.copies(desk.path, f"{desk.path} there")
    assert told["plan.boxnote"]["outcome"] == "verified"
    assert desk.copies(desk.path, f"{desk.path} there")[""]["sent_bytes"] == 0


def test_they_come_as_they_are_where_that_was_chosen(office: Office, sandbox: Sandbox, tmp_path: Path) -> None:
    desk = Desk(office, sandbox, "--set", "notes_format=boxnote")
    desk.note("plan", "First this.")
    told = desk.copies(desk.path, str(tmp_path / "there"))
    assert told["plan.boxnote"]["outcome"] == "verified"
    note = json.loads((tmp_path / "there/plan.boxnote").read_bytes())
    assert note["doc"]["content"][0]["content"][0]["text"] == "First this."


def test_another_form_is_refused(office: Office) -> None:
    haulage = Terminal(office)
    ran = haulage.add("box", "mine", office.people("box", "user")[0], "--paste", "--set", "notes_format=rtf")
    assert ran.code == 2
    assert "docx, boxnote" in ran.out + ran.err
