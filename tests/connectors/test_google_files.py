"""Google Drive as a person uses it: copied to, looked at by rclone, copied from, and copied again."""

from pathlib import Path

from testbed.sandbox import Sandbox
from tests.connectors.people import Office
from tests.connectors.terminal import Terminal
from tests.sandbox.with_rclone import Rclone

MIB = 1024 * 1024


def tree(folder: Path) -> dict[str, bytes]:
    """Its files by path."""
    found = {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    return {path: body for path, body in found.items() if not path.startswith(".haulage")}


def test_there_and_back_again(office: Office, sandbox: Sandbox, tmp_path: Path) -> None:
    """What Haulage wrote is what rclone finds; a second run copies nothing, a third only what was changed."""
    haulage, account = Terminal(office), office.people("google-drive", "user")[0]
    assert haulage.add("google-drive", "mine", account, "--paste", "--access", "write").code == 0
    here, there = tmp_path / "here", "mine:/Haulage/in"
    for path, size in {
        "a.txt": 5,
        "empty": 0,
        "deep/er/b c.bin": 70_000,
        "deep/ö'\\.bin": 3,
        "large.bin": 6 * MIB,
    }.items():
        (here / path).parent.mkdir(parents=True, exist_ok=True)
        (here / path).write_bytes(
            bytes((number * size) % 251 for number in range(1000)) * (size // 1000) or b"x" * size
        )
    copied = haulage("copy", str(here), there, "--create", "--json")
    assert (copied.code, copied.counts["successful"]) == (0, 7), copied.out + copied.err
    rclone = Rclone(sandbox, tmp_path, "drive", "google-drive", user=account["user"], scope="drive")
    rclone("check", str(here), "it:Haulage/in", "--download")
    assert len(rclone.listed("it:Haulage/in", "-R", "--files-only")) == 5
    again = haulage("copy", str(here), there, "--json")
    assert (again.code, again.counts["successful"], again.counts["unchanged"]) == (0, 0, 7)
    (here / "a.txt").write_bytes(b"another version")
    changed = haulage("copy", str(here), there, "--json")
    assert (changed.code, changed.counts["successful"]) == (0, 1), changed.out
    found = rclone.listed("it:Haulage/in", "-R", "--hash")
    assert len([one for one in found if not one["IsDir"]]) == 5, changed.ended
    assert rclone("cat", "it:Haulage/in/a.txt") == "another version", changed.ended
    back = haulage("copy", there, str(tmp_path / "back"), "--create", "--json")
    assert back.code == 0, back.out + back.err
    assert tree(tmp_path / "back") == tree(here)


def test_new_folders_need_no_look_ups(office: Office, tmp_path: Path) -> None:
    """Q21: a call a file where the run made the folder; where it stood there before, what has the name is asked."""
    haulage, account = Terminal(office), office.people("google-drive", "user")[0]
    assert haulage.add("google-drive", "fast", account, "--paste", "--access", "write").code == 0
    here, there = tmp_path / "here", "fast:/Fast/in"
    for number in range(60):
        (here / f"deep/{number % 3}").mkdir(parents=True, exist_ok=True)
        (here / f"deep/{number % 3}/{number}.txt").write_bytes(b"%d" % number)
    copied = haulage("copy", str(here), there, "--create", "--json")
    assert (copied.code, copied.counts["successful"]) == (0, 64), copied.out + copied.err
    calls = copied.counts["target_calls"]
    assert (calls["CreateFile"], calls["ListFiles"] <= 6) == (66, True), calls  # the place itself took two
    for number in range(60):
        (here / f"deep/{number % 3}/later {number}.txt").write_bytes(b"%d" % number)
    added = haulage("copy", str(here), there, "--json")
    assert (added.code, added.counts["successful"], added.counts["unchanged"]) == (0, 60, 64), added.out + added.err
    assert added.counts["target_calls"]["ListFiles"] > 6, added.counts


def test_files_of_one_name_are_all_carried(office: Office, sandbox: Sandbox, tmp_path: Path) -> None:
    """G11: each under a path of its own, which stays the same: a second run changes nothing."""
    haulage, account = Terminal(office), office.people("google-drive", "admin")[0]
    rclone = Rclone(sandbox, tmp_path, "drive", "google-drive", user=account["user"], scope="drive")
    found = [one for one in rclone.listed("it:Awkward names", "--files-only") if one["Name"] == "twin.txt"]
    assert len(found) > 1
    assert haulage.add("google-drive", "mine", account, "--paste").code == 0
    target = tmp_path / "there"
    copied = haulage("copy", "mine:/Awkward names", str(target), "--create", "--json")
    assert (copied.code, copied.counts["failed"]) in ((0, 0), (3, 0)), copied.out + copied.err
    twins = {path: body for path, body in tree(target).items() if path.startswith("twin")}
    assert len(twins) == len(found) and "twin.txt" in twins
    assert {len(body) for body in twins.values()} == {one["Size"] for one in found}
    again = haulage("copy", "mine:/Awkward names", str(target), "--json")
    assert again.counts["successful"] == 0
    assert again.counts["unchanged"] >= len(tree(target))
