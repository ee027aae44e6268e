"""What only SFTP has: names of bytes, symlinks, 32-bit times, servers without posix-rename."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from haulage.model.errors import Conflict, Gone, NameRefused, Refused
from haulage.model.item import Carried, Kind
from haulage.services.contract import ABSENT
from haulage.services.sftp import SFTP
from haulage.services.sftp.drive import SftpDrive, folders
from haulage.services.sftp.packets import Attributes
from haulage.services.sftp.wire import Wire
from testbed.ssh import AsyncSSH, RcloneSftp
from tests.contract.kit import FreePacer, body_of, listed, put, read_path

MIB = 1024 * 1024


@pytest.fixture
def root(asyncssh_server: AsyncSSH, tmp_path: Path) -> Path:
    """A fresh folder of the server, as it lies on this machine."""
    folder = asyncssh_server.root / tmp_path.name
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
async def drive(asyncssh_server: AsyncSSH, root: Path) -> AsyncIterator[SftpDrive]:
    """A drive on it."""
    opened = SftpDrive(asyncssh_server.settings, root.name, FreePacer())
    yield opened
    await opened.close()


def plant_raw(root: Path) -> None:
    """Names in Latin-1."""
    Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9.txt")).write_bytes(b"1")
    Path(os.fsdecode(os.fsencode(root) + b"/d\xe9")).mkdir()


def names_in(folder: Path) -> list[str]:
    """What lies there."""
    return [path.name for path in folder.iterdir()]


async def test_a_server_whose_writing_handles_cannot_be_read(tmp_path: Path) -> None:
    """Q16: found out before anything is written; small and large files are read back on handles of their own."""
    with RcloneSftp(tmp_path) as server:
        drive = SftpDrive(server.settings, "", FreePacer())
        await drive.check(write=True, create=False)
        for path, size in (("empty", 0), ("small", 3), ("folder/of blocks", 300_000)):
            written = await put(drive, path, body_of(size), Carried(modified_us=1_600_000_000_000_000))
            assert (written.size, written.modified_us) == (size, 1_600_000_000_000_000)
            assert "sha256" in written.hashes
            assert await read_path(drive, path) == body_of(size)
        body = body_of(9 * MIB)
        state = await drive.begin("large", len(body), Carried(modified_us=1_600_000_000_000_000), "attempt", ABSENT)
        first = await drive.put_part(state, 1, 0, memoryview(body)[: 8 * MIB], None)
        assert await drive.parts(state) == {1: first}
        parts = [first, await drive.put_part(state, 2, 8 * MIB, memoryview(body)[8 * MIB :], None)]
        assert (await drive.finish(state, parts, {}, ABSENT)).parts_checked
        assert await read_path(drive, "large") == body
        assert set(await listed(drive)) == {"empty", "small", "folder", "large"}
        await drive.close()


async def test_names_that_are_not_utf8_are_told(drive: SftpDrive, root: Path) -> None:
    """Q1: reported, and the rest of the folder is listed."""
    plant_raw(root)
    (root / "plain.txt").write_bytes(b"2")
    items = await listed(drive)
    assert {path: item.kind for path, item in items.items()} == {
        "caf\\xe9.txt": Kind.OTHER,
        "d\\xe9": Kind.OTHER,
        "plain.txt": Kind.FILE,
    }
    assert "not UTF-8" in (items["caf\\xe9.txt"].note or "")
    assert "not listed" in (items["d\\xe9"].note or "")


async def test_symlinks_are_told_and_never_followed(drive: SftpDrive, root: Path, tmp_path: Path) -> None:
    """Q8: neither read, nor listed, nor written through, wherever they lead."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_bytes(b"secret")
    (root / "to-folder").symlink_to(outside)
    (root / "to-file").symlink_to(outside / "secret.txt")
    (root / "to-nothing").symlink_to("nowhere")
    items = await listed(drive)
    assert {item.kind for item in items.values()} == {Kind.OTHER}
    assert (items["to-nothing"].note or "").startswith("symlink")
    assert await drive.item("to-file") is None
    assert await drive.item("to-folder/secret.txt") is None
    with pytest.raises(Gone):
        await listed(drive, "to-folder")
    with pytest.raises(Conflict):
        await put(drive, "to-folder/new.txt", b"new")
    with pytest.raises(Conflict):
        await put(drive, "to-file", b"new", condition=ABSENT)
    assert names_in(outside) == ["secret.txt"]
    assert (outside / "secret.txt").read_bytes() == b"secret"


@pytest.mark.parametrize(("stamp_us", "kept_us"), [(-1, 0), (-(10**15), 0), (2**33 * 10**6, (2**32 - 1) * 10**6)])
async def test_times_outside_the_protocols_range(drive: SftpDrive, stamp_us: int, kept_us: int) -> None:
    """Q5: the nearest that 32 bits hold, and what is confirmed is what was kept."""
    written = await put(drive, "a.bin", b"a", Carried(modified_us=stamp_us))
    assert written.modified_us == kept_us


async def test_a_server_without_posix_rename(drive: SftpDrive, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Q6: the old file steps aside, and comes back when the new one cannot take its place."""

    async def not_offered(self: Wire, old: bytes, new: bytes) -> None:
        raise asyncssh.SFTPOpUnsupported("not offered")

    monkeypatch.setattr(Wire, "rename_over", not_offered)
    for body in (b"first", b"second"):
        await put(drive, "a.bin", body)
        assert await read_path(drive, "a.bin") == body
    assert names_in(root) == ["a.bin"]
    renames = Wire.rename_new
    count = 0

    async def fails_second(self: Wire, old: bytes, new: bytes) -> None:
        nonlocal count
        count += 1
        if count == 2:
            raise asyncssh.SFTPPermissionDenied("no")
        await renames(self, old, new)

    monkeypatch.setattr(Wire, "rename_new", fails_second)
    with pytest.raises(Exception, match="allow"):
        await put(drive, "a.bin", b"third")
    assert (root / "a.bin").read_bytes() == b"second"
    assert names_in(root) == ["a.bin"]


async def test_proof_by_size(asyncssh_server: AsyncSSH, root: Path) -> None:
    """Q7: nothing is read back, and no hash is claimed."""
    drive = SftpDrive(asyncssh_server.settings | {"proof": "size"}, root.name, FreePacer())
    for size in (10, 1_000_000):
        written = await put(drive, f"{size}.bin", body_of(size))
        assert (written.size, written.hashes) == (size, {})
    assert drive.calls.get("READ", 0) == 0
    assert drive.traits.confirms == "size"
    await drive.close()
    with pytest.raises(Refused):
        SftpDrive(asyncssh_server.settings | {"proof": "hope"}, "", FreePacer())


async def test_a_small_file_costs_few_requests(drive: SftpDrive) -> None:
    """What a run of many small files is made of."""
    await put(drive, "first.bin", b"1")
    before = dict(drive.calls)
    await put(drive, "a.bin", body_of(20_000), Carried(modified_us=10**15), ABSENT)
    cost = {name: count - before.get(name, 0) for name, count in drive.calls.items() if count > before.get(name, 0)}
    assert cost == {"OPEN": 1, "WRITE": 1, "READ": 1, "FSETSTAT": 1, "fsync": 1, "FSTAT": 1, "CLOSE": 1, "RENAME": 1}
    item = (await listed(drive))["a.bin"]
    before = dict(drive.calls)
    async with drive.open(item) as content:
        assert b"".join([chunk async for chunk in content.chunks()]) == body_of(20_000)
    cost = {name: count - before.get(name, 0) for name, count in drive.calls.items() if count > before.get(name, 0)}
    assert cost == {"OPEN": 1, "FSTAT": 1, "READ": 1, "CLOSE": 1}


async def test_what_a_connector_shows(asyncssh_server: AsyncSSH, root: Path) -> None:
    """The folders at its base path: asking for them is the check of the account."""
    (root / "b").mkdir()
    (root / "a").mkdir()
    (root / "file").write_bytes(b"")
    assert await folders(asyncssh_server.settings | {"base_path": f"/{root.name}"}, FreePacer()) == ["a", "b"]


@pytest.mark.parametrize(
    ("url", "told", "root"),
    [
        ("me@h:2222/srv/x", {"user": "me", "server": "h", "port": "2222", "base_path": "/"}, "srv/x"),
        ("h", {"server": "h", "base_path": "/"}, ""),
        ("h/~", {"server": "h", "base_path": "~"}, ""),
        ("h/~/x/y", {"server": "h", "base_path": "~"}, "x/y"),
        ("me%40corp@[::1]:22/x", {"user": "me@corp", "server": "::1", "port": "22", "base_path": "/"}, "x"),
    ],
)
def test_urls(url: str, told: dict[str, str], root: str) -> None:
    """What a URL says of server, user and path."""
    assert SFTP.at_url is not None
    assert SFTP.at_url("sftp", url) == (told, root)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"server": "h"},
        {"server": "h", "user": "u", "port": "x"},
        {"server": "h", "user": "u", "port": "70000"},
        {"server": "h", "user": "u", "base_path": "relative"},
        {"server": "h", "user": "u", "base_path": "/a/../b"},
        {"server": "h/x", "user": "u"},
    ],
)
def test_settings_that_name_no_place(settings: dict[str, str]) -> None:
    """Refused before any call."""
    with pytest.raises(Refused):
        SftpDrive(settings, "", FreePacer())


def test_a_root_outside_is_refused() -> None:
    """A location cannot climb above its base path."""
    with pytest.raises(NameRefused):
        SftpDrive({"server": "h", "user": "u"}, "../x", FreePacer())


@pytest.mark.parametrize(
    ("case", "form", "rules"),
    [(False, False, (True, None)), (True, False, (False, None)), (False, True, (True, "NFC"))],
)
async def test_what_the_probe_finds_out(
    drive: SftpDrive,
    root: Path,
    case: bool,
    form: bool,
    rules: tuple[bool, str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Q14: in a folder of our own, which is gone again afterwards; the server is made to take other names for it."""
    lstat = Wire.lstat

    async def folds(self: Wire, path: bytes) -> Attributes:
        above, _, name = path.decode().rpartition("/")
        if case and name == "A\u0308":
            name = "a\u0308"
        if form and name == "\u00e4":
            name = "a\u0308"
        return await lstat(self, f"{above}/{name}".encode())

    monkeypatch.setattr(Wire, "lstat", folds)
    await drive.check(write=True, create=False)
    names = drive.traits.names
    assert (names.case_sensitive, names.unicode_form) == rules
    assert names_in(root) == []
