"""Signing in to Haulage through an organisation's own sign-in (OpenID Connect), by configuration.

Whom it means is (issuer, subject), never a name or an e-mail address (S30): a person is connected with it once, by the
one-time link with which they begin or on their own account page.
"""

import os
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from haulage.connectors import oidc, sealing
from haulage.connectors.oauth import new_state, new_verifier
from haulage.ledger import audit, people, sessions
from haulage.ledger import authorisations as pending_rows
from haulage.ledger.audit import Actor
from haulage.ledger.authorisations import Pending
from haulage.ledger.codec import dump
from haulage.ledger.store import Connection, Ledger, now_us
from haulage.logs import keep_secret
from haulage.model.errors import Refused, SignInRefused
from haulage.model.person import Person
from haulage.operations.people import key_hash
from haulage.operations.realms import realm_of
from haulage.operations.vaults import vault_of

MINUTES_10_US = 600 * 1_000_000
CALLBACK = "/sign-in/callback"
ANSWER_OF_NOBODY = "the answer belongs to no sign-in that is under way here"


class Elsewhere(msgspec.Struct, frozen=True):
    """Where it is. title: as people know it. realm: a sandbox's, for rehearsals."""

    issuer: str
    client_id: str
    client_secret: str
    title: str
    realm: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Elsewhere({self.issuer!r})"


class Purpose(msgspec.Struct, frozen=True):
    """What somebody signs in for: claim: the key of their one-time link; person: to be connected; else to be let in."""

    next: str = "/"
    claim: str = ""
    person: int = 0


def elsewhere(environment: Mapping[str, str] | None = None) -> Elsewhere | None:
    """What HAULAGE_OIDC_ISSUER and its like say. None where there is no issuer. Raises Refused."""
    found = os.environ if environment is None else environment
    issuer = found.get("HAULAGE_OIDC_ISSUER", "")
    if not issuer:
        return None
    secret = found.get("HAULAGE_OIDC_CLIENT_SECRET", "")
    client_id = found.get("HAULAGE_OIDC_CLIENT_ID", "")
    if not issuer.startswith("https://") or not client_id:
        raise Refused(
            "signing in elsewhere is not set up",
            "Set HAULAGE_OIDC_ISSUER to an https address, and HAULAGE_OIDC_CLIENT_ID.",
        )
    keep_secret([secret] if secret else [])
    title = found.get("HAULAGE_OIDC_TITLE") or (urlsplit(issuer).hostname or issuer)
    return Elsewhere(issuer, client_id, secret, title, found.get("HAULAGE_OIDC_REALM") or "live")


async def begin(ledger: Ledger, at: Elsewhere, purpose: Purpose, public_url: str, browser: str) -> str:
    """The address where a person signs in. browser: what only this browser's cookie tells (S02). Raises Unreachable."""
    provider = await oidc.discover(at.issuer, realm_of(ledger, at.realm).route)
    state, verifier, nonce = new_state(), new_verifier(), secrets.token_urlsafe(32)
    keep_secret((state, verifier, nonce))
    held = {"verifier": verifier, "nonce": nonce, "purpose": dump(msgspec.structs.asdict(purpose))}
    hashed, whose = key_hash(state), _whose(browser)

    def keep(connection: Connection) -> None:
        sealed = vault_of(ledger).seal(held, sealing.other(connection, "sign-in", hashed, dump(whose)))
        pending_rows.begin(connection, hashed, Pending(whose, sealed, now_us() + MINUTES_10_US), now_us())

    await ledger.run(keep)
    return oidc.authorize_url(provider, at.client_id, f"{public_url}{CALLBACK}", state, nonce, verifier)


def _whose(browser: str) -> dict[str, Any]:
    return {"service": "sign-in", "who": "", "session": key_hash(browser)}


async def finish(ledger: Ledger, at: Elsewhere, query: str, public_url: str, browser: str) -> tuple[Person, Purpose]:
    """Who came back, once, in time and in the same browser. Raises SignInRefused, Refused, Unreachable."""
    values = {name: found[0] for name, found in parse_qs(query, keep_blank_values=True).items()}
    hashed, whose = key_hash(values.get("state", "")), _whose(browser)

    def take(connection: Connection) -> dict[str, str] | None:
        pending = pending_rows.take(connection, hashed, whose, now_us())
        if pending is None:
            return None
        return vault_of(ledger).open(pending.sealed, sealing.other(connection, "sign-in", hashed, dump(pending.bound)))

    held = await ledger.run(take)
    if held is None:
        raise SignInRefused(ANSWER_OF_NOBODY, "Start again; it has ten minutes.")
    if values.get("iss", at.issuer) != at.issuer or not values.get("code"):
        raise SignInRefused("the sign-in service let nobody in", "Start again.")
    keep_secret([values["code"]])
    route = realm_of(ledger, at.realm).route
    provider = await oidc.discover(at.issuer, route)
    redirect = f"{public_url}{CALLBACK}"
    message = oidc.code_message(provider, at.client_id, at.client_secret, redirect, values["code"], held["verifier"])
    told = await oidc.ask(provider.token_endpoint, route, message)
    token = str(told.get("id_token", ""))
    keep_secret([token] if token else [])
    keys = await oidc.ask(provider.jwks_uri, route)
    subject = oidc.subject(token, keys, at.issuer, at.client_id, held["nonce"])
    purpose = msgspec.json.decode(held["purpose"], type=Purpose)
    return await ledger.run(_person, at.issuer, subject, purpose), purpose


def _person(connection: Connection, issuer: str, subject: str, purpose: Purpose) -> Person:
    """Who that is here; connected now, where that is the purpose. Raises SignInRefused, Refused."""
    known = people.by_subject(connection, issuer, subject)
    wanted = purpose.person
    if purpose.claim:
        found = people.offered(connection, key_hash(purpose.claim))
        if found is None or found[0] is None:
            raise Refused("this link was used, or its time is over", "Ask for a new one.")
        wanted = found[0]
    if not wanted:
        if known is None:
            raise SignInRefused(
                "nobody here is known by that account",
                "Sign in with a password and connect it on your account page, or ask for a link to begin with.",
            )
        return known
    if known is not None and known.id != wanted:
        raise Refused("that account is somebody else's here", "Sign in there as yourself.")
    person = people.get(connection, wanted)
    if purpose.claim:
        people.take_offer(connection, key_hash(purpose.claim))
        sessions.end(connection, person.id)
    people.update(connection, person.id, issuer=issuer, subject=subject)
    audit.append(connection, Actor(person.name, "web"), "person connect", f"person {person.id}", issuer=issuer)
    return people.get(connection, person.id)


def disconnect(ledger: Ledger, person: Person, actor: Actor) -> None:
    """Let somebody in by their password alone again. Raises Refused for whoever has none."""

    def end(connection: Connection) -> None:
        if people.secrets(connection, person.id)[0] is None:
            raise Refused("there would be no way in any more", "Have an administrator give you a new link first.")
        people.update(connection, person.id, issuer=None, subject=None)
        audit.append(connection, actor, "person disconnect", f"person {person.id}")

    ledger.do(end)
