"""Signing in on the command line: by a browser on this machine, by pasting an address, or on another device."""

import asyncio
import getpass
import secrets
import sys
import webbrowser
from typing import Any

from haulage.cli.loopback import listening
from haulage.cli.output import printable, say_json
from haulage.ledger.audit import Actor
from haulage.ledger.store import Ledger
from haulage.model.errors import HaulageError, Refused
from haulage.operations import accounts, authorise
from haulage.operations.authorise import Draft, Kept
from haulage.services.registry import service


def actor() -> Actor:
    """Whoever runs the program."""
    try:
        return Actor(getpass.getuser(), "cli")
    except (KeyError, OSError):  # a user without a name
        return Actor("local", "cli")


async def sign_in(ledger: Ledger, made: Draft, *, device: bool, paste: bool, browser: bool, as_json: bool) -> Kept:
    """Authorise a draft by its way. What a person has to do is told on standard error, or as events."""
    if made.way not in ("code", "device"):
        return await authorise.by_itself(ledger, made, actor())
    if device or made.way == "device":
        return await _on_another_device(ledger, made, as_json)
    if paste or authorise.has_to_be_pasted(made):
        return await _pasted(ledger, made, as_json)
    return await _in_browser(ledger, made, browser, as_json)


def _tell(ledger: Ledger, made: Draft, as_json: bool, text: str, **facts: Any) -> None:
    """What a person has to do; and where an administrator consents, if the service asks for that."""
    consent = authorise.consent_url(ledger, made)
    if as_json:
        say_json({"event": "sign_in", **facts, **({"consent_url": consent} if consent else {})})
    else:
        sys.stderr.write(f"{text}\n")
        if consent:
            told = "If it asks for an administrator's approval, an administrator of the organisation gives it at"
            sys.stderr.write(f"{told}\n{consent}\n")
        sys.stderr.flush()


async def _in_browser(ledger: Ledger, made: Draft, browser: bool, as_json: bool) -> Kept:
    chosen = service(made.service)
    oauth = accounts.signing_in(chosen).oauth
    port = 0 if oauth.loopback == "any" else authorise.loopback_port()
    session = secrets.token_hex(16)
    path = f"/oauth/callback/{chosen.id}"
    async with listening(oauth.loopback_host, port, path) as listener:
        redirect = authorise.redirect_to_here(chosen, listener.port)
        begun = authorise.begin(ledger, made, redirect, actor(), session)
        _tell(ledger, made, as_json, f"Sign in at {chosen.title}:\n{begun.url}", url=begun.url, redirect=redirect)
        if browser:
            await asyncio.to_thread(webbrowser.open, begun.url)
        try:
            async with asyncio.timeout(authorise.SIGN_IN_SECONDS):
                address = await listener.redirected()
        except TimeoutError:
            raise Refused("nobody signed in within ten minutes", "Start again.") from None
        try:
            kept = await authorise.finish(ledger, chosen.id, address, actor(), session)
        except HaulageError as error:
            await listener.show("Not connected", f"{error.message}. {error.fix}")
            raise
        await listener.show("Connected", f"{kept.identity.name} is connected. This window can be closed.")
        return kept


async def _pasted(ledger: Ledger, made: Draft, as_json: bool) -> Kept:
    chosen = service(made.service)
    session = secrets.token_hex(16)
    redirect = authorise.redirect_to_here(chosen, authorise.loopback_port(), pasted=True)
    begun = authorise.begin(ledger, made, redirect, actor(), session)
    told = (
        f"Open this address in any browser, and sign in at {chosen.title}:\n{begun.url}\n"
        "The browser then shows an address that it cannot open. Paste that whole address here:"
    )
    _tell(ledger, made, as_json, told, url=begun.url, redirect=redirect)
    address = (await asyncio.to_thread(sys.stdin.readline)).strip()
    if not address:
        raise Refused("no address was pasted", "Start again.")
    return await authorise.finish(ledger, chosen.id, address, actor(), session)


async def _on_another_device(ledger: Ledger, made: Draft, as_json: bool) -> Kept:
    begun = await authorise.begin_device(ledger, made)
    told = f"Open {printable(begun.url)} on any device, and type the code {printable(begun.code)}"
    _tell(ledger, made, as_json, told, url=begun.url, code=begun.code)
    return await authorise.finish_device(ledger, made, begun, actor())
