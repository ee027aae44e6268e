"""The messages of OAuth: built and read here (by Authlib), sent elsewhere. No call is made in this file.

The libraries are loaded where they are called: they take a tenth of a second, and most runs sign nobody in.
"""

import secrets
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from haulage.model.errors import AuthLost, ConsentPending, HaulageError, Refused
from haulage.services.authorisation import Assertion, OAuth, WayId

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
VERIFIER_BYTES = 48
STATE_BYTES = 32
CLOCK_SLACK_SECONDS = 10

if TYPE_CHECKING:
    from joserfc.jwk import RSAKey


class Declined(AuthLost):
    """The person said no at the service."""

    default_fix = "Start again, and allow what is asked for; nothing was kept."


class Message(msgspec.Struct, frozen=True):
    """One form to be sent. operation: for the trace."""

    operation: str
    url: str
    body: str

    def __repr__(self) -> str:
        """Without the body, which holds secrets."""
        return f"Message({self.operation!r}, {self.url!r})"


class Granted(msgspec.Struct, frozen=True):
    """What a token endpoint granted. seconds: how long the access token holds; None: it does not end by itself."""

    access: str
    refresh: str
    seconds: float | None
    scopes: tuple[str, ...] | None

    def __repr__(self) -> str:
        """Without the tokens."""
        return f"Granted(seconds={self.seconds}, scopes={self.scopes})"


def filled(template: str, settings: Mapping[str, str]) -> str:
    """A URL or host of a declaration, with the settings that it names in their places. Raises Refused."""
    try:
        return template.format_map({key: quote(value, safe=".-") for key, value in settings.items()})
    except KeyError as missing:
        raise Refused(f"the setting {missing.args[0]} is missing") from None


def new_verifier() -> str:
    """A PKCE verifier of 384 bits, for one sign-in (S01)."""
    return secrets.token_urlsafe(VERIFIER_BYTES)


def new_state() -> str:
    """A state of 256 bits, for one sign-in (S02)."""
    return secrets.token_urlsafe(STATE_BYTES)


def authorize_url(
    oauth: OAuth, settings: Mapping[str, str], scopes: tuple[str, ...], redirect: str, state: str, verifier: str
) -> str:
    """Where a person signs in."""
    from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    more: dict[str, str] = dict(oauth.extra)
    if oauth.pkce:
        more |= {"code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256"}
    return str(
        prepare_grant_uri(
            filled(oauth.authorize_url, settings),
            settings.get("client_id", ""),
            "code",
            redirect,
            " ".join(scopes) or None,
            state,
            **more,
        )
    )


def admin_consent_url(oauth: OAuth, settings: Mapping[str, str], redirect: str, state: str) -> str:
    """Where an administrator consents for a whole organisation."""
    values = {"client_id": settings.get("client_id", ""), "scope": " ".join(oauth.app_scopes)}
    values |= {"redirect_uri": redirect, "state": state}
    query = "&".join(f"{key}={quote(value, safe='')}" for key, value in values.items())
    return f"{filled(oauth.admin_consent_url, settings)}?{query}"


class Answered(msgspec.Struct, frozen=True):
    """What came back to the redirect."""

    state: str
    code: str

    def __repr__(self) -> str:
        """Without the code."""
        return "Answered()"


def read_redirect(oauth: OAuth, url: str) -> Answered:
    """What a service sent a browser back with. Raises Refused (none, mix-up), Declined, ConsentPending, AuthLost."""
    values = {key: found[0] for key, found in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}
    if oauth.issuer and values.get("iss", oauth.issuer) != oauth.issuer:
        raise Refused("the answer comes from another service than the one that was asked", "Start again.")
    if "error" in values:
        raise _redirected_error(oauth, values)
    if not values.get("state"):
        raise Refused("the answer belongs to no sign-in that was begun here", "Start again.")
    if not values.get("code"):
        raise Refused("that is no address that a service sent the browser to", "Paste the whole address line.")
    return Answered(values["state"], values["code"])


def _redirected_error(oauth: OAuth, values: Mapping[str, str]) -> HaulageError:
    if oauth.explain is not None and (error := oauth.explain(values)) is not None:
        return error
    told = f"{values['error'][:60]}: {values.get('error_description', '')[:200]}".rstrip(": ")
    if values["error"] in ("access_denied", "authorization_declined"):
        return Declined(f"the service was told no ({told})")
    if values["error"] in ("consent_required", "permission_denied"):
        return ConsentPending(f"the service wants a consent first ({told})")
    return AuthLost(f"the service refused the sign-in ({told})", "Check the application's registration.")


def _message(
    oauth: OAuth,
    settings: Mapping[str, str],
    way: WayId,
    operation: str,
    grant: str,
    redirect: str = "",
    **values: str,
) -> Message:
    """A token request with the application's own id and secret in it."""
    from authlib.oauth2.rfc6749.parameters import prepare_token_request

    said = {"client_id": settings.get("client_id", ""), "client_secret": settings.get("client_secret", "")}
    if oauth.values is not None:
        said |= oauth.values(settings, way)
    if way == "certificate":
        said.pop("client_secret", None)
        said |= {"client_assertion_type": CLIENT_ASSERTION, "client_assertion": signed(oauth, settings, (), way)}
    said |= values
    body = prepare_token_request(grant, "", redirect or None, **{key: value for key, value in said.items() if value})
    return Message(operation, filled(oauth.token_url, settings), str(body))


def code_message(
    oauth: OAuth, settings: Mapping[str, str], way: WayId, code: str, redirect: str, verifier: str
) -> Message:
    """Exchanges a code."""
    more = {"code_verifier": verifier} if oauth.pkce else {}
    return _message(oauth, settings, way, "ExchangeCode", "authorization_code", redirect, code=code, **more)


def refresh_message(oauth: OAuth, settings: Mapping[str, str], way: WayId, refresh: str) -> Message:
    """Renews tokens."""
    return _message(oauth, settings, way, "RenewToken", "refresh_token", refresh_token=refresh)


def own_message(oauth: OAuth, settings: Mapping[str, str], way: WayId, scopes: tuple[str, ...]) -> Message:
    """Asks for tokens without a person: client credentials, a signed assertion, an internal application's password."""
    scope = " ".join(scopes)
    if way == "jwt":
        assertion = signed(oauth, settings, scopes, way)
        return _message(oauth, settings, way, "ExchangeAssertion", JWT_BEARER, assertion=assertion)
    if way == "password":
        return _message(oauth, settings, way, "ExchangePassword", "password", scope=scope)
    named = {"scope": scope} if oauth.app_scopes else {}
    return _message(oauth, settings, way, "ExchangeClientCredentials", "client_credentials", **named)


def device_message(oauth: OAuth, settings: Mapping[str, str], scopes: tuple[str, ...]) -> Message:
    """Begins a sign-in on another device."""
    values = {"client_id": settings.get("client_id", ""), "scope": " ".join(scopes)}
    body = "&".join(f"{key}={quote(value, safe='')}" for key, value in values.items())
    return Message("BeginDeviceSignIn", filled(oauth.device_url, settings), body)


def poll_message(oauth: OAuth, settings: Mapping[str, str], device_code: str) -> Message:
    """Asks whether the person has signed in."""
    return _message(oauth, settings, "device", "PollDeviceSignIn", DEVICE_GRANT, device_code=device_code)


def signed(oauth: OAuth, settings: Mapping[str, str], scopes: tuple[str, ...], way: WayId) -> str:
    """A service's assertion, signed now. Raises Refused for a key that cannot be read."""
    from joserfc import jwt

    if oauth.assertion is None:
        raise Refused("this service knows no signed assertions")
    made = oauth.assertion(settings, scopes, way)
    now = int(time.time())
    claims = {"aud": filled(oauth.token_url, settings), **made.claims, "jti": secrets.token_hex(24)}
    claims |= {"iat": now - CLOCK_SLACK_SECONDS, "nbf": now - CLOCK_SLACK_SECONDS}
    claims["exp"] = now - CLOCK_SLACK_SECONDS + made.seconds
    header = {**made.header, "alg": made.algorithm}
    return jwt.encode(header, claims, _key(made), algorithms=[made.algorithm])


def _key(made: Assertion) -> "RSAKey":
    from cryptography.hazmat.primitives import serialization
    from joserfc.jwk import RSAKey

    try:
        key = serialization.load_pem_private_key(made.key_pem.encode(), made.passphrase.encode() or None)
        plain = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return RSAKey.import_key(plain)
    except (ValueError, TypeError):
        raise Refused("the private key cannot be read", "Give the key as it was made, with its passphrase.") from None


def read_granted(told: Mapping[str, Any]) -> Granted | None:
    """What a token endpoint granted; None where there is no access token in the answer."""
    access = told.get("access_token")
    if not isinstance(access, str) or not access:
        return None
    seconds = told.get("expires_in")
    try:
        lasts = float(seconds) if seconds is not None else None
    except (TypeError, ValueError):
        lasts = None
    refresh, scope = told.get("refresh_token"), told.get("scope")
    return Granted(
        access,
        refresh if isinstance(refresh, str) else "",
        lasts if lasts is not None and lasts > 0 else None,
        tuple(scope.split()) if isinstance(scope, str) else None,
    )


def compared(oauth: OAuth, asked: tuple[str, ...], granted: tuple[str, ...] | None) -> tuple[set[str], set[str]]:
    """Scopes that were asked for and not granted, and those granted without having been asked for (S06)."""
    if granted is None or not oauth.scopes_named:
        return set(), set()
    have = {one.removeprefix(oauth.scope_prefix) for one in granted} - set(oauth.silent)
    want = {one.removeprefix(oauth.scope_prefix) for one in asked} - set(oauth.silent)
    return want - have, have - want
