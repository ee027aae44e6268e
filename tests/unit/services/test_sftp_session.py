"""Requests and answers of SFTP over a channel that the tests play: what is said, and what a server may not say."""

import asyncio
import struct
from typing import Any

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulage.services.sftp import packets
from haulage.services.sftp.packets import Attributes, Reader, text
from haulage.services.sftp.session import MOST_ANSWER_BYTES, Session


class Channel:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.sent = b""
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.sent += data

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


def packet(kind: int, number: int, body: bytes = b"") -> bytes:
    return struct.pack(">IBI", len(body) + 5, kind, number) + body


def status(number: int, code: int, told: bytes = text(b"why") + text(b"en")) -> bytes:
    return packet(packets.STATUS, number, struct.pack(">I", code) + told)


def requests(sent: bytes) -> list[tuple[int, int, bytes]]:
    """Kind, number and body of each."""
    found = []
    while sent:
        size, kind, number = struct.unpack_from(">IBI", sent)
        found.append((kind, number, sent[9 : 4 + size]))
        sent = sent[4 + size :]
    return found


@pytest.fixture
async def channel() -> Channel:
    return Channel()


@pytest.fixture
async def session(channel: Channel) -> Session:
    made = Session()
    made.connection_made(channel)  # type: ignore[arg-type] # as much of one as the session uses
    return made


async def test_what_is_asked_in_one_turn_goes_out_at_once(session: Session, channel: Channel) -> None:
    first = session.ask(packets.LSTAT, packets.ATTRS, text(b"a"))
    second = session.ask(packets.WRITE, packets.STATUS, text(b"h"), memoryview(b"data"))
    assert channel.sent == b""
    await asyncio.sleep(0)
    assert requests(channel.sent) == [(packets.LSTAT, 0, text(b"a")), (packets.WRITE, 1, text(b"h") + b"data")]
    session.data_received(status(1, 0) + packet(packets.ATTRS, 0, packets.sized(7)), None)
    assert await first == Attributes(size=7)
    assert await second is None


async def test_what_a_server_offers(session: Session, channel: Channel) -> None:
    greeting = asyncio.ensure_future(session.greet())
    await asyncio.sleep(0.01)
    assert channel.sent == struct.pack(">IBI", 5, packets.INIT, 3)
    channel.sent = b""
    offered = text(b"limits@openssh.com") + text(b"1") + text(b"odd") + text(b"\xff")
    session.data_received(packet(packets.VERSION, 3, offered), None)
    await asyncio.sleep(0.01)
    assert requests(channel.sent) == [(packets.EXTENDED, 0, text(b"limits@openssh.com"))]
    session.data_received(packet(packets.EXTENDED_REPLY, 0, struct.pack(">QQQQ", 0, 100_000, 0, 0)), None)
    await greeting
    assert (session.read_bytes, session.write_bytes) == (100_000, 32 * 1024)
    assert set(session.extensions) == {"limits@openssh.com", "odd"}


@given(pieces=st.lists(st.integers(1, 9), max_size=40))
async def test_answers_come_in_any_pieces(pieces: list[int]) -> None:
    session = Session()
    session.connection_made(Channel())  # type: ignore[arg-type] # as much of one as the session uses
    answers = [session.ask(packets.READ, packets.DATA, b"") for _ in range(3)]
    whole = b"".join(packet(packets.DATA, number, text(bytes([number]) * 9)) for number in (2, 0, 1))
    for size in pieces:
        session.data_received(whole[:size], None)
        whole = whole[size:]
    session.data_received(whole, None)
    assert [await answer for answer in answers] == [bytes([number]) * 9 for number in range(3)]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (2, asyncssh.SFTPNoSuchFile),
        (3, asyncssh.SFTPPermissionDenied),
        (4, asyncssh.SFTPFailure),
        (8, asyncssh.SFTPOpUnsupported),
        (11, asyncssh.SFTPFileAlreadyExists),
        (15, asyncssh.SFTPQuotaExceeded),
        (1, asyncssh.SFTPEOFError),
        (99, asyncssh.SFTPError),
    ],
)
@pytest.mark.parametrize("told", [b"", text(b"no \xff") + text(b"")])
async def test_what_a_status_means(session: Session, code: int, kind: type[Exception], told: bytes) -> None:
    """With its text, with one that is no UTF-8, or with none at all."""
    answer = session.ask(packets.REMOVE, packets.STATUS, text(b"a"))
    session.data_received(status(0, code, told), None)
    with pytest.raises(kind):
        await answer


async def test_the_end_is_no_error_where_it_is_asked_for(session: Session) -> None:
    data, names = session.ask(packets.READ, packets.DATA, b""), session.ask(packets.READDIR, packets.NAME, b"")
    session.data_received(status(0, 1) + status(1, 1), None)
    assert await data == b""
    assert await names == []


@pytest.mark.parametrize(
    "came",
    [
        packet(packets.ATTRS, 0, packets.sized(1)),  # another kind of answer than the one that was asked for
        status(0, 0),  # success, where a handle was asked for
    ],
)
async def test_an_answer_of_another_kind(session: Session, came: bytes) -> None:
    answer = session.ask(packets.OPEN, packets.HANDLE, b"")
    session.data_received(came, None)
    with pytest.raises(asyncssh.SFTPBadMessage):
        await answer
    assert session.open


@pytest.mark.parametrize(
    "came",
    [
        packet(packets.HANDLE, 7, text(b"h")),  # of no question
        struct.pack(">I", MOST_ANSWER_BYTES + 1),
        struct.pack(">I", 0),
        packet(packets.HANDLE, 0, struct.pack(">I", 100) + b"h"),  # shorter than it says
        packet(packets.ATTRS, 0, b"\0"),
        packet(packets.VERSION, 6),
        packet(packets.VERSION, 3, b"\0"),
    ],
)
async def test_what_is_no_answer_ends_the_session(session: Session, channel: Channel, came: bytes) -> None:
    """Nothing on it means anything any more: all who wait hear of it, and nobody is left waiting."""
    answers = [session.ask(packets.OPEN, packets.HANDLE, b""), session.ask(packets.LSTAT, packets.ATTRS, b"")]
    if came[4:5] == bytes([packets.ATTRS]):
        answers.reverse()
        session._waiting[0], session._waiting[1] = session._waiting[1], session._waiting[0]
    session.data_received(came, None)
    for answer in answers:
        with pytest.raises(asyncssh.SFTPBadMessage):
            await answer
    assert channel.aborted
    assert not session.open
    with pytest.raises(asyncssh.SFTPConnectionLost):
        await session.ask(packets.LSTAT, packets.ATTRS, b"")


@pytest.mark.parametrize("error", [None, ConnectionResetError(104, "Connection reset by peer"), TimeoutError()])
async def test_a_lost_connection_reaches_all_who_wait(session: Session, error: Exception | None) -> None:
    """As a break, which is tried again, and not as a server that cannot be reached, however the system calls it."""
    answer = session.ask(packets.LSTAT, packets.ATTRS, b"")
    greeting = asyncio.ensure_future(session.greet())
    await asyncio.sleep(0)
    session.connection_lost(error)
    for waiting in (answer, greeting):
        with pytest.raises(asyncssh.SFTPConnectionLost):
            await waiting


async def test_whoever_opened_a_file_and_left_leaves_none_open(session: Session, channel: Channel) -> None:
    session.ask(packets.OPEN, packets.HANDLE, text(b"a")).cancel()
    await asyncio.sleep(0)
    channel.sent = b""
    session.data_received(packet(packets.HANDLE, 0, text(b"its handle")), None)
    await asyncio.sleep(0)
    assert requests(channel.sent) == [(packets.CLOSE, 1, text(b"its handle"))]
    session.data_received(status(1, 0), None)
    assert session.open


def test_attributes_of_every_kind() -> None:
    """Owners and extensions are passed over, and what follows them is read right."""
    flags = packets.HAS_SIZE | packets.HAS_OWNER | packets.HAS_MODE | packets.HAS_TIMES | packets.HAS_MORE
    told: Any = struct.pack(">IQIIIII", flags, 5, 1, 2, 0o100644, 10, 11)
    told += struct.pack(">I", 1) + text(b"name") + text(b"value")
    names = struct.pack(">I", 2) + 2 * (text(b"a") + text(b"-rw a") + told)
    expected = Attributes(5, 0o100644, 10, 11)
    assert Reader(memoryview(names)).names() == [(b"a", expected), (b"a", expected)]
    assert Reader(memoryview(bytes(4))).attributes() == Attributes()
