"""`haulage up`: the web application, with everything in this one process."""

import asyncio
import getpass
import socket
import sys
import webbrowser
from typing import Any

import uvicorn

from haulage.cli.choices import Flag, Json
from haulage.cli.copy import loop_factory
from haulage.cli.output import Exit, say_json
from haulage.ledger.store import Ledger
from haulage.model.errors import Refused
from haulage.operations import elsewhere, notices, people, vaults
from haulage.operations.home import open_ledger
from haulage.services.transport import guard
from haulage.web.app import make_app
from haulage.web.patience import Patient
from haulage.web.settings import PORT, Settings, checked


def up(
    *,
    port: int = PORT,
    public_url: str = "",
    bind: str = "127.0.0.1",
    no_browser: Flag = False,
    json: Json = False,
) -> int:
    """Serve the web application on this machine, until Ctrl-C or SIGTERM.

    Args:
        port: Where it listens; 0 for any free port.
        public_url: How browsers reach it, where that is not http://localhost:PORT: the https address of a proxy.
        bind: The address to listen on. Another than this machine's own wants an https --public-url.
        no_browser: Open no browser.
    """
    if bind not in ("127.0.0.1", "::1") and not public_url.startswith("https://"):
        raise Refused(
            f"{bind} can be reached by other machines, and nothing would be encrypted",
            "Put a proxy with a certificate before it, and give its https address as --public-url.",
        )
    for check in (notices.post, elsewhere.elsewhere):
        check()  # what is set up wrongly is told now, not to whoever signs in
    if guard.guard() is None:
        guard.set_guard(guard.Guard())
    ledger = open_ledger()
    try:
        vaults.ready(ledger)
        listener = _listen(bind, port)
        here = f"http://localhost:{listener.getsockname()[1]}"
        settings = checked(public_url or here, _user())
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_serve(ledger, settings, listener, browser=not no_browser and sys.stdout.isatty(), as_json=json))
    finally:
        ledger.close()
    return Exit.OK


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        return "local"


def _listen(bind: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((bind, port))
    except OSError as error:
        listener.close()
        raise Refused(f"port {port} cannot be listened on: {error.strerror}", "Choose another with --port.") from None
    return listener


async def _serve(ledger: Ledger, settings: Settings, listener: socket.socket, *, browser: bool, as_json: bool) -> None:
    config = uvicorn.Config(
        make_app(ledger, settings),
        http=Patient,
        ws="none",
        log_config=None,
        access_log=False,  # addresses hold one-time keys and codes
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=5,
        limit_concurrency=500,
        h11_max_incomplete_event_size=64 * 1024,
    )
    server = uvicorn.Server(config)
    listener.listen(128)  # whoever opens the link before the server accepts is served in a moment
    _tell(ledger, settings, browser=browser, as_json=as_json)
    await server.serve(sockets=[listener])


def _tell(ledger: Ledger, settings: Settings, *, browser: bool, as_json: bool) -> None:
    """Where it is; and, while nobody can sign in yet, the link with which the first administrator begins."""
    key = people.first_claim(ledger, settings.local_user)
    link = f"{settings.public_url}/claim/{key}" if key else None
    facts: dict[str, Any] = {"event": "up", "url": settings.public_url, "claim": link}
    if as_json:
        say_json(facts)
    else:
        told = [f"Haulage is up: {settings.public_url}"]
        if link:
            told += ["Begin here, as the first administrator; the link is good once, within the hour:", f"  {link}"]
        sys.stdout.write("\n".join([*told, "Ctrl-C stops it; what runs is paused.", ""]))
        sys.stdout.flush()
    if browser:
        webbrowser.open(link or settings.public_url)
