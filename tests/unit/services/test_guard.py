"""The guard of a server: nobody leads it to an address that only it can reach (S16, S17, S19)."""

import asyncio
import socket
from collections.abc import Iterator

import pytest
from aiohttp.resolver import ThreadedResolver

from haulage.model.errors import HaulageError, Refused, Transient, Unreachable
from haulage.services.ftp.drive import FtpDrive
from haulage.services.sftp.drive import SftpDrive
from haulage.services.transport import Limits, Request, Transport
from haulage.services.transport import guard as guarding
from haulage.services.transport.guard import EndpointRefused, Guard, GuardedResolver, guard
from tests.contract.kit import FreePacer

HOSTILE = [
    "127.0.0.1", "127.255.0.9", "0.0.0.0", "10.0.0.1", "172.16.9.9", "192.168.1.1", "169.254.169.254",  # noqa: S104 - called
    "100.64.0.1",
    "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "[::1]", "[::]", "[fe80::1]", "[fd00::5]",
    "[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[ff02::1]", "[fec0::1]",
]  # fmt: skip


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test sets its own guard."""
    monkeypatch.setattr(guarding, "_set", [])
    yield


def transport(url: str) -> Transport:
    return Transport(origins=(url,), judge=lambda request, answer: None, pacer=FreePacer())


@pytest.mark.parametrize("host", HOSTILE)
async def test_an_address_that_is_not_public_is_not_called(host: str) -> None:
    """In every spelling of an address, and at once: nothing is sent, nothing tried again."""
    guarding.set_guard(Guard())
    called = transport(f"https://{host}/")
    with pytest.raises(EndpointRefused) as refused:
        await called.call(Request("Get", "GET", f"https://{host}/latest/meta-data"))
    assert host not in refused.value.message
    assert called.trace.calls == {}
    await called.close()


@pytest.mark.parametrize("host", ["2130706433", "0177.0.0.1", "0x7f.1", "127.1", "localhost"])
async def test_other_spellings_of_loopback_are_not_called(host: str) -> None:
    """Decimal, octal, hexadecimal and short forms are names to a URL and addresses to the system: what counts is where
    they lead."""
    guarding.set_guard(Guard())
    called = transport(f"https://{host}/")
    with pytest.raises(HaulageError) as refused:
        await called.call(Request("Get", "GET", f"https://{host}/", attempts=1))
    assert isinstance(refused.value, EndpointRefused) or "cannot connect" not in refused.value.message
    await called.close()


async def test_plain_http_is_not_spoken_to_the_public() -> None:
    guarding.set_guard(Guard())
    called = transport("http://example.org/")
    with pytest.raises(EndpointRefused, match="https"):
        await called.call(Request("Get", "GET", "http://example.org/"))
    await called.close()


async def test_a_rebound_name_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """1,000 look-ups that answer with a public address first and with loopback then: none gets through, and the
    connection goes to what was checked."""
    answers: list[str] = []

    async def resolve(self: ThreadedResolver, host: str, port: int = 0, family: int = 0) -> list[dict[str, object]]:
        answers.append("93.184.216.34" if len(answers) % 2 == 0 else "127.0.0.1")
        both = ["93.184.216.34", answers[-1]]
        rest = {"hostname": host, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
        return [{"host": one, **rest} for one in both]

    monkeypatch.setattr(ThreadedResolver, "resolve", resolve)
    resolver, led = GuardedResolver(Guard()), 0
    for _ in range(1000):
        try:
            found = await resolver.resolve("rebinding.example", 443)
            assert {one["host"] for one in found} == {"93.184.216.34"}
        except EndpointRefused:
            led += 1
    assert led == 500
    await resolver.close()


@pytest.mark.parametrize("service", ["ftp", "sftp"])
async def test_file_servers_are_guarded_too(service: str) -> None:
    """SSH and FTP servers that somebody names in a form: nothing is dialled but what may be called."""
    came: list[asyncio.StreamWriter] = []

    def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(writer)
        writer.close()

    listener = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    typed = {"port": str(listener.sockets[0].getsockname()[1]), "user": "u", "password": "p"}
    kind: type[FtpDrive] | type[SftpDrive] = FtpDrive if service == "ftp" else SftpDrive
    for host in ("127.0.0.1", "localhost", "2130706433", "::1"):
        guarding.set_guard(Guard())
        drive = kind(typed | {"server": host}, "", FreePacer(), Limits(attempts=1))
        with pytest.raises((EndpointRefused, Unreachable)):  # where there is no such address here
            await drive.check(write=False, create=False)
        await drive.close()
        assert came == []
    guarding.set_guard(Guard(("127.0.0.0/8",)))
    drive = kind(typed | {"server": "127.0.0.1"}, "", FreePacer(), Limits(attempts=1))
    with pytest.raises(Transient):
        await drive.check(write=False, create=False)
    await drive.close()
    assert came
    listener.close()


async def test_a_password_is_not_sent_openly_to_the_public() -> None:
    guarding.set_guard(Guard())
    typed = {"server": "192.0.0.9", "user": "u", "password": "p", "encryption": "none", "allow_unencrypted": "yes"}
    drive = FtpDrive(typed, "", FreePacer(), Limits(attempts=1))
    with pytest.raises(EndpointRefused, match="encryption"):
        await drive.check(write=False, create=False)
    await drive.close()


async def test_what_the_operator_allows_is_called() -> None:
    """By name, by address and by network; also over plain http."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for allowed, host in (("localhost", "localhost"), ("127.0.0.1", "127.0.0.1"), ("127.0.0.0/8", "127.0.0.1")):
        guarding.set_guard(Guard((allowed,)))
        called = transport(f"http://{host}:{port}/")
        assert (await called.call(Request("Get", "GET", f"http://{host}:{port}/"))).body == b"ok"
        await called.close()
    guarding.set_guard(Guard(("10.0.0.0/8",)))
    called = transport(f"http://127.0.0.1:{port}/")
    with pytest.raises(EndpointRefused):
        await called.call(Request("Get", "GET", f"http://127.0.0.1:{port}/"))
    await called.close()
    server.close()


def test_the_guard_by_the_environment() -> None:
    assert guard({}) is None
    assert guard({"HAULAGE_ENDPOINTS": "public"}) == Guard()
    assert guard({"HAULAGE_ENDPOINTS": "public, minio.lan ,10.1.0.0/16"}) == Guard(("minio.lan", "10.1.0.0/16"))
    with pytest.raises(Refused, match="does not begin"):
        guard({"HAULAGE_ENDPOINTS": "minio.lan"})


def test_a_server_quotes_nobody_at_length() -> None:
    """What somebody's endpoint answers is told, but not more of it than a sentence needs (S19)."""
    assert len(HaulageError("x" * 100_000).message) == 1000
