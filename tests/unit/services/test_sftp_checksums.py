"""Checksums that the server computes: they spare the reading back, and are never the last word against a file."""

import hashlib
import struct
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from haulage.model.errors import Mismatch
from haulage.model.item import Carried
from haulage.services.contract import ABSENT
from haulage.services.sftp import checksums, packets
from haulage.services.sftp.checksums import Way, told, way_of
from haulage.services.sftp.drive import SftpDrive
from haulage.services.sftp.packets import Reader, text
from haulage.services.sftp.wire import File
from testbed.ssh import AsyncSSH, OpenSSH
from tests.contract.kit import FreePacer, body_of, put

MIB = 1024 * 1024


@pytest.fixture
async def drive(openssh: OpenSSH, tmp_path: Path) -> AsyncIterator[SftpDrive]:
    """A drive that was checked, on a server that offers a shell; the names need quoting."""
    folder = openssh.root / tmp_path.name / 'it\'s $(a) "folder"\n'
    folder.mkdir(parents=True)
    opened = SftpDrive(openssh.settings, f"{tmp_path.name}/{folder.name}", FreePacer())
    await opened.check(write=True, create=False)
    assert list(folder.iterdir()) == []
    yield opened
    await opened.close()


async def sent_in_parts(drive: SftpDrive, body: bytes) -> Any:
    """As a large file goes up."""
    state = await drive.begin("large.bin", len(body), Carried(), "attempt", ABSENT)
    size = 2 * MIB
    starts = range(0, len(body), size)
    receipts = [
        await drive.put_part(state, number, start, memoryview(body)[start : start + size], None)
        for number, start in enumerate(starts, 1)
    ]
    return await drive.finish(state, receipts, {}, ABSENT)


async def test_a_shell_spares_the_reading_back(drive: SftpDrive, openssh: OpenSSH, tmp_path: Path) -> None:
    body = body_of(3 * MIB)
    before = Counter(drive.calls)
    written = await put(drive, "a.bin", body)
    assert written.hashes == {"sha256": hashlib.sha256(body).hexdigest()}
    cost = Counter(drive.calls) - before
    assert (cost["exec"], cost["READ"]) == (1, 0)
    await sent_in_parts(drive, body_of(5 * MIB))
    cost = Counter(drive.calls) - before
    assert cost["exec"] == 4
    found = next((openssh.root / tmp_path.name).iterdir()) / "large.bin"
    assert found.read_bytes() == body_of(5 * MIB)


async def test_small_files_are_read_back_all_the_same(drive: SftpDrive) -> None:
    before = Counter(drive.calls)
    await put(drive, "a.bin", body_of(20_000))
    cost = Counter(drive.calls) - before
    assert (cost["exec"], cost["READ"]) == (0, 1)


async def test_a_wrong_answer_is_looked_into(drive: SftpDrive, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that hashes another file: what it holds is read, and that decides."""
    asked = 0

    async def wrong(*_: Any) -> str:
        nonlocal asked
        asked += 1
        return "0" * 64

    monkeypatch.setattr(checksums, "told", wrong)
    for name in ("a.bin", "b.bin"):
        written = await put(drive, name, body_of(2 * MIB))
        assert written.hashes == {"sha256": hashlib.sha256(body_of(2 * MIB)).hexdigest()}
    assert asked == 2
    with pytest.raises(Mismatch):
        await drive.put("c.bin", body_of(2 * MIB), Carried(), {"sha256": "0" * 64}, ABSENT)


async def test_a_server_that_stops_answering_is_not_asked_again(
    drive: SftpDrive, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def nothing(*_: Any) -> None:
        nonlocal asked
        asked += 1

    monkeypatch.setattr(checksums, "told", nothing)
    for name in ("a.bin", "b.bin"):
        await put(drive, name, body_of(2 * MIB))
    assert asked == 1


@pytest.mark.parametrize("proof", ["hash", "read back"])
async def test_a_server_without_a_shell(asyncssh_server: AsyncSSH, tmp_path: Path, proof: str) -> None:
    (asyncssh_server.root / tmp_path.name).mkdir()
    drive = SftpDrive(asyncssh_server.settings | {"proof": proof}, tmp_path.name, FreePacer())
    await drive.check(write=True, create=False)
    await put(drive, "a.bin", body_of(2 * MIB))
    assert drive.calls.get("exec", 0) == (1 if proof == "hash" else 0)  # once, to find out
    assert drive.calls["READ"] > 2
    await drive.close()


class Asked:
    """A session that computes checksums."""

    def __init__(self, body: bytes, request: str, algorithm: str, *, prefixed: bool) -> None:
        self._body, self._request, self._algorithm, self._prefixed = body, request, algorithm, prefixed

    async def extended(self, name: str, body: bytes, answer: int) -> bytes:
        assert answer == packets.EXTENDED_REPLY
        if name != self._request:
            raise asyncssh.SFTPOpUnsupported("no")
        asked = Reader(memoryview(body))
        assert asked.text() == b"handle"
        algorithm = asked.text().decode()
        start, length, block = struct.unpack(">QQI", asked.rest())
        assert block == 0
        found = hashlib.new(self._algorithm, self._body[start : start + length]).digest()
        said = text(b"check-file") if self._prefixed else b""
        return said + text(algorithm.encode()) + found


class Offers:
    """As much of a connection as is looked at; it has no shell."""

    def __init__(self, offered: str) -> None:
        self.extensions = {"check-file": offered} if offered else {}

    async def run(self, command: str, seconds: float) -> bytes:
        raise asyncssh.ChannelOpenError(1, "no shell")


@pytest.mark.parametrize("prefixed", [False, True])
@pytest.mark.parametrize(
    ("offered", "request_name", "algorithm", "expected"),
    [
        ("md5,sha1,sha256", "check-file-handle", "sha256", Way("sha256", "check-file-handle")),
        ("md5,sha1", "check-file", "sha1", Way("sha1", "check-file")),
        ("md5", "check-file", "sha1", None),  # what it computes is something else
        ("", "check-file", "sha256", None),  # not offered
    ],
)
async def test_the_extension(
    offered: str, request_name: str, algorithm: str, expected: Way | None, prefixed: bool
) -> None:
    """As the drafts have it, and as servers answer: with what they answer said first, or not."""
    body = body_of(100)
    file = File(b"handle", Asked(body, request_name, algorithm, prefixed=prefixed), Counter())  # type: ignore[arg-type] # as much of a session as is asked
    wire: Any = Offers(offered)
    assert await way_of(wire, file, b"/x", body) == expected
    if expected is not None:
        wanted = hashlib.new(algorithm, body[10:30]).hexdigest()
        assert await told(expected, wire, file, b"/x", 10, 20) == wanted
