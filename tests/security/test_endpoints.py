"""Servers that mean no good, at an address that somebody gave: what they get from every service of keys, and can do."""

import base64
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from haulage.cli.output import complain, printable
from haulage.model.errors import HaulageError
from haulage.operations import connectors
from haulage.services.registry import service, services
from haulage.services.transport import CertificateRefused
from haulage.services.webdav import connection
from tests.unit.services.test_transport import certificate

CANARY = "canary-5up3r-53cr37-of-keys"
KEY = base64.b64encode(CANARY.encode()).decode()
HOSTILE = "\x1b[31mgo away\x1b[0m\r\nfake: line <script>alert(1)</script> \u202e"
LONG = HOSTILE + "x" * 1_000_000
BY_HTTP = {
    "s3": lambda url: {"endpoint_url": url, "access_key_id": "AKIA1", "secret_access_key": CANARY},
    "azure-blob": lambda url: {"endpoint_url": f"{url}/acme", "account_name": "acme", "account_key": KEY},
    "gcs": lambda url: {"endpoint_url": url, "project": "p"},
    "webdav": lambda url: {"url": f"{url}/", "username": "ada", "password": CANARY, "allow_http": "yes"},
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Hostile:
    """A server whose answers the test decides. heard: every request that reached it."""

    def __init__(self) -> None:
        self.heard: list[web.Request] = []
        self.handler: Handler | None = None
        self.server: TestServer | None = None

    @property
    def url(self) -> str:
        assert self.server is not None
        return str(self.server.make_url("")).rstrip("/")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.heard.append(request)
        return web.Response(status=500) if self.handler is None else await self.handler(request)


@pytest.fixture
async def hostile(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., Awaitable[Hostile]]]:
    """Starts such servers on free ports."""
    monkeypatch.setenv("HAULAGE_ATTEMPTS", "2")
    monkeypatch.setenv("HAULAGE_BACKOFF_SECONDS", "0.01")
    started: list[TestServer] = []

    async def start(tls: ssl.SSLContext | None = None) -> Hostile:
        made = Hostile()
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", made.handle)
        made.server = TestServer(application, host="127.0.0.1", scheme="https" if tls else "http")
        await made.server.start_server(ssl=tls)
        started.append(made.server)
        return made

    yield start
    for one in started:
        await one.close()


async def asked(service_id: str, url: str) -> HaulageError:
    """The error that checking such a connector ends with."""
    with pytest.raises(HaulageError) as told:
        await connectors.check(service(service_id), BY_HTTP[service_id](url))
    return told.value


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("service_id", BY_HTTP)
async def test_nobody_is_sent_elsewhere(hostile: Any, service_id: str, status: int) -> None:
    """S17: a redirect is followed nowhere, with credentials or without."""
    first, elsewhere = await hostile(), await hostile()

    async def redirect(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": f"{elsewhere.url}{request.path}"})

    first.handler = redirect
    await asked(service_id, first.url)
    assert first.heard
    assert elsewhere.heard == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
@pytest.mark.parametrize("service_id", BY_HTTP)
async def test_what_it_says_is_quoted_shortly_and_safely(
    hostile: Any, service_id: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """S19: a thousand characters at most, nothing that a terminal would obey, and no secret."""
    server = await hostile()
    body = f"<Error><Code>{HOSTILE[:3]}</Code><Message>{LONG}</Message></Error>"

    async def shout(request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, reason="go away", headers={"x-ms-error-code": "x" * 3000})

    server.handler = shout
    try:
        said = (await connectors.check(service(service_id), BY_HTTP[service_id](server.url))).told
        assert status == 403  # keys that may not list are good keys
    except HaulageError as error:
        said = error.message
        assert len(error.fix) <= 1000
        complain(error, as_json=False)
        complain(error, as_json=True)
    assert len(said) <= 1300
    told = capsys.readouterr()
    for shown in (told.out, told.err, printable(said)):
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown)
        assert CANARY not in shown and KEY not in shown


@pytest.mark.parametrize("service_id", BY_HTTP)
async def test_an_answer_without_end(hostile: Any, service_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """S21: it is not read for ever, and not kept. (WebDAV has no pages, so its bound is a high one.)"""
    monkeypatch.setattr(connection, "LARGEST_LISTING_BYTES", 16 * 1024 * 1024)
    server, sent = await hostile(), 0

    async def flood(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        answer = web.StreamResponse()
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        piece = b"<a>" * 100_000
        for _ in range(300):
            await answer.write(piece)
            sent += len(piece)
        return answer

    server.handler = flood
    await asked(service_id, server.url)
    assert sent < 80 * 1024 * 1024


@pytest.mark.parametrize("service_id", BY_HTTP)
async def test_a_certificate_that_nobody_vouches_for(hostile: Any, service_id: str, tmp_path: Path) -> None:
    """S20: it gets no request at all."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate(tmp_path))
    server = await hostile(tls)
    assert isinstance(await asked(service_id, server.url), CertificateRefused)
    assert server.heard == []


def test_no_setting_turns_the_check_of_certificates_off() -> None:
    """S20: of no service."""
    names = [field.name for one in services().values() for field in one.fields]
    assert len(names) > 60
    assert [name for name in names if re.search("insecure|verify|skip|self.?signed", name)] == []


@pytest.mark.parametrize("service_id", BY_HTTP)
async def test_a_proxy_of_the_environment_sees_nothing(
    hostile: Any, service_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S21: calls go to the endpoint itself; the only proxy there is, is a realm's, which an operator names."""
    server, proxy = await hostile(), await hostile()
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv(name.lower(), proxy.url)
    await asked(service_id, server.url)
    assert server.heard
    assert proxy.heard == []
