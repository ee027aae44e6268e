"""A migration by the command line, from naming its transfers to its reports."""

import csv
import io
import json
import time
import zipfile
from pathlib import Path

import msgspec
import pytest

from haulage.cli.main import main
from haulage.connectors import lifecycle
from haulage.ledger import connectors, passes
from haulage.ledger.store import Ledger
from haulage.services.local import drive as local
from tests.e2e.program import Program


@pytest.fixture
def moved(haulage: Program, tmp_path: Path) -> Program:
    """An installation with two connectors and a migration between them; three of its four folders are there."""
    for user in ("alice", "bob", "carol"):
        (tmp_path / "from" / user / "docs").mkdir(parents=True)
        (tmp_path / "from" / user / "docs" / "a.txt").write_text(user)
    for name in ("here", "there"):
        assert haulage("connectors", "add", "local", name).code == 0
    assert haulage("migrations", "create", "Wave 1", "here", "there").code == 0
    lines = [
        f"{tmp_path}/from/{user},{tmp_path}/to/{user},{tags}"
        for user, tags in [("alice", "hr"), ("bob", ""), ("carol", "it;hr"), ("dave", "")]
    ]
    (tmp_path / "rows.csv").write_text("\n".join(["Source Path,Destination Path,Tags", *lines]), "utf-16")
    assert haulage("migrations", "add", "wave 1", str(tmp_path / "rows.csv")).code == 0
    return haulage


def test_from_names_to_reports(moved: Program, tmp_path: Path) -> None:
    """Each transfer is told with its end, the one that is not there with its reason; a second start copies nothing."""
    first = moved("migrations", "start", "Wave 1", "--json")
    assert first.code == 3
    assert first.events[-1] == {"event": "ended", "succeeded": 3, "issues": 0, "failed": 1, "paused": 0, "left": 0}
    assert (tmp_path / "to" / "carol" / "docs" / "a.txt").read_text() == "carol"
    assert sum(one["counts"]["successful"] for one in first.events if one["event"] == "ended" and "counts" in one) == 6
    shown = moved("migrations", "show", "Wave 1", "--filter", "status:success tags:hr", "--json").events
    assert [one["tags"] for one in shown[:-1]] == [["hr"], ["it", "hr"]]
    totals = moved("migrations", "show", "Wave 1", "--json").events[-1]["totals"]
    assert (totals["complete"], totals["failures"], totals["items"]) == (3, 1, 6)
    again = moved("migrations", "start", "Wave 1", "--filter", "id:1", "--json")
    assert again.code == 0
    assert [one["status"] for one in again.events if "run" in one] == [101]
    assert moved("migrations", "report", "Wave 1", "--output", str(tmp_path / "reports")).code == 0
    told = list(csv.DictReader(io.StringIO((tmp_path / "reports" / "migration.csv").read_text("utf-8-sig"))))
    assert [one["Times Run"] for one in told] == ["2", "1", "1", "0"]
    assert [one["Last Status Code"] for one in told] == ["101", "100", "100", "411"]
    assert [one["Files Transferred"] for one in told] == ["2", "2", "2", "0"]
    assert [one["Completed Files"] for one in told] == ["2", "2", "2", "0"]
    errors = list(csv.DictReader(io.StringIO((tmp_path / "reports" / "errors.csv").read_text("utf-8-sig"))))
    assert [(one["ScheduleID"], one["Action"]) for one in errors] == [("4", "Start")]
    assert "dave does not exist" in errors[0]["Error Message"]


def test_users_are_mapped_to_other_paths(moved: Program, tmp_path: Path) -> None:
    """By a file: all of its lines or none; they start at once, and what has copied keeps its paths."""
    assert moved("migrations", "start", "Wave 1").code == 3
    (tmp_path / "from" / "david").mkdir()
    (tmp_path / "from" / "david" / "b.txt").write_text("david")
    file = tmp_path / "paths.csv"
    head = "ID,Source Path,Destination Path\n"
    file.write_text(f"{head}1,{tmp_path}/from/david,{tmp_path}/to/x\n4,{tmp_path}/from/david,{tmp_path}/to/dave\n")
    refused = moved("migrations", "issues", "Wave 1", "--correct", str(file))
    assert (refused.code, "transfer 1 has copied already" in refused.err) == (2, True)
    file.write_text(f"{head}4,{tmp_path}/from/david,{tmp_path}/to/dave\n")
    done = moved("migrations", "issues", "Wave 1", "--correct", str(file), "--json")
    assert (done.code, done.events[-1]["succeeded"]) == (0, 1)
    assert (tmp_path / "to" / "dave" / "b.txt").read_text() == "david"
    assert moved("migrations", "issues", "Wave 1", "--json").events == []


def test_names_are_fitted(
    moved: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The list tells what they would be; one command takes them, and starts the users concerned."""
    names = msgspec.structs.replace(local.TRAITS.names, longest_part=40)
    monkeypatch.setattr(local.LocalDrive, "traits", msgspec.structs.replace(local.TRAITS, names=names))
    monkeypatch.setenv("HAULAGE_HOME", str(moved.home))
    (tmp_path / "from" / "bob" / f"{'minutes ' * 8}.txt").write_text("long")

    def here(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["migrations", *words])
        return int(ended.value.code or 0), capsys.readouterr().out

    assert here("start", "Wave 1", "--filter", "bob")[0] == 3
    listed = here("issues", "Wave 1")[1]
    assert "--issue failed-name_refused-destination --fit" in listed and " -> minutes minutes" in listed
    assert here("issues", "Wave 1", "--issue", "failed-name_refused-destination", "--fit")[0] == 0
    (there,) = (tmp_path / "to" / "bob").glob("minutes*.txt")
    assert there.read_text() == "long" and f"-> {there.name}" in listed
    code, told = here("issues", "Wave 1", "--json")
    assert (code, told) == (0, "")


def test_scans_list_and_copy_nothing(moved: Program, tmp_path: Path) -> None:
    """They are told beside the copies, and do not count as having run."""
    scanned = moved("migrations", "scan", "Wave 1", "--filter", "tags:hr", "--json")
    assert scanned.code == 0
    assert not (tmp_path / "to").exists()
    rows = moved("migrations", "show", "Wave 1", "--json").events[:-1]
    assert [one["scan"] and one["scan"]["counts"]["listed"] for one in rows] == [2, None, 2, None]
    assert {one["status"] for one in rows} == {None}


def test_until_the_first_run_rows_can_be_changed_and_taken_out(moved: Program, tmp_path: Path) -> None:
    """All rows of a file, or none and why; afterwards history stays."""
    exported = moved("migrations", "export", "Wave 1").out
    assert exported.splitlines()[0] == "ID,Source Path,Destination Path,Tags,Notes,Status"
    (tmp_path / "changed.csv").write_text(exported.replace("to/dave", "to/david"))
    assert moved("migrations", "update", "Wave 1", str(tmp_path / "changed.csv")).code == 0
    assert "to/david" in moved("migrations", "export", "Wave 1").out
    assert moved("migrations", "start", "Wave 1", "--filter", "alice").code == 0
    (tmp_path / "late.csv").write_text(f"ID,Source Path,Destination Path\n2,x,y\n1,{tmp_path},z\n99,q,r\n")
    late = moved("migrations", "update", "Wave 1", str(tmp_path / "late.csv"))
    assert late.code == 2
    assert "line 3: transfer 1 has copied already" in late.err and "line 4: there is no transfer 99" in late.err
    assert ",x,y," not in moved("migrations", "export", "Wave 1").out
    assert moved("migrations", "remove", "Wave 1", "1").code == 2
    assert moved("migrations", "remove", "Wave 1", "4").code == 0
    assert moved("migrations", "mark", "Wave 1", "--filter", "bob", "--tags", "late, hr", "--notes", "=1+1").code == 0
    assert "late, hr\",'=1+1," in moved("migrations", "export", "Wave 1").out


def test_a_migration_keeps_its_connectors_and_is_deleted_by_a_word(moved: Program, tmp_path: Path) -> None:
    """Nothing that was copied goes with it."""
    assert moved("migrations", "start", "Wave 1", "--filter", "alice").code == 0
    refused = moved("connectors", "delete", "here", "--yes")
    assert refused.code == 2 and "migration Wave 1" in refused.err
    assert moved("migrations", "create", "wave 1", "here", "there").code == 2
    assert moved("migrations", "rename", "Wave 1", "Wave one").code == 0
    assert moved("migrations", "delete", "Wave one").code == 2
    assert moved("migrations", "delete", "Wave one", "--confirm", "DELETE").code == 0
    assert moved("migrations", "list", "--json").events == [{"migrations": []}]
    assert (tmp_path / "to" / "alice" / "docs" / "a.txt").exists()
    assert len(moved("runs", "--json").events) == 1
    assert moved("connectors", "delete", "here", "--yes").code == 0


def test_what_cannot_be_run_is_said(moved: Program, tmp_path: Path) -> None:
    """An unknown migration, no transfer, a senseless number, users of a service that has none."""
    assert "there is no migration" in moved("migrations", "show", "Wave 9").err
    assert "no transfer is chosen" in moved("migrations", "start", "Wave 1", "--filter", "nobody").err
    assert "cannot run at once" in moved("migrations", "start", "Wave 1", "--at-once", "0").err
    assert "no users to discover" in moved("migrations", "discover", "Wave 1").err
    (tmp_path / "bad.csv").write_text("Source Path,Destination Path\na,b\na,b\n")
    bad = moved("migrations", "add", "Wave 1", str(tmp_path / "bad.csv"))
    assert bad.code == 2 and "line 3: the same as line 2" in bad.err
    assert json.loads(moved("migrations", "show", "Wave 1", "--json").out.splitlines()[-1])["totals"]["transfers"] == 4


def test_as_code(moved: Program, tmp_path: Path) -> None:
    """Exported, changed, shown, and done once that is agreed to."""
    path = tmp_path / "wave.yaml"
    text = moved("migrations", "export", "Wave 1", "--yaml").out
    path.write_text(text.replace("to/bob", "to/robert") + f"- {{source: {tmp_path}, destination: e}}\n")
    shown = moved("apply", str(path))
    assert "Changed: 1" in shown.out and "Added: 1" in shown.out and "Unchanged: 3" in shown.out
    assert shown.code == 2 and "nobody is there to be asked" in shown.err
    done = moved("apply", str(path), "--yes", "--json")
    assert done.code == 0 and [one["event"] for one in done.events] == ["plan", "applied"]
    again = moved("apply", str(path), "--yes")
    assert again.code == 0 and "Everything is as the file has it." in again.out and "Unchanged: 5" in again.out


def test_what_was_paused_is_no_success(moved: Program, tmp_path: Path) -> None:
    """Whoever waits for the command learns that somebody is left, and of each what became of it."""
    (tmp_path / "from" / "alice" / "docs" / "large.bin").write_bytes(bytes(30_000_000))
    process = moved.start("migrations", "start", "Wave 1", "--at-once", "1", "--bandwidth", "1M")
    deadline = time.monotonic() + 60
    while "1 running" not in moved("migrations", "passes", "Wave 1").out:
        assert time.monotonic() < deadline
    assert moved("migrations", "cancel", "Wave 1", "--filter", "source:dave").code == 0
    assert moved("migrations", "pause", "Wave 1").code == 0
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 5, out
    assert "0 succeeded, 0 issues, 0 failed, 0 paused, 3 left, 1 canceled." in out


@pytest.mark.slow
def test_killed_and_resumed(moved: Program, tmp_path: Path) -> None:
    """A pass whose process was killed is told of as interrupted; resumed, each transfer ends; canceled ones do not."""
    for number in range(3000):
        (tmp_path / "from" / "alice" / "docs" / f"{number}.txt").write_text(str(number))
    process = moved.start("migrations", "start", "Wave 1", "--at-once", "1")
    ledger = Ledger.open(moved.home / "ledger.db")
    try:
        deadline = time.monotonic() + 60
        while not ledger.read(passes.open_ones) or ledger.read(passes.tally, 1).get(300) != 1:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
        ledger.close()
    assert "interrupted: resume it" in moved("migrations", "passes", "Wave 1").out
    assert moved("migrations", "cancel", "Wave 1", "--filter", "dave").code == 0
    resumed = moved("migrations", "resume", "Wave 1", "--json")
    assert resumed.code == 0
    assert resumed.events[-1]["succeeded"] == 3
    told = moved("migrations", "passes", "Wave 1", "--json").events
    assert [(one["status"], one["users"]["succeeded"], one["users"]["canceled"]) for one in told] == [(100, 3, 1)]
    assert moved("migrations", "pause", "Wave 1").code == 2
    assert len(list((tmp_path / "to" / "alice" / "docs").iterdir())) == 3001


def test_scan_reports_are_written(moved: Program, tmp_path: Path) -> None:
    """Of whoever was scanned; who was not is in the summary all the same."""
    (tmp_path / "from" / "alice" / "=1+1.csv").write_text("x")
    assert moved("migrations", "scan", "Wave 1", "--filter", "tags:hr").code == 0
    told = moved("migrations", "scan-report", "Wave 1", "--output", str(tmp_path / "out"), "--json").events[0]
    assert told["totals"]["Files"] == 3 and told["totals"]["Users never scanned to the end"] == 2
    with zipfile.ZipFile(told["zip"]) as packed:
        text = packed.read("ScanSummaryReport.csv").decode("utf-8-sig")
    lines = {one["Schedule ID"]: one for one in csv.DictReader(io.StringIO(text))}
    assert [lines[number]["Files"] for number in "1234"] == ["2", "", "1", ""]
    assert lines["2"]["Status"] == "Never scanned" and lines["3"]["Readiness"] == "Ready"
    assert "<svg" in Path(told["html"]).read_text() and Path(told["xlsx"]).stat().st_size > 5000


def lose(moved: Program, *names: str) -> None:
    """These connectors' authorisations are lost, as the services say."""
    ledger = Ledger.open(moved.home / "ledger.db")
    for name in names:
        ledger.do(lifecycle.lose, ledger.read(connectors.get, name).id, "the token was revoked")
    ledger.close()


def test_lost_and_authorised_again(moved: Program, tmp_path: Path) -> None:
    """Whoever authorises again is told what waits, for what else it waits, and it goes on; nothing is sent twice."""
    (tmp_path / "from" / "dave").mkdir()
    assert moved("migrations", "start", "Wave 1", "--filter", "id:1").code == 0
    lose(moved, "here", "there")
    assert moved("migrations", "start", "Wave 1", "--filter", "source:alice", "--json").code == 4
    lost = moved("migrations", "start", "Wave 1", "--filter", "source:/bob|carol|dave/")
    assert (lost.code, "authorise" in lost.err) == (4, True)
    first = moved("connectors", "reauthorize", "here")
    assert (first.code, list((tmp_path / "to").iterdir())) == (0, [tmp_path / "to" / "alice"])
    assert "Pass 3 of Wave 1 (copy, 3 users) waits until there is authorised again too." in first.out
    assert moved("connectors", "reauthorize", "there", "--no-resume").code == 0
    again = moved("connectors", "reauthorize", "there", "--json")
    assert again.code == 0, again.err + again.out
    waiting = [one for one in again.events if one["event"] == "waiting"]
    assert [(one["pass"], one["users"], one["server"], one["lost"]) for one in waiting] == [
        (2, 1, False, []),
        (3, 3, False, []),
    ]
    ended = [one for one in again.events if one["event"] == "ended" and "succeeded" in one]
    assert [one["succeeded"] for one in ended] == [1, 3]
    assert (tmp_path / "to" / "carol" / "docs" / "a.txt").read_text() == "carol"
    assert moved("connectors", "reauthorize", "there", "--json").events[1:] == []


def test_a_servers_pass_is_left_to_the_server(moved: Program) -> None:
    """The command says who goes on with it, and leaves it alone."""
    lose(moved, "here")
    assert moved("migrations", "start", "Wave 1").code == 4
    ledger = Ledger.open(moved.home / "ledger.db")
    ledger.do(passes.hand_over, 1, server=True)
    ledger.close()
    again = moved("connectors", "reauthorize", "here")
    assert "The server goes on with pass 1 of Wave 1 (copy, 4 users); if none is up, as soon as one is." in again.out
    told = moved("migrations", "passes", "Wave 1").out
    assert "copy  Paused: a connector has to be authorised again" in told
    assert told.endswith(": 4 queued\n")
