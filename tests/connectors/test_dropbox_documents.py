"""Dropbox's own documents come as files in another form, each once, and none is lost in silence."""

import json
from pathlib import Path
from typing import Any

import pytest
import requests

from testbed.sandbox import Sandbox
from tests.connectors.people import Office
from tests.connectors.terminal import Terminal

TEXT = "# Plan\n\nFirst **this**, then that.\n"


class Desk:
    """A person with a folder, and the program with their Dropbox as `mine`."""

    def __init__(self, office: Office, sandbox: Sandbox, *words: str) -> None:
        account = office.people("dropbox", "user")[0]
        self.haulage = Terminal(office)
        added = self.haulage.add("dropbox", "mine", account, "--paste", "--access", "write", *words)
        assert added.code == 0, added.err
        offer = sandbox.service("dropbox")
        told = sandbox.do("dropbox", "sign-in", user=account["user"], client_id=offer["client_id"])
        self._signed = {"Authorization": f"Bearer {told['access_token']}"}
        self._base = f"{offer['base_url']}/2/files/"

    def write(self, route: str, body: str, **argument: Any) -> dict[str, Any]:
        """An upload of the same person's, at the sandbox's own port."""
        headers = {"Content-Type": "application/octet-stream", "Dropbox-API-Arg": json.dumps(argument)}
        answer = requests.post(self._base + route, body.encode(), headers={**self._signed, **headers}, timeout=30)
        answer.raise_for_status()
        return dict(answer.json())

    def paper(self, path: str, text: str = TEXT) -> dict[str, Any]:
        """A Paper document."""
        return self.write("paper/create", text, path=path, import_format="markdown")

    def remove(self, path: str) -> None:
        """It is gone."""
        requests.post(
            f"{self._base}delete_v2", json={"path": path}, headers=self._signed, timeout=30
        ).raise_for_status()

    def copies(self, source: str, target: Path, code: int = 0) -> dict[str, Any]:
        """Copy; the outcomes by path, and the counters as ""."""
        ran = self.haulage("copy", source, str(target), "--create", "--json")
        assert ran.code == code, ran.out[-3000:] + ran.err
        log = self.haulage("log", str(ran.ended["run"]), "--json")
        rows = [json.loads(line) for line in log.out.splitlines()]
        return {**{row["path"]: row for row in rows if "path" in row}, "": ran.counts}


@pytest.fixture
def desk(office: Office, sandbox: Sandbox) -> Desk:
    """With Markdown, as it is where nothing is chosen."""
    return Desk(office, sandbox)


def test_paper_comes_as_markdown_beside_a_file_of_that_name(desk: Desk, tmp_path: Path) -> None:
    """A second run sends nothing; what was changed comes again, onto its own copy."""
    desk.paper("/Desk/plan.paper")
    desk.write("upload", "another", path="/Desk/plan.md")
    told = desk.copies("mine:/Desk", tmp_path / "there")
    assert told["plan.paper"]["outcome"] == "transformed", told
    assert "exported as md" in told["plan.paper"]["message"]
    assert (tmp_path / "there/plan.md").read_text() == "another"
    assert (tmp_path / "there/plan (2).md").read_text() == TEXT
    assert desk.copies("mine:/Desk", tmp_path / "there")[""]["sent_bytes"] == 0
    desk.remove("/Desk/plan.paper")
    desk.paper("/Desk/plan.paper", TEXT + "More.\n")
    desk.copies("mine:/Desk", tmp_path / "there")
    found = {path.name: path.read_text() for path in (tmp_path / "there").iterdir()}
    assert found == {"plan.md": "another", "plan (2).md": TEXT + "More.\n"}


def test_paper_comes_as_html_where_that_was_chosen(office: Office, sandbox: Sandbox, tmp_path: Path) -> None:
    desk = Desk(office, sandbox, "--set", "export_format=html")
    desk.paper("/Web/plan.paper")
    desk.copies("mine:/Web", tmp_path / "there")
    assert (tmp_path / "there/plan.html").read_text().startswith("<!DOCTYPE html>")


def test_another_form_is_refused_at_once(office: Office) -> None:
    ran = Terminal(office).add(
        "dropbox", "mine", office.people("dropbox", "user")[0], "--paste", "--set", "export_format=doc"
    )
    assert ran.code == 2
    assert "md, html" in ran.err + ran.out
