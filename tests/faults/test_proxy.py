"""The proxy does what its rules say: seen from raw sockets, before a server of the standard library."""

import http.client
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import pytest

from testbed.process import ROOT
from testbed.proxy import FaultProxy
from testbed.rules import Answer, End, Rule, Seen, azure_error, cut, extend, flip, s3_error
from testbed.servers import Azurite, SeaweedFS, blob_client, s3_client

BODY = bytes(range(250)) * 4


class Handler(BaseHTTPRequestHandler):
    """GET gives BODY (or the range of it, or chunks), PUT stores; all that arrived is in `server.got`."""

    protocol_version = "HTTP/1.1"
    server: "Upstream"

    def do_GET(self) -> None:
        self.server.got.append(("GET", self.path, dict(self.headers), b""))
        if self.path == "/chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"".join(b"fa\r\n%s\r\n" % BODY[:250] for _ in range(4)) + b"0\r\n\r\n")
            return
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        first, last = (int(asked[1]), int(asked[2])) if asked else (0, len(BODY) - 1)
        self.send_response(206 if asked else 200)
        self.send_header("ETag", '"true"')
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(BODY)}")
        self.send_header("Content-Length", str(last + 1 - first))
        self.end_headers()
        self.wfile.write(BODY[first : last + 1])

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()

    def do_PUT(self) -> None:
        if self.path == "/refused":  # answered before the body, as by a failed precondition
            self.send_response(412)
            self.send_header("Content-Length", "0")
            self.end_headers()
            self.rfile.read(int(self.headers["Content-Length"]))
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append(("PUT", self.path, dict(self.headers), body))
        self.send_response(201)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"done")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the terminal."""


class Upstream(ThreadingHTTPServer):
    """Keeps what arrived; a connection that breaks is what these tests are about, so it is not reported."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[tuple[str, str, dict[str, str], bytes]] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Only a broken connection is expected."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    server = Upstream()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def proxy(upstream: Upstream) -> Iterator[FaultProxy]:
    with FaultProxy(f"http://127.0.0.1:{upstream.server_address[1]}") as running:
        yield running


def dial(proxy: FaultProxy) -> socket.socket:
    """A raw connection to the proxy."""
    return socket.create_connection(("127.0.0.1", int(proxy.url.rsplit(":", 1)[1])), timeout=20)


def talk(proxy: FaultProxy, request: bytes) -> tuple[bytes, str]:
    """Send, read to the end; all that came, and whether the end was a "fin" or a "reset"."""
    received = b""
    with dial(proxy) as link:
        link.sendall(request)
        try:
            while got := link.recv(65536):
                received += got
        except ConnectionResetError:
            return received, "reset"
    return received, "fin"


def get(path: str = "/x", *headers: str) -> bytes:
    """A GET after which the server keeps the connection open."""
    return "\r\n".join((f"GET {path} HTTP/1.1", "Host: somewhere.example:81", *headers, "", "")).encode()


def fetch(
    proxy: FaultProxy, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """One exchange with the standard library's client, which checks the framing."""
    link = http.client.HTTPConnection("127.0.0.1", int(proxy.url.rsplit(":", 1)[1]), timeout=20)
    try:
        link.request(method, path, body=body or None, headers=headers or {})
        answer = link.getresponse()
        return answer.status, dict(answer.headers), answer.read()
    finally:
        link.close()


def payload(received: bytes) -> bytes:
    """What came behind the head."""
    return received.partition(b"\r\n\r\n")[2]


def test_what_is_not_touched_passes_byte_for_byte(proxy: FaultProxy, upstream: Upstream) -> None:
    path = "/a//b/../%2E/%e2%82%ac?x=%20&y"
    assert fetch(proxy, "GET", path, headers={"Host": "signed.example", "X-Odd": "a  b"})[2] == BODY
    [(_, seen_path, headers, _)] = upstream.got
    assert (seen_path, headers["Host"], headers["X-Odd"]) == (path, "signed.example", "a  b")
    [seen] = proxy.log
    assert (seen.path, seen.query, seen.status, seen.bytes_out) == (
        "/a//b/../%2E/%e2%82%ac",
        {"x": " ", "y": ""},
        200,
        len(BODY),
    )


def test_one_connection_serves_many_requests(proxy: FaultProxy) -> None:
    link = http.client.HTTPConnection("127.0.0.1", int(proxy.url.rsplit(":", 1)[1]), timeout=20)
    for method, path in (("GET", "/x"), ("HEAD", "/x"), ("GET", "/chunked"), ("PUT", "/y"), ("GET", "/x")):
        link.request(method, path, body=b"z" * 300_000 if method == "PUT" else None)
        link.getresponse().read()
    link.close()
    assert [seen.connection for seen in proxy.log] == [1] * 5
    assert [seen.bytes_in for seen in proxy.log] == [0, 0, 0, 300_000, 0]


def test_the_nth_request_of_an_operation_is_answered_by_the_rule(proxy: FaultProxy, upstream: Upstream) -> None:
    rule = proxy.add(
        Rule(method="PUT", path="/up$", query={"partNumber": "2"}, skip=1, times=2, answer=s3_error(503, "SlowDown"))
    )
    parts = [fetch(proxy, "PUT", f"/up?partNumber={number}", b"b")[0] for number in (2, 1, 2, 2, 2)]
    assert parts == [201, 201, 503, 503, 201]
    assert (rule.matched, rule.hits, len(upstream.got)) == (4, 2, 3)
    assert len(proxy.seen("PUT", query={"partNumber": "2"})) == 4
    assert proxy.seen(lacks=("partNumber",)) == []


def test_an_answer_of_ones_own_has_its_headers(proxy: FaultProxy) -> None:
    proxy.add(Rule(answer=azure_error(503, "ServerBusy", {"Retry-After": "1.5"})))
    status, headers, body = fetch(proxy, "GET", "/x")
    assert (status, headers["Retry-After"], headers["x-ms-error-code"]) == (503, "1.5", "ServerBusy")
    assert b"<Code>ServerBusy</Code>" in body


def test_an_answer_may_be_made_for_the_request(proxy: FaultProxy) -> None:
    proxy.add(Rule(answer=lambda seen: Answer(200, {}, seen.target.encode())))
    assert fetch(proxy, "GET", "/who?am=i")[2] == b"/who?am=i"


def test_f07_a_write_takes_effect_and_the_client_is_told_it_failed(proxy: FaultProxy, upstream: Upstream) -> None:
    proxy.add(Rule(method="PUT", answer=s3_error(500, "InternalError"), applied=True))
    assert fetch(proxy, "PUT", "/k", b"stored")[0] == 500
    assert [got[3] for got in upstream.got] == [b"stored"]
    assert (proxy.log[0].status, proxy.log[0].upstream_status) == (500, 201)


@pytest.mark.parametrize("how", ["close", "reset"])
def test_f07_a_write_takes_effect_and_its_answer_is_lost(proxy: FaultProxy, upstream: Upstream, how: Any) -> None:
    proxy.add(Rule(method="PUT", answer_ends=End(how)))
    received, end = talk(proxy, b"PUT /k HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nstored")
    assert (received, end) == (b"", "fin" if how == "close" else "reset")
    assert [got[3] for got in upstream.got] == [b"stored"]


def test_f09_reset_in_the_middle_of_a_request(proxy: FaultProxy, upstream: Upstream) -> None:
    proxy.add(Rule(method="PUT", request_ends=End("reset", 100_000)))
    with dial(proxy) as link, pytest.raises((ConnectionResetError, BrokenPipeError)):
        link.sendall(b"PUT /k HTTP/1.1\r\nHost: h\r\nContent-Length: 50000000\r\n\r\n" + bytes(50_000_000))
        link.recv(1)
    assert upstream.got[:1] in ([], [("PUT", "/k", upstream.got[0][2] if upstream.got else {}, bytes(100_000))])
    assert proxy.log[0].bytes_in == 100_000


@pytest.mark.parametrize("how", ["close", "reset"])
def test_f10_the_answer_breaks_after_n_bytes(proxy: FaultProxy, how: Any) -> None:
    proxy.add(Rule(answer_ends=End(how, 700)))
    received, end = talk(proxy, get())
    assert payload(received) == BODY[:700]
    assert b"Content-Length: 1000" in received
    assert end == ("fin" if how == "close" else "reset")
    assert proxy.log[0].bytes_out == 700


def test_f11_a_short_body_under_the_right_length(proxy: FaultProxy) -> None:
    proxy.add(Rule(body=cut(10)))
    received, end = talk(proxy, get())
    assert (payload(received), end) == (BODY[:10], "fin")
    assert b"Content-Length: 1000" in received


def test_f12_a_short_body_that_looks_complete(proxy: FaultProxy) -> None:
    framings: tuple[Literal["fits", "close", "chunked"], ...] = ("fits", "close", "chunked")
    for framing in framings:
        proxy.add(Rule(body=cut(10), framing=framing))
        assert fetch(proxy, "GET", "/x")[2] == BODY[:10], framing


def test_f12_chunks_without_an_end(proxy: FaultProxy) -> None:
    proxy.add(Rule(framing="chunked_cut"))
    received, end = talk(proxy, get())
    assert payload(received) == b"3e8\r\n" + BODY + b"\r\n"
    assert end == "fin"


def test_chunks_of_the_server_are_cut_within_a_chunk(proxy: FaultProxy) -> None:
    proxy.add(Rule(path="/chunked", answer_ends=End("close", 300)))
    received, _ = talk(proxy, get("/chunked"))
    assert payload(received) == b"fa\r\n" + BODY[:250] + b"\r\nfa\r\n" + BODY[:50]


def test_f13_a_body_longer_than_said(proxy: FaultProxy) -> None:
    proxy.add(Rule(body=extend(b"more")))
    assert payload(talk(proxy, get())[0]) == BODY + b"more"
    proxy.add(Rule(body=extend(b"more"), framing="fits"))
    assert fetch(proxy, "GET", "/x")[2] == BODY + b"more"


@pytest.mark.parametrize("after", [None, 0, 500])
def test_f14_the_answer_stalls(proxy: FaultProxy, after: int | None) -> None:
    proxy.add(Rule(answer_ends=End("stall", after)))
    received = b""
    with dial(proxy) as link:
        link.sendall(get())
        link.settimeout(0.5)
        with pytest.raises(TimeoutError):
            while True:
                received += link.recv(65536)
    assert payload(received) == BODY[: after or 0]
    assert bool(received) == (after is not None)


def test_f14_the_request_stalls(proxy: FaultProxy) -> None:
    proxy.add(Rule(method="PUT", request_ends=End("stall", 1000)))
    with dial(proxy) as link:
        link.settimeout(0.5)
        with pytest.raises(TimeoutError):
            link.sendall(b"PUT /k HTTP/1.1\r\nHost: h\r\nContent-Length: 90000000\r\n\r\n" + bytes(90_000_000))
    assert fetch(proxy, "GET", "/x")[0] == 200


def test_f15_the_answer_trickles(proxy: FaultProxy) -> None:
    proxy.add(Rule(rate=2000))
    began = time.monotonic()
    assert fetch(proxy, "GET", "/x")[2] == BODY
    assert 0.4 < time.monotonic() - began < 3


def test_f16_a_wrong_bit_and_a_wrong_checksum(proxy: FaultProxy) -> None:
    proxy.add(Rule(body=flip(500), headers={"ETag": '"other"'}))
    _, headers, body = fetch(proxy, "GET", "/x")
    assert headers["ETag"] == '"other"'
    assert [at for at in range(len(BODY)) if body[at] != BODY[at]] == [500]


def test_a_wrong_bit_on_the_way_up(proxy: FaultProxy, upstream: Upstream) -> None:
    proxy.add(Rule(method="PUT", request_body=flip(-1)))
    assert fetch(proxy, "PUT", "/k", b"aaaa")[0] == 201
    assert upstream.got[0][3] == b"aaa`"


def test_f17_the_range_is_ignored(proxy: FaultProxy) -> None:
    ranged = {"Range": "bytes=10-19"}
    assert fetch(proxy, "GET", "/x", headers=ranged)[2] == BODY[10:20]
    proxy.add(Rule(strip=("range",)))
    status, _, body = fetch(proxy, "GET", "/x", headers=ranged)
    assert (status, body) == (200, BODY)


def test_f17_another_range_than_asked(proxy: FaultProxy) -> None:
    proxy.add(Rule(headers={"Content-Range": "bytes 0-9/1000"}))
    _, headers, body = fetch(proxy, "GET", "/x", headers={"Range": "bytes=10-19"})
    assert (headers["Content-Range"], body) == ("bytes 0-9/1000", BODY[10:20])


def test_a_status_and_a_missing_length(proxy: FaultProxy) -> None:
    proxy.add(Rule(status=206, headers={"Content-Length": None}))
    received, end = talk(proxy, get())
    assert received.startswith(b"HTTP/1.1 206 ")
    assert b"content-length" not in received.lower()
    assert (payload(received), end) == (BODY, "fin")


def test_f28_f29_a_page_comes_twice(proxy: FaultProxy) -> None:
    pages = iter([b"one", b"two", b"three"])
    proxy.add(Rule(query={"list-type": "2"}, skip=1, times=1, repeat=True))
    proxy.add(Rule(query={"list-type": "2"}, times=None, body=lambda _: next(pages), framing="fits"))
    # The second rule acts on what the first lets through, so the first has the server's own page to repeat.
    bodies = [fetch(proxy, "GET", f"/b?list-type=2&n={n}")[2] for n in range(3)]
    assert bodies == [b"one", BODY, b"two"]
    assert [seen.upstream_status for seen in proxy.log] == [200, None, 200]


def test_f31_the_world_changes_before_and_after_the_server_answers(proxy: FaultProxy, upstream: Upstream) -> None:
    order: list[tuple[str, int]] = []
    proxy.add(
        Rule(
            before=lambda seen: order.append(("before", len(upstream.got))),
            after=lambda seen: order.append(("after", len(upstream.got))),
        )
    )
    fetch(proxy, "GET", "/x")
    assert order == [("before", 0), ("after", 1)]


async def test_a_request_is_held_until_the_test_lets_it_go(upstream: Upstream) -> None:
    import asyncio

    async with FaultProxy(f"http://127.0.0.1:{upstream.server_address[1]}") as proxy:
        rule = proxy.add(Rule(hold=threading.Event()))
        asked = asyncio.create_task(asyncio.to_thread(fetch, proxy, "GET", "/x"))
        await proxy.until(lambda: rule.hits == 1)
        await asyncio.sleep(0.1)
        assert upstream.got == [] and not asked.done()
        assert rule.hold is not None
        rule.hold.set()
        assert (await asked)[2] == BODY


def test_latency_and_delay_are_added(proxy: FaultProxy) -> None:
    proxy.latency = 0.2
    proxy.add(Rule(delay=0.1, answer_delay=0.1))
    began = time.monotonic()
    fetch(proxy, "GET", "/x")
    assert 0.6 <= time.monotonic() - began < 3  # the connection, there and back, and the rule's own two


def test_bandwidth_is_shared_by_all_connections(proxy: FaultProxy) -> None:
    proxy.up.rate = 200_000
    began = time.monotonic()
    senders = [threading.Thread(target=fetch, args=(proxy, "PUT", "/k", bytes(50_000))) for _ in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert 0.9 < time.monotonic() - began < 5


def test_nothing_is_there(proxy: FaultProxy) -> None:
    proxy.gone = True
    assert talk(proxy, get()) == (b"", "reset")
    proxy.gone = False
    assert fetch(proxy, "GET", "/x")[0] == 200


def test_an_answer_before_the_whole_request_is_passed_on(proxy: FaultProxy) -> None:
    received, _ = talk(proxy, b"PUT /refused HTTP/1.1\r\nHost: h\r\nContent-Length: 8000000\r\n\r\n" + bytes(8_000_000))
    assert received.startswith(b"HTTP/1.1 412 ")


def test_100_continue_is_passed_on(proxy: FaultProxy, upstream: Upstream) -> None:
    with dial(proxy) as link:
        link.sendall(b"PUT /k HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert link.recv(100).startswith(b"HTTP/1.1 100 ")
        link.sendall(b"ab")
        assert link.recv(1000).startswith(b"HTTP/1.1 201 ")
    assert upstream.got[0][3] == b"ab"


def test_a_mistake_in_a_rule_fails_the_test(upstream: Upstream) -> None:
    def broken(seen: Seen) -> None:
        raise LookupError("a rule's own")

    with pytest.raises(LookupError), FaultProxy(f"http://127.0.0.1:{upstream.server_address[1]}") as proxy:
        proxy.add(Rule(before=broken))
        talk(proxy, get())


def test_as_a_process_with_a_rule_and_a_log(upstream: Upstream, tmp_path: Any) -> None:
    rule = {"method": "PUT", "answer": {"status": 503, "headers": {"Retry-After": "1"}}, "times": 1}
    command = [sys.executable, "-m", "testbed.proxy", "--upstream", f"http://127.0.0.1:{upstream.server_address[1]}"]
    command += ["--latency", "0.01", "--rule", json.dumps(rule), "--log", str(tmp_path / "log")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rsplit(":", 1)[1])
        for want in (503, 201):
            link = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            link.request("PUT", "/k", body=b"abc")
            assert link.getresponse().status == want
            link.close()
        process.terminate()
        assert process.wait() == 0
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [(line["status"], line["bytes_in"], line["faulty"]) for line in lines] == [(503, 3, True), (201, 3, False)]


def test_signatures_hold_through_the_proxy(seaweed: SeaweedFS, bucket: str) -> None:
    with FaultProxy(seaweed.endpoint_url) as proxy:
        client = s3_client(seaweed, proxy.url)
        client.create_bucket(Bucket=bucket)
        client.put_object(Bucket=bucket, Key="a b/ü+%", Body=b"x" * 100_000)
        assert client.get_object(Bucket=bucket, Key="a b/ü+%", Range="bytes=5-9")["Body"].read() == b"xxxxx"
        assert [seen.status for seen in proxy.log] == [200, 200, 206]


def test_shared_keys_hold_through_the_proxy(azurite: Azurite, container: str) -> None:
    with FaultProxy(azurite.endpoint_url) as proxy:
        made = blob_client(azurite, proxy.url).create_container(container)
        made.upload_blob("a b/ü+%", b"bytes")
        assert made.download_blob("a b/ü+%").readall() == b"bytes"
        assert {seen.status for seen in proxy.log} <= {200, 201, 206}
