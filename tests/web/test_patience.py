"""S45: clients that send a byte now and then, or take no answer, are ended; others are served meanwhile."""

import asyncio
from urllib.parse import urlsplit

import pytest

from haulage.model.person import Role
from haulage.web import guarding, patience
from tests.web.house import House, Visitor

PIECE_SECONDS = 0.05
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


class Slow:
    """A raw connection that trickles."""

    def __init__(self, house: House) -> None:
        self._where = urlsplit(house.url)

    async def answered(self, at_once: str, trickled: str) -> bytes:
        """Send something at once, the rest a byte at a time and again for ever; what came until the server hung up."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._where.port)
        writer.write(at_once.replace("HOST", self._where.netloc).encode())
        sending = asyncio.create_task(self._trickle(writer, trickled))
        told = b""
        try:
            async with asyncio.timeout(60):
                while piece := await reader.read(65536):
                    told += piece
        except ConnectionError:
            pass  # dropped with bytes of ours on the way, which is an end too
        finally:
            sending.cancel()
            writer.close()
        return told

    async def _trickle(self, writer: asyncio.StreamWriter, text: str) -> None:
        try:
            while text:
                for one in text:
                    writer.write(one.encode())
                    await writer.drain()
                    await asyncio.sleep(PIECE_SECONDS)
        except ConnectionError:
            pass  # the server hung up, which is what is waited for


POST = f"POST /sign-in HTTP/1.1\r\nHost: HOST\r\n{FORM}"
TRICKLES = {
    "nothing": ("", "", b""),
    "a line": ("", "GET /sign-in HTTP/1.1", b""),
    "headers": ("GET /sign-in HTTP/1.1\r\nHost: HOST\r\n", "X-Slow: a\r\n", b""),
    "a body": (f"{POST}Content-Length: 200000\r\n\r\n", "a", b"HTTP/1.1 408"),
    "chunks": (f"{POST}Transfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n", b"HTTP/1.1 408"),
    "an unwanted body": ("POST /no HTTP/1.1\r\nHost: HOST\r\nContent-Length: 9999\r\n\r\n", "a", b"HTTP/1.1 404"),
    "the next head": ("GET /static/icon.svg HTTP/1.1\r\nHost: HOST\r\n\r\n", "GET /sign-in HTTP", b"HTTP/1.1 200"),
}
"""What is sent at once, what trickles from then on, and how the answer begins, if there is one."""


async def test_who_sends_a_byte_now_and_then_is_ended(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """However it is done, the connection ends; pages are served to somebody else all the while."""
    visitor = Visitor(house)
    await visitor.get("/sign-in")
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(guarding, "BODY_SECONDS", 0.5)
    slow = [
        asyncio.create_task(Slow(house).answered(at_once, trickled))
        for at_once, trickled, _ in TRICKLES.values()
        for _ in range(3)
    ]
    assert (await visitor.get("/sign-in")).status_code == 200
    told = await asyncio.gather(*slow)
    for number, (name, (_, _, answer)) in enumerate(TRICKLES.items()):
        for one in told[3 * number : 3 * number + 3]:
            assert one.startswith(answer) if answer else one == b"", name
    assert (await visitor.get("/sign-in")).status_code == 200
    await visitor.close()


async def test_who_takes_no_answer_is_ended(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """It asks for page after page and reads none of them: the connection is dropped, and nothing is left of it."""
    monkeypatch.setattr(patience, "UNTAKEN_SECONDS", 0.3)
    where = urlsplit(house.url)
    _, writer = await asyncio.open_connection("127.0.0.1", where.port, limit=1024)
    asked = f"GET /static/vendor/tabler.min.css HTTP/1.1\r\nHost: {where.netloc}\r\n\r\n".encode()
    async with asyncio.timeout(60):
        with pytest.raises(ConnectionError):
            while True:
                writer.write(asked)
                await writer.drain()
                await asyncio.sleep(PIECE_SECONDS)
    writer.close()


async def test_a_large_body_that_comes_steadily_is_taken(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The longer it is, the longer it may take."""
    monkeypatch.setattr(guarding, "BODY_SECONDS", 0.2)
    monkeypatch.setattr(guarding, "SLOWEST_BYTES", 4)
    house.person("ada", Role.OPERATOR)
    where = urlsplit(house.url)
    head = f"POST /sign-in HTTP/1.1\r\nHost: {where.netloc}\r\n{FORM}Connection: close\r\nContent-Length: 60\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", where.port)
    writer.write(head.encode())
    for _ in range(6):
        writer.write(b"aaaaaaaaa=")
        await asyncio.sleep(0.1)
    assert b" 403 " in (await asyncio.wait_for(reader.readline(), 60))  # read whole; no form of ours
    writer.close()


@pytest.mark.parametrize("begun", ["", f"{POST}Content-Length: 9\r\n\r\naaa"], ids=["quiet", "half a request"])
async def test_connections_that_ask_for_nothing_make_room(house: House, begun: str) -> None:
    """With more of them open than the server takes, pages are served; the oldest of them have ended."""
    where = urlsplit(house.url)
    held = []
    for _ in range(520):
        reader, writer = await asyncio.open_connection("127.0.0.1", where.port)
        writer.write(begun.replace("HOST", where.netloc).encode())
        held.append((reader, writer))
    visitor = Visitor(house)
    for _ in range(3):
        assert (await visitor.get("/sign-in")).status_code == 200
    assert await asyncio.wait_for(held[0][0].read(), 60) == b""
    assert not held[-1][0].at_eof()
    await visitor.close()
    for _, writer in held:
        writer.close()
