"""OpenID Connect, for signing in to Haulage itself: what a provider says of itself, and its ID tokens (S30).

https://openid.net/specs/openid-connect-core-1_0.html
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from haulage.connectors.exchange import LARGEST_ANSWER
from haulage.connectors.oauth import Message
from haulage.connectors.patience import Patience
from haulage.model.errors import HaulageError, SignInRefused, Transient, Unreachable
from haulage.services.authorisation import Route
from haulage.services.transport import Answer, Request, Transport

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
"""Signatures of a key that the provider publishes; never a shared secret's, never none."""
SLACK_SECONDS = 60
SCOPE = "openid"


class Provider(msgspec.Struct, frozen=True):
    """What is needed of a provider's own description."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


def origin(url: str) -> str:
    """ "https://host/" of an address."""
    return "/".join(url.split("/")[:3]) + "/"


async def ask(url: str, route: Route, message: Message | None = None) -> Mapping[str, Any]:
    """The JSON at an address, or what it answers to a form. Raises Unreachable, SignInRefused."""
    transport = Transport(origins=(origin(url),), judge=_judged, pacer=Patience("the sign-in service"), route=route)
    headers = {"Accept": "application/json"}
    request = Request("openid", "GET", url, headers)
    if message is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        request = Request(message.operation, "POST", url, headers, message.body.encode(), repeatable=False)
        request.attempts = 1
    request.largest_answer = LARGEST_ANSWER
    try:
        found = msgspec.json.decode((await transport.call(request)).body)
    except msgspec.DecodeError:
        found = None
    except Transient as error:
        raise Unreachable(error.message, error.fix) from error
    finally:
        await transport.close()
    if not isinstance(found, dict):
        raise Unreachable("the sign-in service answers something that cannot be read", "Try again later.")
    return found


def _judged(_request: Request, answer: Answer) -> HaulageError | None:
    if 200 <= answer.status < 300:
        return None
    if answer.status >= 500 or answer.status == 429:
        return Unreachable(f"the sign-in service answers {answer.status}", "Try again later.")
    return SignInRefused(f"the sign-in service refused ({answer.status})", "Try again; see its configuration.")


async def discover(issuer: str, route: Route) -> Provider:
    """What a provider says of itself. Raises Unreachable, SignInRefused where it says to be another (S03)."""
    told = await ask(f"{issuer.rstrip('/')}/.well-known/openid-configuration", route)
    try:
        found = msgspec.convert(told, Provider)
    except msgspec.ValidationError:
        raise Unreachable("the sign-in service does not describe itself", "Check the issuer's address.") from None
    if found.issuer != issuer:
        raise SignInRefused("the sign-in service says to be another one", "Check the issuer's address.")
    return found


def authorize_url(provider: Provider, client_id: str, redirect: str, state: str, nonce: str, verifier: str) -> str:
    """Where a person signs in: code, PKCE, nonce."""
    asked = {"response_type": "code", "client_id": client_id, "redirect_uri": redirect, "scope": SCOPE}
    asked |= {"state": state, "nonce": nonce, "code_challenge_method": "S256"}
    asked["code_challenge"] = create_s256_code_challenge(verifier)
    joint = "&" if "?" in provider.authorization_endpoint else "?"
    return f"{provider.authorization_endpoint}{joint}{urlencode(asked)}"


def code_message(
    provider: Provider, client_id: str, client_secret: str, redirect: str, code: str, verifier: str
) -> Message:
    """What the code is changed into an ID token with."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect, "client_id": client_id}
    form |= {"code_verifier": verifier, **({"client_secret": client_secret} if client_secret else {})}
    return Message("sign-in", provider.token_endpoint, urlencode(form))


def subject(token: str, keys: Mapping[str, Any], issuer: str, client_id: str, nonce: str) -> str:
    """Who somebody is at the issuer, by an ID token whose signature, issuer, audience, time and nonce are right.

    Raises SignInRefused.
    """
    essential = {"iss": issuer, "aud": client_id, "nonce": nonce}
    asked: dict[str, Any] = {name: {"essential": True, "value": value} for name, value in essential.items()}
    registry = jwt.JWTClaimsRegistry(
        leeway=SLACK_SECONDS, exp={"essential": True}, iat={"essential": True}, sub={"essential": True}, **asked
    )
    try:
        key_set = KeySet.import_key_set({"keys": list(keys["keys"])})
        claims = jwt.decode(token, key_set, algorithms=ALGORITHMS).claims
        registry.validate(claims)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise SignInRefused(f"the sign-in service's token is not good ({type(error).__name__})") from error
    if claims.get("azp", client_id) != client_id or not isinstance(claims["sub"], str) or not claims["sub"]:
        raise SignInRefused("the sign-in service's token is not for this server")
    return claims["sub"]
