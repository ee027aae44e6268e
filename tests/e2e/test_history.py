"""What a person sees of what was done: runs, the log of a run, its report."""

import csv
import io
import json
import os
import re
import subprocess
import time
from pathlib import Path

from tests.e2e.program import PROGRAM, Program

ODD = ["=cmd|x", "a\u202egnp.exe", "new\nline", "<img src=x onerror=alert(1)>", "Grüße 日本"]


def make(root: Path, count: int = 5) -> Path:
    """Files, one with each odd name, and a link that cannot be copied."""
    root.mkdir()
    for number in range(count):
        (root / f"file {number}").write_text(f"{number}")
    for name in ODD:
        (root / name).write_text(name)
    (root / "link").symlink_to("nowhere")
    return root


def started(process: subprocess.Popen[str]) -> int:
    """The number of the run, once it is under way."""
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "started":
            return int(event["run"])
    raise AssertionError("the run did not start")


def until(haulage: Program, run: int, listed: int) -> None:
    """Wait until the ledger knows that so many items were listed."""
    for _ in range(300):
        counts = next(one for one in haulage("runs", "--json").events if one["run"] == run)["counts"]
        if counts.get("listed", 0) >= listed:
            return
        time.sleep(0.1)
    raise AssertionError("nothing was listed")


def test_without_any_run_it_says_how_to_start_one(haulage: Program) -> None:
    ran = haulage("runs")
    assert ran.code == 0
    assert "haulage copy" in ran.out
    assert haulage("runs", "--json").out == ""
    missing = haulage("log", "7")
    assert missing.code == 2
    assert "there is no run 7" in missing.err and "haulage runs" in missing.err
    assert haulage("report", "last").code == 2
    assert haulage("runs", "--limit", "0").code == 2


def test_runs_are_listed_newest_first(haulage: Program, tmp_path: Path) -> None:
    source, target = make(tmp_path / "source"), tmp_path / "target"
    haulage("copy", str(source), str(target), "--dry-run")
    haulage("copy", str(source), str(target))
    haulage("copy", str(source), str(target))
    runs = haulage("runs", "--json").events
    assert [(run["run"], run["kind"], run["status"]) for run in runs] == [
        (3, "copy", 102),
        (2, "copy", 102),
        (1, "scan", 102),
    ]
    assert runs[0]["counts"]["unchanged"] == 10
    assert [run["run"] for run in haulage("runs", "--limit", "1", "--json").events] == [3]
    table = haulage("runs").out
    assert re.search(r"3 +copy +102 Success, some items cannot be copied", table)
    assert str(source) in table and str(target) in table


def test_a_run_under_way_and_a_killed_one_are_told_apart(haulage: Program, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    for number in range(20):
        (source / f"{number}").write_bytes(os.urandom(100_000))
    process = haulage.start("copy", str(source), str(target), "--bandwidth", "50k", "--json")
    try:
        run = started(process)
        until(haulage, run, 20)
        shown = haulage("runs", "--json").events[0]
        assert (shown["status"], shown["ended_us"]) == (300, None)
        assert "300 Running" in haulage("runs").out
        live = haulage("report", str(run), "--json").events[0]["facts"]
        assert live["not_reached"] > 0 and not live["adds_up"] and live["status"] == 300
    finally:
        process.kill()
        process.communicate()
    shown = haulage("runs", "--json").events[0]
    assert (shown["status"], shown["status_text"]) == (404, "Crashed or was killed")
    assert shown["ended_us"] == shown["beat_us"]
    report = haulage("report", str(run), "--json").events[0]
    assert report["facts"]["status"] == 404
    accounted = sum(term["items"] for term in report["facts"]["sum"])
    assert accounted + report["facts"]["not_reached"] == report["facts"]["listed"] == 20
    assert "of 20 listed items were not reached" in Path(report["html"]).read_text()
    assert haulage("copy", str(source), str(target)).code == 0
    assert [one["status"] for one in haulage("runs", "--json").events] == [100, 404]


def test_the_log_tells_one_line_for_each_item(haulage: Program, tmp_path: Path) -> None:
    source, target = make(tmp_path / "source"), tmp_path / "target"
    haulage("copy", str(source), str(target), "--exclude", "file 3")
    documents = haulage("log", "1", "--json").events
    assert {document["path"] for document in documents} == {path.name for path in source.iterdir()}
    verified = [document for document in documents if document["outcome"] == "verified"]
    assert len(verified) == 9
    assert all(document["began_us"] <= document["at_us"] for document in verified)
    skipped = haulage("log", "last", "--skipped", "--json").events
    assert {document["path"]: document["code"] for document in skipped} == {"file 3": "filter", "link": "not_a_file"}
    assert haulage("log", "1", "--failures").out == ""
    lines = haulage("log", "1").out.splitlines()
    assert len(lines) == 11
    assert any(re.search(r"^Skipped +- +\S+Z +1 B  file 3  excluded by 'file 3' \(filter\)$", line) for line in lines)
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", "\n".join(lines))


def test_the_log_as_csv_is_one_row_for_each_item_and_opens_harmlessly(haulage: Program, tmp_path: Path) -> None:
    haulage("copy", str(make(tmp_path / "source")), str(tmp_path / "target"))
    command = [*PROGRAM, "log", "1", "--csv"]
    raw = subprocess.run(command, env=haulage.environment, capture_output=True, check=True).stdout
    table = [*csv.DictReader(io.StringIO(raw.decode(), newline=""), strict=True)]
    assert len(table) == 11
    assert {"'=cmd|x", "new\nline", "a\u202egnp.exe"} < {line["Name"] for line in table}
    assert haulage("log", "1", "--csv", "--json").code == 2


def test_a_reader_that_stops_reading_is_no_error(haulage: Program, tmp_path: Path) -> None:
    haulage("copy", str(make(tmp_path / "source", 3000)), str(tmp_path / "target"))
    for words in (("log", "1"), ("log", "1", "--csv"), ("log", "1", "--json")):
        process = haulage.start(*words)
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        complaint = process.stderr.read()
        process.stderr.close()
        assert (process.wait(30), "Traceback" in complaint) == (0, False), complaint


def test_the_report_adds_up_and_lies_where_it_says(haulage: Program, tmp_path: Path) -> None:
    source, target = make(tmp_path / "source"), tmp_path / "target"
    haulage("copy", str(source), str(target))
    (source / "file 0").unlink()
    (source / "file 1").write_text("changed")
    (source / "new").write_text("ours")
    (target / "new").write_text("theirs")
    haulage("copy", str(source), str(target))
    told = haulage("report", "2")
    assert told.code == 0
    for ending in ("html", "csv", "jsonl"):
        assert (haulage.home / "reports" / "run-2" / f"run-2.{ending}").is_file()
        assert f"run-2.{ending}" in told.out
    report = haulage("report", "last", "--json", "--output", str(tmp_path / "out")).events[0]
    facts = report["facts"]
    assert facts["adds_up"] and facts["listed"] == 11
    assert {term["name"]: term["items"] for term in facts["sum"]} == {"unchanged": 8, "verified": 2, "unsupported": 1}
    assert [group["code"] for group in facts["beyond"]] == ["removed_since"]
    assert facts["kept_both"] == 1
    page = Path(report["html"]).read_text()
    assert page.startswith("<!doctype html>")
    for said in ("Every item is accounted for<", "new (2)", "Removed at the source since an earlier run", "Requests"):
        assert said in page
    assert "onerror=alert" not in page.replace("&lt;img src=x onerror=alert(1)&gt;", "")


def test_dry_runs_and_verifications_have_reports_too(haulage: Program, tmp_path: Path) -> None:
    source, target = make(tmp_path / "source"), tmp_path / "target"
    haulage("copy", str(source), str(target), "--dry-run", "--json")
    planned = haulage("report", "1", "--json").events[0]["facts"]
    assert planned["adds_up"], planned["sum"]
    assert {"name": "planned", "items": 10, "bytes": planned["sum"][1]["bytes"]} in planned["sum"]
    haulage("copy", str(source), str(target))
    (target / "file 0").unlink()
    (target / "file 1").write_text("another content")
    (target / "extra").write_text("only here")
    haulage("verify", str(source), str(target))
    report = haulage("report", "last", "--json").events[0]
    facts = report["facts"]
    assert facts["kind"] == "verify" and facts["adds_up"], facts["sum"]
    assert {group["code"] for group in facts["problems"]} == {"missing", "size"}
    assert [(group["code"], group["items"]) for group in facts["beyond"]] == [("extra_at_destination", 1)]
    page = Path(report["html"]).read_text()
    assert "Missing at the destination" in page and "Only at the destination" in page and ">extra<" in page


def test_a_scan_has_a_report_of_what_is_there(haulage: Program, tmp_path: Path) -> None:
    source = make(tmp_path / "source")
    (source / "FILE 1").write_text("the same but for case")
    haulage("scan", str(source), "--exclude", "file 3")
    report = haulage("report", "last", "--json").events[0]
    facts = report["facts"]
    assert facts["adds_up"], facts["sum"]
    assert {term["name"]: term["items"] for term in facts["sum"]} == {"copyable": 10, "skipped": 1, "unsupported": 1}
    assert facts["survey"]["files"] == 10
    page = Path(report["html"]).read_text()
    for said in ("What is there", "As a destination", "differ only by case", "Largest files", "Longest paths"):
        assert said in page
    assert "<dt>To</dt>" not in page


def test_history_is_read_while_a_copy_is_writing(haulage: Program, tmp_path: Path) -> None:
    """No reader keeps a copy waiting: the log is held open, half read, while the copy ends."""
    source = make(tmp_path / "source", 3000)
    haulage("copy", str(source), str(tmp_path / "target"))
    reader = haulage.start("log", "1", "--json")
    assert reader.stdout is not None and reader.stderr is not None
    reader.stdout.readline()
    began = time.monotonic()
    assert haulage("copy", str(source), str(tmp_path / "second")).code == 0
    assert time.monotonic() - began < 50, "the copy waited for the reader"
    rest = reader.stdout.read().splitlines()
    assert len(rest) == 3005
    reader.stdout.close()
    reader.stderr.close()
    assert reader.wait(30) == 0


def test_looking_at_runs_never_stops_one_from_starting(haulage: Program, tmp_path: Path) -> None:
    source = make(tmp_path / "source")
    for _ in range(3):
        looking = [haulage.start("runs") for _ in range(2)]
        assert haulage("copy", str(source), str(tmp_path / "target")).code == 0
        for process in looking:
            process.communicate(timeout=30)
            assert process.returncode == 0
