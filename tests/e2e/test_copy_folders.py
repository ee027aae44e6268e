"""Copying a local folder to another: what a person sees, run after run."""

import os
from pathlib import Path

from testbed.servers import SeaweedFS, s3_client
from tests.e2e.program import Program


def tree(root: Path) -> dict[str, bytes | None]:
    """Every path below root with its content; None for folders."""
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None for path in sorted(root.rglob("*"))
    }


def make(root: Path) -> Path:
    """A small tree with what trees are made of."""
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "empty folder").mkdir()
    (root / "empty").write_bytes(b"")
    (root / "a.txt").write_text("first")
    (root / "sub" / "Grüße 日本.txt").write_text("x" * 1000)
    (root / "sub" / "deep" / "quote'\"*?.bin").write_bytes(os.urandom(20_000))
    (root / "sub" / "large.bin").write_bytes(os.urandom(20 * 1024 * 1024 + 17))
    return root


def test_first_run_copies_everything_and_the_second_nothing(haulage: Program, tmp_path: Path) -> None:
    source, target = make(tmp_path / "source"), tmp_path / "target"
    os.utime(source / "a.txt", ns=(1_500_000_000_123_456_000, 1_500_000_000_123_456_000))
    first = haulage("copy", str(source), str(target), "--json")
    assert first.code == 0, first.err
    assert tree(target) == tree(source)
    assert (target / "a.txt").stat().st_mtime_ns == 1_500_000_000_123_456_000
    assert first.ended["status"] == 100
    assert first.counts["listed"] == first.counts["successful"] == len(tree(source))
    second = haulage("copy", source.as_uri(), target.as_uri(), "--json")
    assert second.code == 0
    assert second.ended["status"] == 101
    assert second.counts["unchanged"] == len(tree(source))
    assert second.counts["sent_bytes"] == 0
    assert set(second.counts["target_calls"]) <= {"check", "scandir"}, second.counts["target_calls"]


def test_only_what_changed_is_copied_and_nothing_is_deleted(haulage: Program, tmp_path: Path) -> None:
    source, target = make(tmp_path / "source"), tmp_path / "target"
    haulage("copy", str(source), str(target))
    (source / "a.txt").write_text("changed, and longer")
    older = source / "sub" / "Grüße 日本.txt"
    older.unlink()
    older.write_text("y" * 1000)
    os.utime(older, (1_000_000_000, 1_000_000_000))
    (source / "empty").unlink()
    ran = haulage("copy", str(source), str(target), "--json")
    assert ran.code == 0, ran.out
    assert ran.counts["successful"] == 2
    assert ran.counts["removed_at_source"] == 1
    assert (target / "a.txt").read_text() == "changed, and longer"
    assert (target / "sub" / "Grüße 日本.txt").read_text() == "y" * 1000
    assert (target / "empty").exists()
    again = haulage("copy", str(source), str(target), "--json")
    assert again.ended["status"] == 101
    assert again.counts["removed_at_source"] == 0


def test_what_is_missing_at_the_destination_is_copied_again(haulage: Program, tmp_path: Path) -> None:
    source, target = make(tmp_path / "source"), tmp_path / "target"
    haulage("copy", str(source), str(target))
    (target / "a.txt").unlink()
    (target / "empty folder").rmdir()
    ran = haulage("copy", str(source), str(target), "--json")
    assert ran.code == 0
    assert tree(target) == tree(source)
    assert ran.counts["successful"] == 2


def test_a_change_at_the_destination_is_never_overwritten(haulage: Program, tmp_path: Path) -> None:
    source, target = make(tmp_path / "source"), tmp_path / "target"
    haulage("copy", str(source), str(target))
    (target / "a.txt").write_text("a person's edit")
    ran = haulage("copy", str(source), str(target), "--json")
    assert (ran.counts["skipped"], ran.counts["destination_changed"]) == (1, 1)
    assert "left as they are there: 1.\nWhat to do" in haulage("copy", str(source), str(target)).out
    assert (target / "a.txt").read_text() == "a person's edit"
    (source / "a.txt").write_text("changed at the source too")
    both = haulage("copy", str(source), str(target), "--json")
    assert (both.code, both.counts["kept_both"]) == (0, 1), both.out
    assert (target / "a.txt").read_text() == "a person's edit"
    assert (target / "a (2).txt").read_text() == "changed at the source too"
    third = haulage("copy", str(source), str(target), "--json")
    assert third.ended["status"] == 101, third.out
    assert len(list(target.iterdir())) == len(list(source.iterdir())) + 1


def test_files_of_others_are_adopted_if_equal_and_kept_if_not(haulage: Program, tmp_path: Path) -> None:
    source, target = make(tmp_path / "source"), tmp_path / "target"
    (target / "sub").mkdir(parents=True)
    (target / "a.txt").write_text("first")
    before = (target / "a.txt").stat().st_ino
    (target / "sub" / "Grüße 日本.txt").write_text("z" * 1000)
    (target / "stranger").write_text("not ours")
    ran = haulage("copy", str(source), str(target), "--json")
    assert ran.code == 0, ran.out
    assert ran.counts["adopted"] == 1
    assert (target / "a.txt").stat().st_ino == before
    assert (target / "sub" / "Grüße 日本.txt").read_text() == "z" * 1000
    assert (target / "sub" / "Grüße 日本 (2).txt").read_text() == "x" * 1000
    assert (target / "stranger").read_text() == "not ours"
    assert haulage("copy", str(source), str(target), "--json").ended["status"] == 101


def test_many_files_suddenly_empty_stop_the_run(haulage: Program, tmp_path: Path) -> None:
    """T21."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    for number in range(50):
        (source / f"{number}.txt").write_text(f"content {number}")
    haulage("copy", str(source), str(target))
    for number in range(10):
        (source / f"{number}.txt").write_text("")
    before = tree(target)
    ran = haulage("copy", str(source), str(target), "--json")
    assert ran.code == 2
    assert ran.ended["status"] == 310
    assert tree(target) == before
    meant = haulage("copy", str(source), str(target), "--accept-emptied", "--json")
    assert meant.code == 0
    assert tree(target) == tree(source)


def test_a_dry_run_writes_nothing_and_tells_what_it_would_do(haulage: Program, tmp_path: Path) -> None:
    source, target = make(tmp_path / "source"), tmp_path / "target"
    ran = haulage("copy", str(source), str(target), "--dry-run", "--json")
    assert ran.code == 0, ran.err
    assert not target.exists()
    planned = {event["path"]: event["action"] for event in ran.events if event["event"] == "plan"}
    assert planned == {path: "folder" if body is None else "create" for path, body in tree(source).items()}
    assert haulage("copy", str(source), str(target)).code == 0
    assert tree(target) == tree(source)


def test_filters_by_name_size_and_age(haulage: Program, tmp_path: Path) -> None:
    source, target = make(tmp_path / "source"), tmp_path / "target"
    os.utime(source / "a.txt", (1_000_000_000, 1_000_000_000))
    words = ("--exclude", "*.bin", "--min-size", "1", "--newer-than", "1d", "--json")
    ran = haulage("copy", str(source), str(target), *words)
    assert ran.code == 0, ran.err
    files = {path for path, body in tree(target).items() if body is not None}
    assert files == {"sub/Grüße 日本.txt"}
    assert ran.counts["skipped"] == 4
    assert haulage("copy", str(source), str(tmp_path / "other"), "--include", "sub/**", "--json").code == 0
    assert {path for path, body in tree(tmp_path / "other").items() if body is not None} == {
        "sub/Grüße 日本.txt",
        "sub/deep/quote'\"*?.bin",
        "sub/large.bin",
    }


def test_symlinks_are_reported_and_not_followed(haulage: Program, tmp_path: Path) -> None:
    source, target = make(tmp_path / "source"), tmp_path / "target"
    (source / "link").symlink_to("/etc/passwd")
    ran = haulage("copy", str(source), str(target), "--json")
    assert ran.code == 0
    assert ran.ended["status"] == 102
    assert ran.counts["unsupported"] == 1
    assert not (target / "link").exists()
    again = haulage("copy", str(source), str(target), "--json")
    assert again.counts["unsupported"] == 1


def test_bad_input_is_one_sentence_and_an_exit_code(haulage: Program, tmp_path: Path) -> None:
    source = make(tmp_path / "source")
    inside = source / "sub" / "copy"
    cases = {
        ("copy", "nonsense", str(tmp_path / "t")): 2,
        ("copy", str(tmp_path / "missing"), str(tmp_path / "t")): 2,
        ("copy", str(source), str(inside)): 2,
        ("copy", str(inside.parent), str(source)): 2,
        ("copy", str(source), str(source)): 2,
        ("copy", "ftp://host/x", str(tmp_path / "t")): 2,
        ("copy", "no-such-connector:/x", str(tmp_path / "t")): 2,
        ("copy", str(source), str(tmp_path / "t"), "--min-size", "big"): 2,
        ("copy", str(source), str(tmp_path / "t"), "--exclude", ""): 2,
        ("copy", str(source)): 2,
    }
    for words, code in cases.items():
        ran = haulage(*words)
        assert ran.code == code, (words, ran.code, ran.err)
        assert "Traceback" not in ran.err + ran.out, words
        assert ran.err.strip() or ran.out.strip(), words
    assert not inside.exists()


def test_an_unreadable_ledger_is_said_and_nothing_is_done(haulage: Program, tmp_path: Path) -> None:
    source, target = make(tmp_path / "source"), tmp_path / "target"
    haulage.home.mkdir()
    (haulage.home / "ledger.db").write_bytes(b"this is not a database, but it is long enough to be looked at" * 100)
    ran = haulage("copy", str(source), str(target))
    assert ran.code == 5
    assert "Traceback" not in ran.err
    assert "ledger" in ran.err
    assert not target.exists()


def test_the_same_transfer_started_twice_is_refused_at_once(haulage: Program, tmp_path: Path) -> None:
    """F52."""
    source, target = make(tmp_path / "source"), tmp_path / "target"
    running = haulage.start("copy", str(source), str(target), "--bandwidth", "1M", "--json")
    assert running.stdout is not None
    while '"started"' not in running.stdout.readline():
        assert running.poll() is None
    second = haulage("copy", str(source), str(target), "--json")
    assert second.code == 2
    assert second.events[-1]["code"] == "already_running"
    other = haulage("copy", str(source), str(tmp_path / "elsewhere"), "--json")
    assert other.code == 0
    running.terminate()
    running.communicate(timeout=30)
    assert running.returncode == 130
    assert haulage("copy", str(source), str(target)).code == 0
    assert tree(target) == tree(source)


def test_a_prefix_below_which_nothing_lies_is_a_mistake(haulage: Program, seaweed: SeaweedFS, bucket: str) -> None:
    """Nothing found is no success: the path may be misspelt. An empty bucket is one."""
    haulage.environment |= {**seaweed.env, "AWS_ENDPOINT_URL": seaweed.endpoint_url}
    s3_client(seaweed).create_bucket(Bucket=bucket)
    target = str(haulage.home.parent / "target")
    misspelt = haulage("copy", f"s3://{bucket}/typo", target, "--json")
    assert misspelt.code == 2
    assert misspelt.ended["status"] == 411
    assert haulage("copy", f"s3://{bucket}", target, "--json").ended["status"] == 101
