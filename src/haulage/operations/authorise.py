"""Signing in: a connector is authorised, or authorised again, by one of the ways that its service declares.

Every way ends the same: tokens are had, the account is asked who it is, and only then anything is kept.
"""

import asyncio
import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

from haulage.connectors import oauth as messages
from haulage.connectors import sealing
from haulage.connectors.exchange import TAKEN_NO_MORE, Exchange, GrantEnded, StillWaiting
from haulage.connectors.oauth import Granted, Message
from haulage.connectors.realms import LIVE, Realm
from haulage.connectors.tokens import as_tokens
from haulage.ledger import authorisations as pending_rows
from haulage.ledger import connectors as rows
from haulage.ledger.audit import Actor
from haulage.ledger.authorisations import Pending
from haulage.ledger.codec import dump, load
from haulage.ledger.connectors import ConnectorRow
from haulage.ledger.store import Connection, Ledger, now_us
from haulage.logs import keep_secret
from haulage.model.errors import ConsentPending, Refused, ScopeMissing, Transient, Unreachable
from haulage.operations import accounts, connectors
from haulage.operations.connectors import Standing
from haulage.operations.realms import realm_of
from haulage.operations.vaults import vault_of
from haulage.services.authorisation import AccessKind, Authorisation, Identity, Way, WayId
from haulage.services.declaration import Service
from haulage.services.registry import service

SIGN_IN_SECONDS = 600
LOOPBACK_PORT = 28437
SLOWER_SECONDS = 5.0
CHECK_BOTH = "Check user name and password; a user of single sign-on has no password of this service."


class Draft(msgspec.Struct, frozen=True):
    """What is to be authorised. name: empty for one after the account. settings: all, secrets among them.

    connector: the number of the one that is authorised again.
    """

    service: str
    settings: dict[str, str]
    way: WayId
    usage: AccessKind
    realm: str
    name: str = ""
    connector: int | None = None

    def __repr__(self) -> str:
        """Without the settings."""
        return f"Draft({self.service!r}, {self.way!r})"


class Kept(msgspec.Struct, frozen=True):
    """A connector as it was authorised. wider: scopes that were granted without having been asked for."""

    row: ConnectorRow
    identity: Identity
    wider: tuple[str, ...]


def draft(
    ledger: Ledger,
    chosen: Service,
    settings: Mapping[str, str],
    *,
    name: str = "",
    way: str | None = None,
    usage: AccessKind = "read",
    realm: str = "live",
) -> Draft:
    """A connector to be added. Raises Refused for what can never be authorised, before anybody is asked."""
    if name:
        connectors.check_name(ledger, name)
    how = accounts.signing_in(chosen)
    where = realm_of(ledger, realm)
    fields = {field.name: field for field in chosen.fields}
    given = {key: value for key, value in settings.items() if value}
    told = _told(chosen, where, given)
    whole = {**{key: field.default for key, field in fields.items() if field.default}, **told, **given}
    settled = how.settle(whole) if how.settle is not None else dict(whole)
    keep_secret(settled.get(field.name, "") for field in chosen.fields if field.secret)
    picked = _way(chosen, how, settled, way, given)
    connectors.check_settings(chosen, settled)
    return Draft(chosen.id, settled, picked.id, usage, realm, name)


def again(
    ledger: Ledger, name: str, changes: Mapping[str, str], *, way: str | None = None, usage: AccessKind | None = None
) -> Draft:
    """A connector to be authorised again, as it was but for the changes. Raises Refused, VaultError."""
    row = ledger.read(rows.get, name)
    connectors.check_alive(row)
    chosen = service(row.service)
    how = accounts.signing_in(chosen)
    where = realm_of(ledger, row.realm)
    known = connectors.changed(ledger, row, chosen, changes)
    whole = {**_told(chosen, where, known), **known}
    settled = how.settle(whole) if how.settle is not None else whole
    keep_secret(settled.get(field.name, "") for field in chosen.fields if field.secret)
    picked = _way(chosen, how, settled, way or (row.way if row.sealed or row.way in ("code", "device") else None), {})
    connectors.check_settings(chosen, settled)
    kind: AccessKind = usage or ("write" if row.usage == "write" else "read")
    return Draft(row.service, settled, picked.id, kind, row.realm, row.name, row.id)


def _told(chosen: Service, where: Realm, given: Mapping[str, str]) -> dict[str, str]:
    """What a realm tells of an application; of another application than its own, no secret."""
    fields = {field.name: field for field in chosen.fields}
    told = {key: value for key, value in where.told(chosen.id).items() if key in fields}
    if any(given.get(key, value) != value for key, value in told.items() if not fields[key].secret):
        return {key: value for key, value in told.items() if not fields[key].secret}
    return told


def _way(
    chosen: Service, how: Authorisation, settings: Mapping[str, str], wanted: str | None, given: Mapping[str, str]
) -> Way:
    """The way that was asked for, else the first one that has all it needs."""
    if wanted is not None:
        found = next((one for one in how.ways if one.id == wanted), None)
        if found is None:
            ways = ", ".join(one.id for one in how.ways)
            raise Refused(f"{chosen.title} cannot be authorised by {wanted!r}", f"Choose from {ways}.")
        missing = [name for name in found.needs if not settings.get(name)]
    else:
        found = next((one for one in how.ways if all(settings.get(name) for name in one.needs)), None)
        if found is not None:
            return found
        found = how.ways[-1]
        missing = [name for name in found.needs if not settings.get(name)]
    if missing:
        titles = {field.name: field.title for field in chosen.fields}
        named = ", ".join(f"{titles[name]} ({name})" for name in missing)
        raise Refused(f"missing: {named}", f"See the guide {how.guide}, and `haulage connectors services`.")
    return found


def _exchange(ledger: Ledger, made: Draft) -> Exchange:
    how = accounts.signing_in(service(made.service))
    hosts = tuple(messages.filled(host, made.settings) for host in how.oauth.hosts)
    return Exchange(how.oauth, hosts, realm_of(ledger, made.realm).route)


def _scopes(made: Draft) -> tuple[str, ...]:
    return accounts.signing_in(service(made.service)).oauth.scopes(made.usage, made.way)


# --- without a person at the service


async def by_itself(ledger: Ledger, made: Draft, actor: Actor) -> Kept:
    """Authorise by the application's own consent, a signed assertion or an internal application's password."""
    how = accounts.signing_in(service(made.service))
    message = messages.own_message(how.oauth, made.settings, made.way, _scopes(made))
    with _consenting(ledger, made):
        try:
            granted = await _asked(_exchange(ledger, made), message)
        except GrantEnded as error:
            if made.way != "password":
                raise
            raise GrantEnded(error.message.replace(TAKEN_NO_MORE, "does not take this sign-in"), CHECK_BOTH) from error
        return await _kept(ledger, made, granted, actor)


async def _asked(exchange: Exchange, message: Message) -> Granted:
    try:
        return await exchange.granted(message)
    except Transient as error:
        raise Unreachable(error.message, error.fix) from error


# --- with a browser


class Begun(msgspec.Struct, frozen=True):
    """A sign-in that a person has to finish at `url` by then."""

    url: str
    redirect: str
    expires_us: int


def loopback_port(environment: Mapping[str, str] | None = None) -> int:
    """The fixed port of redirects to this machine: HAULAGE_LOOPBACK_PORT. Raises Refused."""
    text = (os.environ if environment is None else environment).get("HAULAGE_LOOPBACK_PORT") or str(LOOPBACK_PORT)
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise Refused(f"HAULAGE_LOOPBACK_PORT is {text!r}, which is no port", "Correct or unset it.")
    return int(text)


def redirect_to_here(chosen: Service, port: int, *, pasted: bool = False) -> str:
    """The redirect of a program on this machine; every service has a path of its own (S03).

    pasted: nobody listens there, and the address at which the browser ends is pasted.
    """
    oauth = accounts.signing_in(chosen).oauth
    scheme = "https" if pasted and oauth.loopback == "pasted" else "http"
    return f"{scheme}://{oauth.loopback_host}:{port}/oauth/callback/{chosen.id}"


def has_to_be_pasted(made: Draft) -> bool:
    """Whether no program on this machine can be sent the answer. A sandbox knows http addresses of this machine too."""
    return made.realm == LIVE and accounts.signing_in(service(made.service)).oauth.loopback == "pasted"


def begin(ledger: Ledger, made: Draft, redirect: str, actor: Actor, session: str) -> Begun:
    """Begin a sign-in: whoever comes back with its state, once and in time, from that session, can finish it (S02)."""
    how = accounts.signing_in(service(made.service))
    if redirect.startswith("http:") and has_to_be_pasted(made):
        raise Refused(
            f"{service(made.service).title} sends browsers back to https addresses only, and this is {redirect}",
            "Whoever runs this server gives it an https address; on the command line, the answer can be pasted.",
        )
    state, verifier = messages.new_state(), messages.new_verifier()
    expires_us = now_us() + SIGN_IN_SECONDS * 1_000_000
    whose = _whose(made.service, actor, session)
    held = {"draft": dump(msgspec.structs.asdict(made)), "verifier": verifier, "redirect": redirect}
    keep_secret((state, verifier))

    def keep(connection: Connection) -> None:
        hashed = _hashed(state)
        sealed = vault_of(ledger).seal(held, sealing.other(connection, "sign-in", hashed, dump(whose)))
        pending_rows.begin(connection, hashed, Pending(whose, sealed, expires_us), now_us())

    ledger.do(keep)
    url = messages.authorize_url(how.oauth, made.settings, _scopes(made), redirect, state, verifier)
    return Begun(url, redirect, expires_us)


def _whose(service_id: str, actor: Actor, session: str) -> dict[str, Any]:
    return {"service": service_id, "who": actor.who, "session": session}


def _hashed(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


async def finish(ledger: Ledger, service_id: str, url: str, actor: Actor, session: str) -> Kept:
    """Finish a sign-in by the address that the service sent the browser back to.

    service_id: as the path of the redirect says it; another service's answer is refused (S03). Raises Refused where
    the state is unknown, used, too old or another session's, without asking the service for anything.
    """
    how = accounts.signing_in(service(service_id))
    answered = messages.read_redirect(how.oauth, url)
    hashed, whose = _hashed(answered.state), _whose(service_id, actor, session)

    def take(connection: Connection) -> dict[str, str] | None:
        pending = pending_rows.take(connection, hashed, whose, now_us())
        if pending is None:
            return None
        bound = sealing.other(connection, "sign-in", hashed, dump(pending.bound))
        return vault_of(ledger).open(pending.sealed, bound)

    held = await ledger.run(take)
    if held is None:
        raise Refused("the answer belongs to no sign-in that is under way here", "Start again; it has ten minutes.")
    made = msgspec.convert(load(held["draft"]), Draft)
    message = messages.code_message(
        how.oauth, made.settings, made.way, answered.code, held["redirect"], held["verifier"]
    )
    keep_secret((answered.code,))
    with _consenting(ledger, made):
        return await _kept(ledger, made, await _asked(_exchange(ledger, made), message), actor)


def consent_url(ledger: Ledger, made: Draft) -> str | None:
    """Where an administrator consents to the application for the organisation; None where there is no such page."""
    oauth = accounts.signing_in(service(made.service)).oauth
    if not oauth.admin_consent_url:
        return None
    redirect = redirect_to_here(service(made.service), loopback_port())
    return messages.admin_consent_url(oauth, made.settings, redirect, messages.new_state())


@contextmanager
def _consenting(ledger: Ledger, made: Draft) -> Iterator[None]:
    """Where an administrator has to consent first, the error says at which address."""
    try:
        yield
    except ConsentPending as error:
        if (url := consent_url(ledger, made)) is None:
            raise
        raise ConsentPending(error.message, f"{error.fix} That is done at {url}") from error


# --- on another device


class DeviceSignIn(msgspec.Struct, frozen=True):
    """What a person types where. seconds: how long it is good for."""

    code: str
    url: str
    seconds: float
    interval: float
    device_code: str

    def __repr__(self) -> str:
        """Without the device code."""
        return f"DeviceSignIn({self.url!r})"


async def begin_device(ledger: Ledger, made: Draft) -> DeviceSignIn:
    """Begin a sign-in on another device. Raises Refused where the service knows none."""
    how = accounts.signing_in(service(made.service))
    if not how.oauth.device_url:
        raise Refused("this service knows no sign-in on another device", "Use --paste instead.")
    told = await _exchange(ledger, made).told(messages.device_message(how.oauth, made.settings, _scopes(made)))
    try:
        shown = str(told.get("verification_uri") or told["verification_url"])
        found = DeviceSignIn(
            str(told["user_code"]),
            shown,
            float(told["expires_in"]),
            float(told.get("interval", 5)),
            str(told["device_code"]),
        )
    except (KeyError, TypeError, ValueError):
        raise Unreachable("the service began no sign-in that can be read") from None
    keep_secret((found.device_code,))
    return found


async def finish_device(ledger: Ledger, made: Draft, begun: DeviceSignIn, actor: Actor) -> Kept:
    """Ask until the person has signed in, as often as the service wants to be asked."""
    how = accounts.signing_in(service(made.service))
    exchange, wait, until = _exchange(ledger, made), begun.interval, time.monotonic() + begun.seconds
    while time.monotonic() < until:
        await asyncio.sleep(wait)
        try:
            granted = await exchange.granted(messages.poll_message(how.oauth, made.settings, begun.device_code))
        except StillWaiting as error:
            wait += SLOWER_SECONDS if error.slower else 0.0
        except (Transient, Unreachable):
            wait += 1.0
        else:
            with _consenting(ledger, made):
                return await _kept(ledger, made, granted, actor)
    raise GrantEnded("nobody signed in in time", "Start again.")


# --- what every way ends with


async def _kept(ledger: Ledger, made: Draft, granted: Granted, actor: Actor) -> Kept:
    """Compare what was granted, ask who it is, and keep the connector. Nothing is kept where one of them refuses."""
    keep_secret((granted.access, granted.refresh))
    chosen = service(made.service)
    how = accounts.signing_in(chosen)
    missing, wider = messages.compared(how.oauth, _scopes(made), granted.scopes)
    if missing and made.way in ("code", "device"):
        raise ScopeMissing(f"not granted: {', '.join(sorted(missing))}")
    realm: Realm = realm_of(ledger, made.realm)
    tokens = as_tokens(granted)
    identity = await accounts.who(chosen, made.settings, made.way, tokens, realm.route)
    standing = Standing(made.way, made.usage, made.realm, identity, tokens, granted.scopes)
    if made.connector is None:
        name = made.name or free_name(ledger, identity.name)
        row = connectors.add(ledger, name, chosen, made.settings, actor, standing)
    else:
        before = ledger.read(rows.by_id, made.connector)
        row = connectors.renew(ledger, before, chosen, made.settings, actor, standing)
    return Kept(row, identity, tuple(sorted(wider)) if made.way in ("code", "device") else ())


def free_name(ledger: Ledger, account: str) -> str:
    """A name after the account that is not taken: "ada@example.com", then "ada@example.com 2"."""
    seen = "".join(one for one in account if one.isprintable() and one not in ":/")
    plain = seen.strip().lstrip("-")[:80] or "account"
    number, name = 1, plain
    while ledger.read(rows.taken, name):
        number += 1
        name = f"{plain} {number}"
    return name
