"""A service account's key, as a JWT bearer assertion in an administrator's name (domain-wide delegation)."""

from collections.abc import Mapping
from typing import Any

import msgspec

from haulage.model.errors import ConsentPending, HaulageError, NotAdministrator, Refused
from haulage.services.authorisation import Assertion, WayId
from haulage.services.google.exports import settle_exports

# https://developers.google.com/identity/protocols/oauth2/service-account (2026-08): an hour at most
SECONDS = 3600
AUDIENCE = "https://oauth2.googleapis.com/token"


class KeyFile(msgspec.Struct):
    """The JSON key of a service account. Its own token_uri is not read: tokens are asked for at Google alone."""

    client_email: str
    private_key: str
    private_key_id: str
    client_id: str = ""


def key_file(settings: Mapping[str, str]) -> KeyFile:
    """The key that the settings hold. Raises Refused; never quotes it."""
    try:
        return msgspec.json.decode(settings.get("service_account_key", ""), type=KeyFile)
    except msgspec.DecodeError:
        fix = "Give the whole JSON file that the Cloud console made for the service account."
        raise Refused("the service account key is no JSON key file", fix) from None


def assertion(settings: Mapping[str, str], scopes: tuple[str, ...], way: WayId) -> Assertion:
    """What is to be signed. Raises Refused for what is no key file."""
    key = key_file(settings)
    return Assertion(
        algorithm="RS256",
        header={"typ": "JWT", "kid": key.private_key_id},
        claims={
            "iss": key.client_email,
            "sub": settings.get("admin_email", ""),
            "scope": " ".join(scopes),
            "aud": AUDIENCE,
        },
        key_pem=key.private_key,
        seconds=SECONDS,
    )


def explain(told: Mapping[str, Any]) -> HaulageError | None:
    """What the token endpoint's own words mean for a service account."""
    if told.get("error") == "unauthorized_client":
        fix = (
            "In the Admin console (Security, API controls, Domain-wide delegation), authorise the service account's "
            "numeric client ID for exactly the scopes that the guide lists; it takes some minutes."
        )
        return ConsentPending("Google: the service account is not delegated these scopes", fix)
    if told.get("error_description") == "Invalid email or User ID":
        return NotAdministrator("Google: there is no such administrator", "Check the e-mail address.")
    return None


def settle(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings as they are kept. Raises Refused for a key or an administrator that cannot be."""
    if settings.get("service_account_key"):
        key_file(settings)
    email = settings.get("admin_email", "").strip().lower()
    if email and "@" not in email:
        raise Refused(f"{email!r} is no e-mail address of an administrator")
    return settle_exports({**settings, **({"admin_email": email} if email else {})})
