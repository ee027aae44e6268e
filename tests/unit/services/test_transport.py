"""The one HTTP layer, against servers that misbehave in every way that the fault catalogue names."""

import asyncio
import datetime
import gzip
import ipaddress
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from haulage.model.errors import (
    Denied,
    HaulageError,
    Mismatch,
    OutcomeUnknown,
    Refused,
    Throttled,
    Transient,
    Unreachable,
)
from haulage.services.authorisation import Route
from haulage.services.transport import (
    Answer,
    CertificateRefused,
    Limits,
    NoEffect,
    NotReady,
    PutRight,
    Request,
    Transport,
    layers,
    retry_after_seconds,
)

QUICK = Limits(attempts=4, backoff_seconds=0.001)
IMPATIENT = Limits(attempts=4, backoff_seconds=0.001, idle_seconds=0.25)
STRICT = Limits(attempts=4, backoff_seconds=0.001, least_bytes=1000, window_seconds=0.3)
MIB = 1024 * 1024


class NotedPacer:
    """Lets all calls out and notes what it was told."""

    def __init__(self) -> None:
        self.waits: list[float | None] = []
        self.asked = self.answers = 0

    async def ready(self) -> None:
        self.asked += 1

    def throttled(self, wait_seconds: float | None) -> None:
        self.waits.append(wait_seconds)

    def answered(self) -> None:
        self.answers += 1

    def at_most(self, calls_a_second: float) -> None:
        return None


def judge(request: Request, answer: Answer) -> HaulageError | None:
    """The plainest rules: by status alone."""
    if answer.status == 202:
        return NotReady("still at it", retry_after_seconds(answer.headers) or 1)
    if answer.status < 300:
        return None
    if answer.status == 503:
        return Throttled("slow down", retry_after_seconds(answer.headers))
    if answer.status == 409:
        return NoEffect("in flight")
    return Transient(f"status {answer.status}") if answer.status >= 500 else Denied(f"status {answer.status}")


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., Transport]]:
    """Makes transports and closes them in the end."""
    made: list[Transport] = []

    def transport(url: str, pacer: Any = None, limits: Limits = QUICK, **more: Any) -> Transport:
        sign: Callable[[Request], Mapping[str, str]] = lambda request: request.headers  # noqa: E731 - a stand-in
        pacer = pacer or NotedPacer()
        made.append(Transport(origins=(url + "/",), sign=sign, judge=judge, pacer=pacer, limits=limits, **more))
        return made[-1]

    yield transport
    for one in made:
        await one.close()


def get(url: str, **more: Any) -> Request:
    return Request("Get", "GET", url + "/x", **more)


async def read(transport: Transport, request: Request) -> bytes:
    async with transport.stream(request) as streamed:
        return b"".join([chunk async for chunk in streamed.chunks()])


# --- what is sent


async def test_a_url_is_sent_as_it_is_written(scripted: Any, make: Any) -> None:
    """Nothing is normalised: dot segments, empty ones and escapes stay, or another object would be asked for."""
    server = await scripted()
    transport = make(server.url)
    targets = ["/b/a//b", "/b//lead", "/b/./x/../y", "/b/%2e%2E/%41", "/b/a%20b+c?x=%2F&y=", "/b/trail%20", "/b/~_-."]
    for target in targets:
        await transport.call(Request("Get", "GET", server.url + target))
    assert [heard.target for heard in server.heard] == targets


async def test_only_what_was_asked_for_is_sent(scripted: Any, make: Any) -> None:
    """Bytes are wanted as they are stored (T12), and no header is invented that a signature would not know."""
    server = await scripted()
    await make(server.url).call(Request("Put", "PUT", server.url + "/x", {"x-own": "1"}, b"body"))
    [heard] = server.heard
    assert heard.headers["accept-encoding"] == "identity"
    assert heard.headers["x-own"] == "1"
    assert heard.headers["content-length"] == "4"
    assert not heard.headers.keys() & {"content-type", "cookie", "expect", "transfer-encoding", "authorization"}


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 256 * 1024, 256 * 1024 + 1, 3 * MIB])
async def test_bodies_of_all_sizes_arrive(scripted: Any, make: Any, size: int) -> None:
    """Small ones at once, larger ones in slices, views as well as bytes; all are counted."""
    server = await scripted()
    transport = make(server.url)
    body = bytes(range(256)) * (size // 256 + 1)
    await transport.call(Request("Put", "PUT", server.url + "/x", body=memoryview(body)[:size]))
    await transport.call(Request("Put", "PUT", server.url + "/x", body=body[:size]))
    assert [heard.body for heard in server.heard] == [body[:size]] * 2
    assert transport.trace.sent_bytes == 2 * size
    assert transport.trace.calls == {"Put": 2}


async def test_calls_elsewhere_are_refused(scripted: Any, make: Any) -> None:
    """S09: credentials stay with the host that they belong to; a name that only begins alike is another host."""
    server = await scripted()
    transport = make(server.url)
    for url in (server.url.replace("127.0.0.1", "127.0.0.2") + "/x", server.url + "0/x", server.url + ".example/x"):
        with pytest.raises(Refused):
            await transport.call(Request("Get", "GET", url))
    assert not server.heard
    transport.allow(server.url + "0/")
    with pytest.raises((Unreachable, ValueError, OverflowError)):
        await transport.call(Request("Get", "GET", server.url + "0/x"))


async def test_redirects_are_not_followed(scripted: Any, make: Any) -> None:
    """F43: not even to the same host."""
    server = await scripted()
    server.say(server.answer(307, Location=server.url + "/y"))
    with pytest.raises(Denied):
        await make(server.url).call(get(server.url))
    with pytest.raises(Denied):
        await read(make(server.url), get(server.url))
    assert [heard.target for heard in server.heard] == ["/x", "/x"]


# --- what comes back


async def test_packed_bodies_stay_packed(scripted: Any, make: Any) -> None:
    """T12: an object stored with Content-Encoding: gzip is moved as it is stored."""
    server = await scripted()
    packed = gzip.compress(b"text " * 1000)
    server.say(server.answer(200, packed, Content_Encoding="gzip"))
    assert (await make(server.url).call(get(server.url))).body == packed
    assert await read(make(server.url), get(server.url)) == packed


async def test_streamed_chunks_are_at_most_a_mebibyte(scripted: Any, make: Any) -> None:
    """The bound on memory that the engine counts on; every byte is counted."""
    server = await scripted()
    body = bytes(5 * MIB)
    server.say(server.answer(200, body))
    transport = make(server.url)
    async with transport.stream(get(server.url)) as streamed:
        sizes = []
        async for chunk in streamed.chunks():
            sizes.append(len(chunk))
            await asyncio.sleep(0.001)
    assert sum(sizes) == len(body) == transport.trace.received_bytes
    assert max(sizes) <= MIB


async def test_the_length_of_a_head_is_not_a_body(scripted: Any, make: Any) -> None:
    """HEAD of a terabyte says its length and sends nothing."""
    server = await scripted()
    server.say(server.answer(200, Content_Length=str(10**12)))
    transport = make(server.url)
    answer = await transport.call(Request("Head", "HEAD", server.url + "/x"))
    assert answer.headers["content-length"] == str(10**12)
    await transport.call(Request("Head", "HEAD", server.url + "/x"))
    assert server.connections == 1


async def test_an_answer_over_the_limit_is_refused(scripted: Any, make: Any) -> None:
    """F44: by its declared length at once, else as soon as it is longer."""
    server = await scripted()
    server.say(server.answer(200, bytes(5000)))
    with pytest.raises(Mismatch):
        await make(server.url).call(get(server.url, largest_answer=4999))
    chunk = b"400\r\n" + bytes(1024) + b"\r\n"
    server.say([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk * 6 + b"0\r\n\r\n"])
    with pytest.raises(Mismatch):
        await make(server.url).call(get(server.url, largest_answer=6143))
    assert len((await make(server.url).call(get(server.url, largest_answer=6144))).body) == 6144


async def test_a_connection_serves_again(scripted: Any, make: Any) -> None:
    """Keep-alive, also after an error answer; a body that was left unread costs its connection."""
    server = await scripted()
    server.say(server.answer(404, b"not there"), server.answer(200, b"there"))
    transport = make(server.url)
    with pytest.raises(Denied):
        await transport.call(get(server.url))
    assert await read(transport, get(server.url)) == b"there"
    assert await read(transport, get(server.url)) == b"there"
    assert server.connections == 1
    server.say(server.answer(200, bytes(2 * MIB)))
    async with transport.stream(get(server.url)):
        pass
    assert len(await read(transport, get(server.url))) == 2 * MIB
    assert server.connections == 2


# --- retries and throttles


async def test_passing_trouble_is_retried(scripted: Any, make: Any) -> None:
    """F06: 500, then a reset, then the answer; for calls and for streams."""
    for ask in (lambda transport, request: transport.call(request), read):
        server = await scripted()
        server.say(server.answer(500), ["reset"], server.answer(200, b"ok"))
        pacer = NotedPacer()
        await ask(make(server.url, pacer), get(server.url))
        assert len(server.heard) == 3
        assert (pacer.asked, pacer.answers, pacer.waits) == (3, 1, [])


async def test_attempts_are_limited(scripted: Any, make: Any) -> None:
    """G11: no more than the limit, or what the request itself allows."""
    server = await scripted()
    server.say(server.answer(500))
    with pytest.raises(Transient):
        await make(server.url).call(get(server.url))
    assert len(server.heard) == 4
    with pytest.raises(Transient):
        await make(server.url).call(get(server.url, attempts=2))
    assert len(server.heard) == 6


async def test_a_scope_that_has_no_more_calls_left_waits_before_it_is_refused(scripted: Any, make: Any) -> None:
    """As long as the service says; while more are left than are on their way, nobody waits."""
    server = await scripted()
    server.say(server.answer(200, Left="2", Seconds="7"), server.answer(200, Left="1", Seconds="7"), server.answer(200))
    pacer = NotedPacer()

    def spare(answer: Answer) -> tuple[float, float] | None:
        left = answer.headers.get("Left")
        return None if left is None else (float(left), float(answer.headers["Seconds"]))

    transport = make(server.url, pacer, spare=spare)
    await transport.call(get(server.url))
    assert pacer.waits == []
    await transport.call(get(server.url))
    assert pacer.waits == [7.0]
    await transport.call(get(server.url))
    assert (pacer.waits, pacer.answers) == ([7.0], 3)


async def test_being_throttled_is_no_attempt(scripted: Any, make: Any) -> None:
    """F01, F02: the pacer is told exactly what the service asked for, as often as it asks."""
    server = await scripted()
    slow = [server.answer(503, Retry_After="7") for _ in range(9)]
    server.say(*slow, server.answer(503), server.answer(200))
    pacer = NotedPacer()
    await make(server.url, pacer).call(get(server.url))
    assert pacer.waits == [7.0] * 9 + [None]
    assert pacer.asked == len(server.heard) == 11


async def test_what_is_not_ready_yet_holds_back_nothing_else(scripted: Any, make: Any) -> None:
    """Just that call is made again after as long as was asked for, however often; others leave meanwhile."""
    server = await scripted()
    server.say(*[server.answer(202, Retry_After="0.3") for _ in range(5)], server.answer(200))
    pacer = NotedPacer()
    transport = make(server.url, pacer)
    begun = time.monotonic()
    answer = await transport.call(get(server.url, repeatable=False))
    assert (answer.status, pacer.waits, len(server.heard)) == (200, [], 6)
    assert time.monotonic() - begun >= 5 * 0.3
    server.say(server.answer(202, Retry_After="20"), server.answer(200))
    waiting = asyncio.ensure_future(transport.call(get(server.url)))
    for _ in range(500):
        if len(server.heard) < 7:
            await asyncio.sleep(0.01)
    assert (await asyncio.wait_for(transport.call(get(server.url)), 5)).status == 200
    waiting.cancel()


async def test_other_errors_are_not_retried(scripted: Any, make: Any) -> None:
    server = await scripted()
    server.say(server.answer(403))
    with pytest.raises(Denied):
        await make(server.url).call(get(server.url))
    assert len(server.heard) == 1


async def test_credentials_are_renewed_before_every_attempt(scripted: Any, make: Any) -> None:
    """T24: a long wait between two attempts may outlive a token."""
    server = await scripted()
    server.say(server.answer(500), server.answer(200))
    renewed = []

    async def fresh() -> None:
        renewed.append(len(server.heard))

    await make(server.url, fresh=fresh).call(get(server.url))
    assert renewed == [0, 1]


async def test_what_never_gets_ready_ends(scripted: Any, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """I9: a service that is at it for ever keeps one call for an hour, and not the run for ever."""
    monkeypatch.setattr(layers, "UNREADY_SECONDS", 0.3)
    server = await scripted()
    server.say(*[server.answer(202, Retry_After="0.1") for _ in range(20)])
    begun = time.monotonic()
    with pytest.raises(Transient, match="still at it, since an hour"):
        await make(server.url).call(get(server.url, repeatable=False))
    assert time.monotonic() - begun < 2


DATE = datetime.datetime(2026, 3, 1, 12, 0, tzinfo=datetime.UTC)


def http_date(seconds: float) -> str:
    return format_datetime(DATE + datetime.timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("1.5", 1.5),
        (" 30 ", 30.0),
        ("86400", 86400.0),
        (http_date(90), 90.0),
        (http_date(0), 0.0),
        (http_date(-10), None),
        ("-3", None),
        ("120junk", None),
        ("", None),
        ("soon", None),
        ("inf", None),
        ("1e3", None),
        ("1_000", None),
        ("9" * 400, None),
        ("1772366400", None),
        (http_date(40 * 86400), None),
    ],
)
def test_every_form_of_retry_after(text: str, expected: float | None) -> None:
    """T70, F02-F04: seconds; a date, by the service's clock; all else is as if nothing had been said."""
    assert retry_after_seconds({"Retry-After": text, "Date": http_date(0)}) == expected


def test_retry_after_without_other_headers() -> None:
    """Absent; and a date without a Date to compare it with is taken by our own clock."""
    assert retry_after_seconds({}) is None
    soon = format_datetime(datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=100), usegmt=True)
    wait = retry_after_seconds({"Retry-After": soon})
    assert wait is not None
    assert 95 < wait <= 100
    assert retry_after_seconds({"Retry-After": http_date(90), "Date": "nonsense"}) is None


# --- what nobody knows


PUT: dict[str, Any] = {"body": b"x", "repeatable": False}


@pytest.mark.parametrize(
    "script",
    [
        ["reset"],
        ["close"],
        [b"HTTP/1.1 200 OK\r\nContent-Le", "close"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "reset"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "close"],
        [b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"],
        [60.0],
        [b"nonsense\r\n\r\n", "close"],
    ],
    ids=["reset", "closed", "half a head", "reset in the body", "closed in the body", "500", "no answer", "nonsense"],
)
async def test_a_write_without_a_sound_answer_is_not_repeated(scripted: Any, make: Any, script: list) -> None:
    """F07, F45: it may have taken effect; asked once, told as OutcomeUnknown."""
    server = await scripted()
    server.say(script)
    limits = IMPATIENT if script == [60.0] else QUICK
    with pytest.raises(OutcomeUnknown):
        await make(server.url, limits=limits).call(Request("Put", "PUT", server.url + "/x", **PUT))
    assert len(server.heard) == 1


async def test_a_kept_connection_that_breaks_is_not_repeated_behind_our_back(scripted: Any, make: Any) -> None:
    """F45: the HTTP client would send a PUT again by itself; a conditional one would then meet its own effect."""
    server = await scripted()
    server.say(server.answer(200), ["close"], server.answer(200))
    transport = make(server.url)
    await transport.call(get(server.url))
    with pytest.raises(OutcomeUnknown):
        await transport.call(Request("Put", "PUT", server.url + "/x", **PUT))
    assert len(server.heard) == 2


async def test_what_had_no_effect_may_be_repeated(scripted: Any, make: Any) -> None:
    """The service said so itself; and a throttle is such a word too."""
    server = await scripted()
    server.say(server.answer(409), server.answer(503), server.answer(200))
    await make(server.url).call(Request("Put", "PUT", server.url + "/x", **PUT))
    assert len(server.heard) == 3


async def test_what_was_put_right_goes_out_at_once(scripted: Any) -> None:
    """Whatever the wait between attempts; each counts, so that it ends where every answer wants something else."""
    server = await scripted()
    slow = Limits(attempts=4, backoff_seconds=1e9, longest_backoff_seconds=1e9)
    server.say(server.answer(401), server.answer(401), server.answer(200))
    transport = Transport(
        origins=(server.url + "/",),
        judge=lambda _, answer: PutRight("once more") if answer.status == 401 else None,
        pacer=NotedPacer(),
        limits=slow,
    )
    async with asyncio.timeout(5):
        await transport.call(Request("Put", "PUT", server.url + "/x", **PUT))
        assert len(server.heard) == 3
        server.say(server.answer(401))
        with pytest.raises(PutRight):
            await transport.call(get(server.url))
    assert len(server.heard) == 3 + 4
    await transport.close()


async def test_what_was_never_sent_is_unreachable(make: Any) -> None:
    """No connection: nothing can have taken effect, so it is tried again, and then told as such."""
    transport = make("http://127.0.0.1:9")
    with pytest.raises(Unreachable) as caught:
        await transport.call(Request("Put", "PUT", "http://127.0.0.1:9/x", **PUT))
    assert transport.trace.calls["Put"] == 4
    assert "127.0.0.1:9" in caught.value.message


async def test_errors_name_no_address_in_full(scripted: Any, make: Any) -> None:
    """S15: a URL may hold a signature; it is in no message."""
    server = await scripted()
    server.read_bodies = False
    server.say(["reset"])
    for body in (b"x", bytes(3 * MIB)):
        with pytest.raises(HaulageError) as caught:
            await make(server.url).call(Request("Put", "PUT", server.url + "/x?sig=s3cr3t", body=body, attempts=1))
        assert "s3cr3t" not in str(caught.value)


# --- bodies that break, stall or trickle


@pytest.mark.parametrize("end", ["reset", "close"])
async def test_a_stream_that_breaks_is_told(scripted: Any, make: Any, end: str) -> None:
    """F09-F11: what came before is handed out, then Transient; the stream is not begun again by itself."""
    server = await scripted()
    server.say([b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 400, 0.05, end])
    got = []
    with pytest.raises(Transient):
        async with make(server.url).stream(get(server.url)) as streamed:
            async for chunk in streamed.chunks():
                got.append(chunk)
    assert b"".join(got) == b"x" * 400
    assert len(server.heard) == 1


async def test_a_call_whose_answer_breaks_is_repeated(scripted: Any, make: Any) -> None:
    """F10: a read may simply be asked again."""
    server = await scripted()
    server.say([b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf", "close"], server.answer(200, b"whole"))
    assert (await make(server.url).call(get(server.url))).body == b"whole"


async def test_a_stall_ends_by_the_idle_limit(scripted: Any, make: Any) -> None:
    """F14: nothing more comes, and the connection stays open."""
    server = await scripted()
    server.say([b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 400, 60.0])
    async with asyncio.timeout(20):
        with pytest.raises(Transient):
            await read(make(server.url, limits=IMPATIENT), get(server.url))
        server.say([60.0])
        with pytest.raises(Transient):
            await make(server.url, limits=IMPATIENT).call(get(server.url, attempts=1))


async def test_a_trickle_ends_by_the_least_rate(scripted: Any, make: Any) -> None:
    """F15: each byte comes within the idle limit, and the file never would."""
    server = await scripted()
    server.say([b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", *[b"x" * 20, 0.04] * 100])
    async with asyncio.timeout(20):
        with pytest.raises(Transient, match="only"):
            await read(make(server.url, limits=STRICT), get(server.url))


async def test_a_slow_but_steady_body_is_read(scripted: Any, make: Any) -> None:
    """F15: other items are unaffected: the watchdog leaves what is fast enough alone."""
    server = await scripted()
    server.say([b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n", *[b"x" * 1000, 0.04] * 20])
    assert len(await read(make(server.url, limits=STRICT), get(server.url))) == 20_000


async def test_a_server_that_stops_reading_is_noticed(scripted: Any, make: Any) -> None:
    """F14 the other way: an upload into a socket that nobody reads ends too."""
    server = await scripted()
    server.read_bodies = False
    server.say([60.0])
    transport = make(server.url, limits=IMPATIENT)
    async with asyncio.timeout(20):
        with pytest.raises(Transient):
            await transport.call(Request("Put", "PUT", server.url + "/x", body=bytes(32 * MIB), attempts=1))


async def test_a_cancelled_call_leaves_the_transport_usable(scripted: Any, make: Any) -> None:
    """F49: a connection with half an exchange on it is never used again."""
    server = await scripted()
    server.say([b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha", 5.0], server.answer(200, b"good"))
    transport = make(server.url)
    asking = asyncio.create_task(transport.call(get(server.url)))
    await asyncio.sleep(0.1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert (await transport.call(get(server.url))).body == b"good"
    assert server.connections == 2


# --- TLS


def certificate(folder: Path, expires_days: int = 2) -> Path:
    """A self-signed certificate of 127.0.0.1 with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=10))
        .not_valid_after(now + datetime.timedelta(days=expires_days))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"certificate-{expires_days}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.mark.parametrize(("expires_days", "trusted"), [(2, False), (-1, True)], ids=["unknown", "expired"])
async def test_a_bad_certificate_is_refused_once(
    scripted: Any, make: Any, tmp_path: Path, expires_days: int, trusted: bool
) -> None:
    """F42: closed, named, and never tried again."""
    pem = certificate(tmp_path, expires_days)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    server = await scripted(tls)
    transport = make(server.url, ca_file=str(pem) if trusted else None)
    with pytest.raises(CertificateRefused) as caught:
        await transport.call(get(server.url))
    assert transport.trace.calls["Get"] == 1
    assert "certificate" in caught.value.message
    assert isinstance(caught.value, Unreachable)
    assert not server.heard


async def test_a_certificate_of_ones_own_authority(scripted: Any, make: Any, tmp_path: Path) -> None:
    """S20: a custom authority by file; no switch turns the check off."""
    pem = certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    server = await scripted(tls)
    server.say(server.answer(200, b"safe"))
    assert (await make(server.url, ca_file=str(pem)).call(get(server.url))).body == b"safe"


def test_an_authority_that_cannot_be_read(make: Any, tmp_path: Path) -> None:
    """Said when the connector is opened, not at the first call."""
    (tmp_path / "empty.pem").write_text("")
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(Refused, match=name):
            make("https://127.0.0.1:9", ca_file=str(tmp_path / name))


@pytest.mark.parametrize("there", [True, False])
async def test_a_proxy_that_is_in_the_way_is_named(there: bool) -> None:
    """In a sentence: what it answered, or that it is not there."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    proxy = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = proxy.sockets[0].getsockname()[1]
    if not there:
        proxy.close()
        await proxy.wait_closed()
    transport = Transport(
        origins=("https://files.example/",),
        judge=judge,
        pacer=NotedPacer(),
        route=Route(f"http://127.0.0.1:{port}"),
        limits=Limits(attempts=1),
    )
    with pytest.raises(Unreachable) as caught:
        await transport.call(get("https://files.example/a"))
    await transport.close()
    proxy.close()
    told = caught.value.message
    assert told.startswith("the proxy does not let the connection through" if there else "cannot connect to the proxy")
    assert ("403 Forbidden" in told) == there
    assert "url=" not in told
