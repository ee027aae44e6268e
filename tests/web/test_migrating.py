"""Users added to a migration, scanned and moved from its page, watched and paused there; its reports."""

import asyncio
import csv
import io
import json
import re
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from haulage.model.matching import Candidate, Match, Matched
from haulage.model.person import Role
from haulage.operations import migrations, transfers
from tests.web.house import TEST, House, Visitor, words

OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def ada(house: House, tmp_path: Path) -> AsyncIterator[Visitor]:
    """An operator with a migration between two connectors, signed in; alice and bob are at its source."""
    house.person("ada", Role.OPERATOR)
    for name in ("here", "there"):
        house.folder(name, "ada", tmp_path / name)
    for user in ("alice", "bob"):
        (tmp_path / "here" / user).mkdir()
        (tmp_path / "here" / user / "a.txt").write_text(user)
    migrations.create(house.ledger, "m", "here", "there", TEST)
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    yield visitor
    await visitor.close()


async def uploaded(ada: Visitor, text: str, what: str = "add") -> Any:
    """Give a CSV file."""
    form = {"form_key": ada.form_key, "what": what}
    sent = {"Origin": ada.origin, **OWN}
    files = {"file": ("users.csv", text.encode(), "text/csv")}
    return await ada.http.post("/migrations/1/upload", data=form, files=files, headers=sent)


def lines(tmp_path: Path, *users: str) -> str:
    """A file of transfers."""
    rows = [f"{tmp_path}/here/{user},{tmp_path}/there/{user},hr" for user in users]
    return "\n".join(["Source Path,Destination Path,Tags", *rows])


async def ended(ada: Visitor) -> list[dict[str, str]]:
    """Watch a migration as its page does, until nothing runs; what changed on it."""
    async with ada.http.stream("GET", "/migrations/1/events") as told:
        text = "".join([one async for one in told.aiter_text()])
    assert text.endswith("event: ended\ndata: \n\n")
    return [json.loads(one[6:]) for one in text.splitlines() if one.startswith("data: {")]


async def test_a_file_is_taken_whole_or_not_at_all(ada: Visitor, tmp_path: Path) -> None:
    """Each wrong line is told with its reason; a large file is taken; others' forms are not."""
    wrong = await uploaded(ada, "Source Path,Destination Path,Tags\na,b\nc/../d,e\n<b>x,y,z,1\n")
    told = words(wrong)
    assert wrong.status_code == 422 and "2 lines have to be corrected" in told
    assert "3a path has '..' in it" in told.replace("3 a", "3a") and "4 cells, where 3 are expected" in told
    assert "No users yet" in words(await ada.get("/migrations/1"))
    many = "\n".join(
        ["Source Path,Destination Path", *(f"user{n}@old.example,user{n}@new.example" for n in range(9000))]
    )
    assert len(many) > 256 * 1024
    assert (await uploaded(ada, many)).status_code == 303
    assert "9,000 users" in words(await ada.get("/migrations/1"))
    changed = await uploaded(ada, "ID,Source Path,Destination Path\n7,x,y\n", "update")
    assert changed.status_code == 303 and "1 user matches" in words(
        await ada.get("/migrations/1", filter="source:/^x$/")
    )
    key, ada.form_key = ada.form_key, "0" * 64
    assert (await uploaded(ada, lines(tmp_path, "eve"))).status_code == 403
    ada.form_key = key


async def test_scanned_then_moved(ada: Visitor, tmp_path: Path) -> None:
    """What and when is shown first; cells change as it goes on; reports tell of it; others than shown are not begun."""
    await uploaded(ada, lines(tmp_path, "alice", "bob", "carol"))
    nobody = await ada.get("/migrations/1/what", kind="copy")
    assert nobody.status_code == 422 and "no user is selected" in words(nobody)
    shown = words(await ada.get("/migrations/1/what", kind="copy", every=True, filter="tags:hr"))
    assert "Start migrating 3 users?" in shown and "Right now, 4 users at a time" in shown
    assert (await ada.post("/migrations/1/begin", kind="scan", row=[1, 2], count="2")).status_code == 303
    changes = await ended(ada)
    assert "Success" in [one["user-1"] for one in changes if "user-1" in one][-1]
    assert not list((tmp_path / "there").iterdir())
    other = await ada.post("/migrations/1/begin", kind="copy", every="true", filter="tags:hr", count="2")
    assert other.status_code == 422 and "3 users match now, 2 were shown" in words(other)
    assert (await ada.post("/migrations/1/begin", kind="copy", every="true", count="3")).status_code == 303
    await ended(ada)
    assert (tmp_path / "there" / "bob" / "a.txt").read_text() == "bob"
    page = words(await ada.get("/migrations/1"))
    assert "2 succeeded, 0 with some problems, 1 failed" in page and "carol does not exist" in page
    report = await ada.get("/migrations/1/reports/migration", filter="id:1")
    rows = list(csv.DictReader(io.StringIO(report.content.decode("utf-8-sig"))))
    assert [(one["Last Status Code"], one["Files Transferred"]) for one in rows] == [("100", "1")]
    assert "carol" in (await ada.get("/migrations/1/reports/errors")).text
    table = (await ada.get("/migrations/1/reports/table")).content.decode("utf-8-sig")
    assert table.splitlines()[0] == "ID,Source Path,Destination Path,Tags,Notes,Status"
    assert (await uploaded(ada, table, "update")).status_code == 303
    ticked = {"key": ["files", "id", "status", "data_skipped"], "order": ["status", "files", "id", "data_skipped"]}
    assert (await ada.post("/migrations/1/columns", **ticked)).status_code == 303
    chosen = (await ada.get("/migrations/1/reports/columns", filter="id:1 id:1")).content.decode("utf-8-sig")
    assert chosen.splitlines() == ["Status,Files Successful,ID,Bytes Skipped", "Success,1,1,0"]
    left = ada.house.ledger.path.parent / "reports" / "migration-1"
    for _ in range(500):
        if not list(left.iterdir()):
            break
        await asyncio.sleep(0.02)
    assert not list(left.iterdir())


async def test_paused(ada: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One pass at a time; those that wait are queued; after a pause nothing begins, and it can be started again."""
    await uploaded(ada, lines(tmp_path, "alice", "bob"))
    held = asyncio.Event()

    async def forever(*_: object, **__: object) -> None:
        held.set()
        await asyncio.Event().wait()

    copy = transfers.copy
    monkeypatch.setattr(transfers, "copy", forever)
    ada.house.app.state.passes.at_once = 1
    begun = {"kind": "copy", "every": "true", "count": "2"}
    assert (await ada.post("/migrations/1/begin", **begun)).status_code == 303
    await held.wait()
    page = words(await ada.get("/migrations/1"))
    assert "1 running, 1 queued, 0 done" in page and "Queued" in page
    twice = await ada.post("/migrations/1/begin", **begun)
    assert twice.status_code == 422 and "run already" in words(twice)
    assert (await ada.post("/migrations/1/passes/1/pause")).status_code == 303
    page = words(await ada.get("/migrations/1"))
    assert "was paused: paused by ada. 2 have not ended" in page and "Queued" not in page
    assert (await ada.post("/migrations/1/passes/1/pause")).status_code == 422
    monkeypatch.setattr(transfers, "copy", copy)
    assert (await ada.post("/migrations/1/passes/1/resume")).status_code == 303
    await ended(ada)
    assert (tmp_path / "there" / "bob" / "a.txt").read_text() == "bob"


async def test_discovered(ada: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unmatched first; those with a name in common alone are taken when ticked; not if others match than were shown."""
    assert "one root and no users to discover" in words(await ada.get("/migrations/1/discovered"))
    sides = [[Candidate(f"{one}@{side}", "user", "Eve" if one[0] == "e" else one) for one in ("al", f"e{side}", side)]
             for side in ("old", "new")]  # fmt: skip
    taken = [Match(sides[0][0], sides[1][0], "local part")]
    found = Matched(taken, [Match(sides[0][1], sides[1][1], "name")], sides[0][1:], sides[1][1:])

    async def known(*_: object) -> Matched:
        return found

    monkeypatch.setattr(migrations, "discovered", known)
    told = words(await ada.get("/migrations/1/discovered"))
    assert (
        told.index("Unmatched at the source: 2")
        < told.index("The same display name only: 1")
        < told.index("local part")
    )
    assert (await ada.post("/migrations/1/discovered", count="2")).status_code == 422
    assert (await ada.post("/migrations/1/discovered", count="1")).status_code == 303
    page = words(await ada.get("/migrations/1"))
    assert "al@new" in page and "eold@old" not in page
    assert (await ada.post("/migrations/1/discovered", count="0", offer="eold@old\tenew@new")).status_code == 303
    assert "enew@new" in words(await ada.get("/migrations/1"))


async def test_nobody_to_discover_is_told_before_anybody_presses(ada: Visitor) -> None:
    """Folders have no users: the button is there, it cannot be pressed, and the page says why."""
    page = await ada.get("/migrations/1/add")
    assert re.search(r'<button[^>]* disabled aria-describedby="nobody">Automatically discover', page.text)
    assert "Not possible here: here has one root and no users to discover. Name its folders in a CSV file" in words(
        page
    )


async def test_others_start_nothing(ada: Visitor, tmp_path: Path) -> None:
    """An administrator without the connectors sees the table and its reports, and neither adds, scans nor starts."""
    await uploaded(ada, lines(tmp_path, "alice"))
    ada.house.person("root2", Role.ADMIN)
    await ada.sign_in("root2")
    page = await ada.get("/migrations/1")
    assert page.status_code == 200 and 'name="row"' not in page.text and "Add users" not in page.text
    assert (await ada.get("/migrations/1/reports/table")).status_code == 200
    for path in ("add", "discovered", "what"):
        assert (await ada.get(f"/migrations/1/{path}", every="true")).status_code == 404
    for path in ("begin", "passes/1/pause", "discovered"):
        assert (await ada.post(f"/migrations/1/{path}", every="true", count="1")).status_code == 404
    assert (await uploaded(ada, lines(tmp_path, "bob"))).status_code == 404


async def test_scan_reports_are_made_and_downloaded(ada: Visitor, tmp_path: Path) -> None:
    """Made in the background, one at a time, of what the filter shows; the newest stay until others are made."""
    await uploaded(ada, lines(tmp_path, "alice", "bob"))
    assert (await ada.get("/migrations/1/scan-reports/zip")).status_code == 404
    nobody = await ada.post("/migrations/1/scan-reports", filter="nobody")
    assert nobody.status_code == 422 and "there are no users to report on" in words(nobody)
    assert (await ada.post("/migrations/1/begin", kind="scan", row=[1], count="1")).status_code == 303
    await ended(ada)
    assert "Ready" in words(await ada.get("/migrations/1"))
    assert "1 of 2 users were scanned" in words(await ada.get("/migrations/1/scan-reports"))
    for _ in range(2):
        assert (await ada.post("/migrations/1/scan-reports")).status_code == 303
        async with ada.http.stream("GET", "/migrations/1/scan-reports/events") as told:
            assert "".join([one async for one in told.aiter_text()]).endswith("event: ended\ndata: \n\n")
    assert "2 users, 1 items" in words(await ada.get("/migrations/1/scan-reports"))
    got = await ada.get("/migrations/1/scan-reports/zip")
    assert 'filename="ScanReport.zip"' in got.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(got.content)) as packed:
        summary = packed.read("ScanSummaryReport.csv").decode("utf-8-sig")
    assert [one["Files"] for one in csv.DictReader(io.StringIO(summary))] == ["", "1"]
    page = await ada.get("/migrations/1/scan-reports/html")
    assert page.headers["content-disposition"].startswith("attachment") and "<svg" in page.text
    assert (await ada.get("/migrations/1/scan-reports/xlsx")).content[:2] == b"PK"
    assert len(list((ada.house.ledger.path.parent / "reports" / "migration-1-scan").iterdir())) == 1
