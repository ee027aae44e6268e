"""The world moves while a copy runs: sources change and vanish, strangers write at the destination (F31-F33)."""

import gzip
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from azure.storage.blob import ContentSettings

from haulage.model.errors import HaulageError
from testbed.rules import Answer, End
from tests.e2e.program import PROGRAM, Program, Ran
from tests.faults.kit import (
    LARGE,
    LARGE_FILES,
    NETWORKED,
    PART,
    SMALL_FILES,
    Bucket,
    Container,
    MakesWorld,
    World,
    bytes_of,
    told,
)
from tests.torture.oracle import sha256

VICTIM = r"victim\.bin$"
NEW = bytes_of(150_000, 77)
NEW_LARGE = bytes_of(LARGE + 1000, 78)
THEIRS = b"a stranger's file, and not ours"
SLOW = pytest.mark.slow
networked = pytest.mark.parametrize("service", NETWORKED)
one_large = pytest.mark.parametrize(
    ("service", "large"),
    [
        ("s3", True),
        ("azure-blob", False),
        pytest.param("s3", False, marks=SLOW),
        pytest.param("azure-blob", True, marks=SLOW),
    ],
)
"""Small files on one service and large ones on the other; the other way round in the long form."""


# --- the source


@networked
def test_replaced_between_listing_and_reading(service: str, make_world: MakesWorld) -> None:
    """F31: the new version arrives whole, in the same run."""
    world = make_world(service, "local")
    wanted = world.plant(SMALL_FILES)
    world.on("read", VICTIM, before=lambda seen: world.source.plant("victim.bin", NEW))
    ended = world.copy()
    assert (ended.code, ended.status) == (0, 100), told(ended)
    world.settles({**wanted, "victim.bin": sha256(NEW)})


@networked
def test_removed_between_listing_and_reading(service: str, make_world: MakesWorld) -> None:
    """T25, F32: gone at the source, said so; the destination is untouched and the rest is there."""
    world = make_world(service, "local")
    wanted = world.plant(SMALL_FILES)
    world.on("read", VICTIM, before=lambda seen: world.source.remove("victim.bin"))
    ended = world.copy()
    assert ended.code == 0, told(ended)
    assert ended.outcomes["victim.bin"].outcome == "gone_at_source"
    del wanted["victim.bin"]
    assert world.target.shown() == wanted
    world.settles(wanted)


@networked
@pytest.mark.parametrize("after", [PART + 1_000_000, pytest.param(5_000_000, marks=SLOW)])
def test_replaced_while_a_large_file_is_read(service: str, after: int, make_world: MakesWorld) -> None:
    """T22, T23: the body breaks, and what is to be read on is another version: the new one whole, never a mix."""
    world = make_world(service, "local")
    wanted = world.plant(LARGE_FILES)
    end = End("reset", after=after)
    world.on("read", VICTIM, after=lambda seen: world.source.plant("victim.bin", NEW_LARGE), answer_ends=end)
    ended = world.copy()
    assert (ended.code, ended.status) == (0, 100), told(ended)
    world.settles({**wanted, "victim.bin": sha256(NEW_LARGE)})


@pytest.mark.parametrize("tagged", [True, False])
@pytest.mark.parametrize(
    "service", [pytest.param(one, marks=SLOW) for one in ("onedrive-business", "onedrive", "office365")]
)
def test_replaced_between_two_ranges(service: str, tagged: bool, make_world: MakesWorld) -> None:
    """T22, T23: in the very instant of going on, between the look and the read: never a mix of two versions.

    tagged: whether the content's host tells a tag. Microsoft documents no condition for its reads (QUIRKS Q9).
    """
    world = make_world(service, "local")
    wanted = world.plant({"victim.bin": LARGE_FILES["victim.bin"]})
    world.on("read", answer_ends=End("reset", after=PART + 1_000_000))
    going_on = world.on(
        "read",
        before=lambda seen: world.source.plant("victim.bin", NEW_LARGE),
        headers={} if tagged else {"ETag": None},
        sent={"range": "bytes="},
    )
    ended = world.copy()
    assert going_on.hits == 1
    assert (ended.code, ended.status) == (0, 100), told(ended)
    assert ended.outcomes["victim.bin"].size == len(NEW_LARGE)
    world.settles({**wanted, "victim.bin": sha256(NEW_LARGE)})


@networked
def test_removed_while_a_large_file_is_read(service: str, make_world: MakesWorld) -> None:
    """F32: half of it was sent already; nothing of it is ever visible."""
    world = make_world(service, "local")
    wanted = world.plant(LARGE_FILES)
    end = End("reset", after=PART + 1_000_000)
    world.on("read", VICTIM, after=lambda seen: world.source.remove("victim.bin"), answer_ends=end)
    ended = world.copy()
    assert ended.code == 0, told(ended)
    assert ended.outcomes["victim.bin"].outcome == "gone_at_source"
    del wanted["victim.bin"]
    assert world.target.shown() == wanted
    world.settles(wanted)


@one_large
def test_a_source_that_never_stands_still(service: str, large: bool, make_world: MakesWorld) -> None:
    """F31: replaced at every read: changed_at_source after three attempts, and nothing of it at the destination."""
    world = make_world(service, "local")
    wanted = world.plant(LARGE_FILES if large else SMALL_FILES)
    versions = iter(range(100, 200))
    size = LARGE if large else 150_000
    newest: dict[str, bytes] = {}

    def replace(_: object) -> None:
        newest["victim.bin"] = bytes_of(size, next(versions))
        world.source.plant("victim.bin", newest["victim.bin"])

    end = End("reset", after=5_000_000) if large else None
    world.on("read", VICTIM, times=None, **{"after" if large else "before": replace}, answer_ends=end)
    ended = world.copy()
    assert ended.code == 3, told(ended)
    assert ended.outcomes["victim.bin"].outcome == "changed_at_source"
    assert "victim.bin" not in world.target.shown()
    world.settles({**wanted, "victim.bin": sha256(newest["victim.bin"])})


def replaced(path: Path) -> None:
    """Another file takes its name, as editors save."""
    fresh = path.with_name("saved")
    fresh.write_bytes(NEW_LARGE)
    fresh.rename(path)


def written_over(path: Path) -> None:
    """A page in the middle is another: in one call, so that no reader can meet a file that is half written."""
    with path.open("r+b", buffering=0) as file:
        os.pwrite(file.fileno(), b"another page ".ljust(4096, b"."), 12 * 1024 * 1024)


WAYS: dict[str, tuple[Callable[[Path], object], bool]] = {
    "written over": (written_over, True),
    "appended to": (lambda path: path.open("ab").write(b"x") and None, True),
    "replaced": (replaced, False),
    "removed": (lambda path: path.unlink(), False),
}


@pytest.mark.parametrize("service", ["s3", pytest.param("azure-blob", marks=SLOW)])
@pytest.mark.parametrize("way", WAYS)
def test_a_local_file_that_is_changed_while_it_is_sent(service: str, way: str, make_world: MakesWorld) -> None:
    """T22, F31: what is there in the end is one version, whole. What is removed or replaced is read to its end."""
    world = make_world("local", service)
    wanted = world.plant(LARGE_FILES)
    path = Path(world.source.location) / "victim.bin"
    change, notices = WAYS[way]
    rule = world.on("part", VICTIM, before=lambda seen: change(path))
    ended = world.copy()
    assert rule.hits == 1
    assert ended.code == 0, told(ended)
    after = sha256(path.read_bytes()) if path.exists() else wanted["victim.bin"]
    now = world.target.shown()
    assert now == {**wanted, "victim.bin": after if notices else wanted["victim.bin"]}
    world.settles({**wanted, "victim.bin": after})


@networked
def test_a_local_file_removed_between_listing_and_reading(service: str, make_world: MakesWorld) -> None:
    """T25: while the destination is still being listed."""
    world = make_world("local", service)
    wanted = world.plant(SMALL_FILES)

    def soon(_: object) -> None:
        time.sleep(1)
        world.source.remove("victim.bin")

    world.on("list", skip=1, before=soon)  # the first list call only asks whether the root is there
    ended = world.copy()
    assert ended.code == 0, told(ended)
    assert ended.outcomes["victim.bin"].outcome == "gone_at_source"
    del wanted["victim.bin"]
    world.settles(wanted)


@networked
def test_many_files_that_are_suddenly_empty(service: str, make_world: MakesWorld) -> None:
    """T21: the run pauses, and not one good file at the destination is overwritten."""
    world = make_world(service, "local")
    wanted = world.plant({f"{number:02}.bin": bytes_of(500, number) for number in range(30)})
    assert world.copy().code == 0
    for number in range(8):
        world.source.plant(f"{number:02}.bin", b"")
    ended = world.copy()
    assert (ended.code, ended.status) == (2, 310), told(ended)
    assert world.target.shown() == wanted


# --- the destination


def both_are_kept(world: World, wanted: dict[str, str], theirs: bytes = THEIRS) -> None:
    """The stranger's file stands untouched; ours has a name of its own, and a further run changes nothing."""
    kept = {**wanted, "victim.bin": sha256(theirs), "victim (2).bin": wanted["victim.bin"]}
    assert world.target.shown() == kept
    world.calm()
    world.nothing_left_to_do()
    assert world.target.shown() == kept
    assert world.target.debris() == []


@one_large
def test_a_stranger_makes_the_file_in_the_instant_of_our_write(
    service: str, large: bool, make_world: MakesWorld
) -> None:
    """F33, T52: never overwritten; both are kept, and the report says so."""
    world = make_world("local", service)
    wanted = world.plant(LARGE_FILES if large else SMALL_FILES)
    call = "finish" if large else "write"
    world.on(call, VICTIM, before=lambda seen: world.target.plant("victim.bin", THEIRS))
    ended = world.copy()
    assert (ended.code, ended.status) == (0, 100), told(ended)
    assert ended.outcomes["victim.bin"].code == "kept_both"
    both_are_kept(world, wanted)


@one_large
def test_a_stranger_makes_the_very_same_file(service: str, large: bool, make_world: MakesWorld) -> None:
    """F33: equal content is adopted: one file, no second name."""
    world = make_world("local", service)
    files = LARGE_FILES if large else SMALL_FILES
    wanted = world.plant(files)
    call = "finish" if large else "write"
    world.on(call, VICTIM, before=lambda seen: world.target.plant("victim.bin", files["victim.bin"]))
    ended = world.copy()
    assert (ended.code, ended.status) == (0, 100), told(ended)
    assert ended.outcomes["victim.bin"].adopted
    world.settles(wanted)


@one_large
def test_a_stranger_edits_what_we_are_about_to_replace(service: str, large: bool, make_world: MakesWorld) -> None:
    """F33: our earlier file was edited while its new version was on the way: the edit stays."""
    world = make_world("local", service)
    wanted = world.plant(SMALL_FILES)
    assert world.copy().code == 0
    new = NEW_LARGE if large else NEW
    world.source.plant("victim.bin", new)
    call = "finish" if large else "write"
    world.on(call, VICTIM, before=lambda seen: world.target.plant("victim.bin", THEIRS))
    ended = world.copy()
    assert (ended.code, ended.status) == (0, 100), told(ended)
    both_are_kept(world, {**wanted, "victim.bin": sha256(new)})


@networked
def test_a_stranger_removes_what_we_are_about_to_replace(service: str, make_world: MakesWorld) -> None:
    """F33: the precondition fails because nothing is there any more: then the new version is written as a new file."""
    world = make_world("local", service)
    wanted = world.plant(SMALL_FILES)
    assert world.copy().code == 0
    world.source.plant("victim.bin", NEW)
    world.on("write", VICTIM, before=lambda seen: world.target.remove("victim.bin"))
    ended = world.copy()
    assert (ended.code, ended.status) == (0, 100), told(ended)
    world.settles({**wanted, "victim.bin": sha256(NEW)})


@networked
@pytest.mark.parametrize("answer", ["lost before", "lost after", "damaged"])
def test_a_failed_replacement_leaves_the_old_version(service: str, answer: str, make_world: MakesWorld) -> None:
    """T07, T08: at every instant the old version is there, or the new one; no cleaning up ever takes either away."""
    world = make_world("local", service)
    wanted = world.plant(SMALL_FILES)
    assert world.copy().code == 0
    world.source.plant("victim.bin", NEW)
    does = {
        "lost before": {"answer": Answer(500)},
        "lost after": {"answer": Answer(500), "applied": True},
        "damaged": {"request_body": lambda body: b"?" * len(body)},
    }[answer]
    world.on("write", VICTIM, times=None, **does)
    seen: list[str | None] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.02):
            seen.append(world.target.shown().get("victim.bin"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    ended = world.copy()
    stop.set()
    watcher.join()
    assert {*seen, world.target.shown()["victim.bin"]} <= {wanted["victim.bin"], sha256(NEW)}, "it was gone or partial"
    assert ended.code == (0 if answer == "lost after" else 3), told(ended)
    world.settles({**wanted, "victim.bin": sha256(NEW)})


@networked
def test_an_answer_that_confirms_other_bytes(service: str, make_world: MakesWorld) -> None:
    """F16: the service tells another checksum than that of what was sent: never taken for verified.

    S3: three attempts, then failed. Azure Blob: asked once more what it holds, it tells the right MD5.
    """
    world = make_world("local", service)
    wanted = world.plant(SMALL_FILES)
    lie = {"Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA==", "x-amz-checksum-sha256": "A" * 43 + "="}
    rule = world.on("write", VICTIM, times=None, headers=lie)
    ended = world.copy()
    victim = ended.outcomes["victim.bin"]
    if service == "azure-blob":
        assert (victim.outcome, victim.evidence["proof"], victim.adopted) == ("verified", "md5", True)
        assert world.seen("look")
    else:
        assert (victim.outcome, victim.code, victim.side) == ("failed", "hash", "destination")
        assert (ended.code, rule.hits) == (3, 3), told(ended)
    world.nothing_partial(wanted)
    world.settles(wanted)


def test_an_answer_without_any_checksum(make_world: MakesWorld) -> None:
    """F16, T18: nothing confirms the content: it is proven otherwise or said to be weak, never called verified."""
    world = make_world("local", "s3")
    wanted = world.plant(SMALL_FILES)
    bare = {"x-amz-checksum-sha256": None, "ETag": '"00000000000000000000000000000000-1"'}
    world.on("write", VICTIM, times=None, headers=bare)
    ended = world.copy()
    assert ended.code == 0, told(ended)
    assert ended.outcomes["victim.bin"].outcome == "verified_weak"
    assert world.target.shown() == wanted


@networked
def test_one_object_that_may_not_be_read(service: str, make_world: MakesWorld) -> None:
    """F37: that one failed with its cause; the rest is verified; exit code 3."""
    world = make_world(service, "local")
    wanted = world.plant(SMALL_FILES)
    world.on("read", VICTIM, times=None, answer=world.voice.denied)
    ended = world.copy()
    assert (ended.code, ended.status) == (3, 210), told(ended)
    assert ended.outcomes["victim.bin"].code == "permission"
    assert world.target.shown() == {path: hashed for path, hashed in wanted.items() if path != "victim.bin"}
    world.settles(wanted)


@networked
def test_one_object_that_may_not_be_written(service: str, make_world: MakesWorld) -> None:
    """F37, at the other end."""
    world = make_world("local", service)
    wanted = world.plant(SMALL_FILES)
    world.on("write", VICTIM, times=None, answer=world.voice.denied)
    ended = world.copy()
    assert (ended.code, ended.status) == (3, 201), told(ended)
    assert ended.outcomes["victim.bin"].code == "permission"
    world.settles(wanted)


def without_rights(program: Program) -> list[str]:
    """How to run the program without root's power to read everything."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root reads everything, and setpriv is not there to take that right away")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"]


def test_one_folder_that_may_not_be_read(make_world: MakesWorld) -> None:
    """F37: that folder failed with its cause, the rest is verified, and nothing is concluded of what is in it."""
    world = make_world("local", "s3")
    wanted = world.plant({**SMALL_FILES, "closed/b.bin": b"b", "closed/c.bin": b"c", "d/file": b"d"})
    closed = Path(world.source.location) / "closed"
    program = world.program
    assert program(*world.words).code == 0
    closed.chmod(0)
    (closed.parent / "d" / "file").chmod(0)
    world.source.plant("new.bin", b"n")
    words = [*without_rights(program), *PROGRAM, *world.words]
    ran = Ran(subprocess.run(words, env=program.environment, capture_output=True, text=True, timeout=100, check=False))
    closed.chmod(0o755)
    (closed.parent / "d" / "file").chmod(0o644)
    assert ran.code == 3, ran.out + ran.err
    problems = {event["path"]: event["code"] for event in ran.events if event["event"] == "problem"}
    assert problems == {"closed": "permission"}
    assert ran.ended["status"] == 228
    assert ran.counts["removed_at_source"] == 0
    wanted["new.bin"] = sha256(b"n")
    world.settles(wanted)


@pytest.mark.parametrize(("source", "target"), [("s3", "azure-blob"), ("azure-blob", "s3")])
def test_stored_compressed_it_arrives_compressed(source: str, target: str, make_world: MakesWorld) -> None:
    """T12, T20: the stored bytes are carried raw, with the header that names their coding; empty files are files."""
    world = make_world(source, target)
    wanted = world.plant(SMALL_FILES)
    packed = gzip.compress(bytes_of(5000, 1) * 20)
    if isinstance(world.source, Bucket):
        key = f"{world.source.prefix}/packed.txt"
        world.source.client.put_object(
            Bucket=world.source.bucket, Key=key, Body=packed, ContentEncoding="gzip", ContentType="text/plain"
        )
    elif isinstance(world.source, Container):
        kind = ContentSettings(content_encoding="gzip", content_type="text/plain")
        world.source.client.upload_blob(f"{world.source.prefix}/packed.txt", packed, content_settings=kind)
    assert world.copy().code == 0
    if isinstance(world.target, Bucket):
        told_there = world.target.client.head_object(
            Bucket=world.target.bucket, Key=f"{world.target.prefix}/packed.txt"
        )["ContentEncoding"]
        shown = sha256(world.target.body(f"{world.target.prefix}/packed.txt"))
    else:
        blob = world.target.client.get_blob_client(f"{world.target.prefix}/packed.txt")  # type: ignore[attr-defined] # an end of just this kind
        told_there = blob.get_blob_properties().content_settings.content_encoding
        shown = sha256(b"".join(blob.download_blob(decompress=False).chunks()))
    assert (told_there, shown) == ("gzip", sha256(packed))
    world.nothing_left_to_do()
    assert wanted.items() <= world.target.shown().items()


@networked
def test_a_root_inside_the_other(service: str, make_world: MakesWorld) -> None:
    """T54, T55: a tree is never copied into itself, nor onto itself."""
    world = make_world(service, service)
    world.source.plant("a.bin", b"a")
    prefix = world.source.location
    for target in (prefix, f"{prefix}/inside", prefix.rpartition("/")[0]):
        inside = make_inside(world, target)
        ended = inside.copy()
        assert ended.code == 2, told(ended)
        assert isinstance(ended.error, HaulageError)
    assert world.source.shown() == {"a.bin": sha256(b"a")}


def make_inside(world: World, location: str) -> World:
    """The same world with its destination at that location of the source's own endpoint."""

    class Inside:
        service = world.source.service
        settings = world.source.settings
        shown, plant, remove = world.source.shown, world.source.plant, world.source.remove
        debris = world.source.debris

    inside = Inside()
    inside.location = location  # type: ignore[attr-defined] # an end of just this kind
    return World(world.source, inside, world.home, world.environment, world.proxy, world.faulty)  # type: ignore[arg-type] # as a World takes
