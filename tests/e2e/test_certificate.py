"""`haulage certificate` as a person sees it, and `haulage verify FILE --offline` as whoever is given the file does."""

import json
import zipfile
from pathlib import Path

import pytest

from tests.e2e.program import Program
from tests.unit.engine.sides import write

FILES: dict[str, bytes | None] = {"a.txt": b"first", "empty": b"", "sub/Grüße 日本.txt": b"x" * 1000}


def test_a_run_is_certified_and_checked(haulage: Program, tmp_path: Path) -> None:
    """A first run and one that left most alone say of every item how it was proven; who has the file alone can tell."""
    source, target = tmp_path / "source", tmp_path / "destination"
    write(source, FILES)
    path = tmp_path / "certificate.zip"
    assert haulage("certificate", "-o", str(path)).code == 2
    assert haulage("copy", str(source), str(target)).code == 0
    first = haulage("certificate", "-o", str(path), "--json")
    assert (first.code, first.events[0]["complete"], first.events[0]["transfers"][0]["listed"]) == (0, True, 4)

    write(source, {"new.txt": b"new"})
    assert haulage("copy", str(source), str(target)).code == 0
    made = haulage("certificate", "2", "-o", str(path))
    assert made.code == 0, made.err
    assert made.out.startswith("Complete: 5 items, ")
    with zipfile.ZipFile(path) as archive:
        items = {one["path"]: one for one in map(json.loads, archive.read("items/1.jsonl").splitlines())}
    assert sorted(items) == ["a.txt", "empty", "new.txt", "sub", "sub/Grüße 日本.txt"]
    assert {one["outcome"] for one in items.values()} == {"verified"}
    assert all("sha256" in one["evidence"] for path, one in items.items() if path != "sub")

    key = haulage("keys", "public").out.strip()
    elsewhere = Program(tmp_path / "other home")
    checked = elsewhere("verify", str(path), "--offline", "--key", key)
    assert checked.code == 0, checked.err
    assert "Nothing in" in checked.out
    assert not (tmp_path / "other home").exists()  # nothing but the file is needed
    assert haulage("certificate", "1").code == 2  # what that run left alone is not known any more
    assert haulage("verify", str(path), "--offline", "--key", elsewhere("keys", "public").out.strip()).code == 2


def test_a_certificate_is_held_against_both_sides(haulage: Program, tmp_path: Path) -> None:
    """As they were: fine. What was lost, came, changed size at both, or leads elsewhere is told by name."""
    source, target, path = tmp_path / "source", tmp_path / "destination", tmp_path / "certificate.zip"
    write(source, FILES)
    assert haulage("copy", str(source), str(target), "--exclude", "*.tmp").code == 0
    assert haulage("certificate", "-o", str(path)).code == 0
    write(source, {"left out.tmp": b"x"})
    same = haulage("verify", str(path))
    assert (same.code, same.err) == (0, "")
    assert "All that was compared is at the destination as it is at the source" in same.out
    assert same.out.endswith("Both sides have just what the certificate says, and nothing else.\n")

    for side in (source, target):
        (side / "empty").unlink()
        write(side, {"new.txt": b"new", "a.txt": b"longer"})
    changed = haulage("verify", str(path), "--json")
    assert changed.code == 3
    told = changed.events[-1]
    assert (told["gone"], sorted(told["gone_paths"])) == (2, ["a.txt", "empty"])
    assert (told["new"], sorted(told["new_paths"])) == (2, ["a.txt", "new.txt"])
    (target / "sub" / "Grüße 日本.txt").unlink()
    lost = haulage("verify", str(path), "--deep")
    assert lost.code == 3
    assert "1 failed" in lost.out and "3 in the certificate, and not so at both sides now" in lost.out

    assert haulage("verify", str(path), "--exclude", "*").code == 2
    assert haulage("verify", str(source), str(target), "--key", "ed25519:x").code == 2
    source.rename(tmp_path / "elsewhere")
    assert haulage("verify", str(path)).code == 2


def test_a_certificate_knows_its_folders_from_anywhere(
    haulage: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of ./source is checked where it was, not against what has that name in the folder of the check."""
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here / "source", there / "source", there / "destination"):
        write(folder, FILES)
    monkeypatch.chdir(here)
    assert haulage("copy", "./source", "./destination").code == 0
    assert haulage("certificate", "-o", str(tmp_path / "c.zip")).code == 0
    monkeypatch.chdir(there)
    checked = haulage("verify", "../c.zip")
    assert (checked.code, checked.err) == (0, "")
    assert "Both sides have just what the certificate says" in checked.out
    (here / "destination" / "a.txt").unlink()
    assert haulage("verify", "../c.zip").code == 3


def test_one_place_alone_is_no_certificate(haulage: Program, tmp_path: Path) -> None:
    """Whoever forgot the destination is told so; whoever named a file that is not there, too."""
    for place in (str(tmp_path), "s3://bucket/x", "archive:/x"):
        forgotten = haulage("verify", place)
        assert (forgotten.code, "Name the destination too." in forgotten.err) == (2, True), forgotten.err
    missing = haulage("verify", "nothing.zip", "--offline")
    assert (missing.code, "there is no file nothing.zip" in missing.err) == (2, True)


def test_what_was_not_proven_is_said(haulage: Program, tmp_path: Path) -> None:
    """A failure is no success in small print: exit code, first word, and the item."""
    source, target = tmp_path / "source", tmp_path / "destination"
    write(source, FILES)
    assert haulage("copy", str(source), str(target)).code == 0
    (target / "a.txt").unlink()
    assert haulage("verify", str(source), str(target)).code == 3
    path = tmp_path / "certificate.zip"
    for ran in (haulage("certificate", "-o", str(path)), haulage("verify", str(path), "--offline")):
        assert ran.code == 3
        assert ran.out.startswith("Not complete: 4 items, ")
        assert "1 items are not copied, or not as they are at the source." in ran.out
    of_copy = haulage("certificate", "1", "-o", str(path))
    assert of_copy.code == 3  # it was proven, and is known not to be there any more
    assert "Run 2, a verification since then, found 1 items not as they are at the source." in of_copy.out
    assert haulage("copy", str(source), str(target)).code == 0
    assert haulage("certificate", "3", "-o", str(path)).code == 0
    assert haulage("verify", str(source), str(target)).code == 0
    for run, code in (("2", 3), ("4", 0)):  # a verification is told as it was, whatever came later
        assert haulage("certificate", run, "-o", str(path)).code == code
    assert haulage("scan", str(source)).code == 0
    scanned = haulage("certificate", "-o", str(path))
    assert (scanned.code, "was a scan" in scanned.err) == (2, True)


@pytest.mark.parametrize("missing", [False, True])
def test_a_migration_is_certified_whole(haulage: Program, tmp_path: Path, missing: bool) -> None:
    """Each user has a part of its own; one that never moved is named, and nothing is complete without it."""
    users = ["alice", "bob"]
    for user in users:
        write(tmp_path / "from" / user, FILES)
    for name in ("here", "there"):
        assert haulage("connectors", "add", "local", name).code == 0
    assert haulage("migrations", "create", "Wave 1", "here", "there").code == 0
    lines = [f"{tmp_path}/from/{user},{tmp_path}/to/{user}" for user in users + ["dave"] * missing]
    (tmp_path / "rows.csv").write_text("\n".join(["Source Path,Destination Path", *lines]))
    assert haulage("migrations", "add", "wave 1", str(tmp_path / "rows.csv")).code == 0
    assert haulage("migrations", "start", "Wave 1").code == 3 * missing
    path = tmp_path / "certificate.zip"
    made = haulage("certificate", "--migration", "wave 1", "-o", str(path), "--json")
    assert made.code == 3 * missing, made.err
    told = made.events[0]
    assert (told["complete"], len(told["transfers"]), len(told["uncovered"])) == (not missing, 2, int(missing))
    checked = haulage("verify", str(path), "--offline")
    assert checked.code == 3 * missing
    assert ("dave" in checked.out) == missing
    assert "8 items of 2 users" in checked.out
    if missing:
        passes = haulage("migrations", "passes", "Wave 1").out
        assert "copy  ended: 2 succeeded, 1 failed" in passes  # no success where somebody failed
        return
    (tmp_path / "from" / "alice").rename(tmp_path / "elsewhere")
    held = haulage("verify", str(path))
    assert held.code == 2 and "from/alice does not exist" in held.err and "--create" not in held.err
    assert f"here:/{tmp_path}/from/bob to there:/{tmp_path}/to/bob".replace("//", "/") in held.out
    assert "Both sides have just what the certificate says" in held.out  # bob, whatever became of alice


def test_what_was_altered_at_the_destination_is_no_part_of_complete(haulage: Program, tmp_path: Path) -> None:
    """A copy leaves it alone, and succeeds; what is certified is not that. Put back, it is as it was proven."""
    source, target, path = tmp_path / "source", tmp_path / "destination", tmp_path / "certificate.zip"
    write(source, FILES)
    assert haulage("copy", str(source), str(target)).code == 0
    (target / "a.txt").rename(tmp_path / "kept")
    write(target, {"a.txt": b"f"})
    assert haulage("copy", str(source), str(target)).code == 0
    made = haulage("certificate", "-o", str(path))
    assert (made.code, "1 items are not copied, or not as they are" in made.out) == (3, True), made.out
    assert "left out by filters" not in made.out
    (tmp_path / "kept").replace(target / "a.txt")
    assert haulage("copy", str(source), str(target)).code == 0
    assert haulage("certificate", "-o", str(path)).code == 0


def test_other_content_of_the_same_size_is_told(haulage: Program, tmp_path: Path) -> None:
    """Both sides are equal, and hold something else than what was certified."""
    source, target, path = tmp_path / "source", tmp_path / "destination", tmp_path / "certificate.zip"
    write(source, FILES)
    assert haulage("copy", str(source), str(target)).code == 0
    assert haulage("certificate", "-o", str(path)).code == 0
    write(source, {"a.txt": b"other"})
    assert haulage("copy", str(source), str(target)).code == 0
    ran = haulage("verify", str(path), "--json")
    told = ran.events[-1]
    assert (ran.code, told["gone_paths"], told["new_paths"], told["by_size"]) == (3, ["a.txt"], ["a.txt"], 0)
