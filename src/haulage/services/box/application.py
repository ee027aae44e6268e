"""A Box application that speaks for itself: its JWT, or its client credentials."""

from collections.abc import Mapping

import msgspec

from haulage.model.errors import Refused
from haulage.services.authorisation import Assertion, WayId

# https://developer.box.com/guides/authentication/jwt/without-sdk (2026-02): 60 seconds at most
SECONDS = 45
AUDIENCE = "https://api.box.com/oauth2/token"


class AppAuth(msgspec.Struct):
    """The key pair of the configuration file."""

    key_id: str = msgspec.field(name="publicKeyID")
    private_key: str = msgspec.field(name="privateKey")
    passphrase: str = ""


class AppSettings(msgspec.Struct):
    """boxAppSettings"""

    client_id: str = msgspec.field(name="clientID")
    client_secret: str = msgspec.field(name="clientSecret")
    auth: AppAuth = msgspec.field(name="appAuth")


class AppConfig(msgspec.Struct):
    """The configuration file that Box's console makes for an application with server authentication by JWT."""

    settings: AppSettings = msgspec.field(name="boxAppSettings")
    enterprise: str = msgspec.field(name="enterpriseID")


def app_config(settings: Mapping[str, str]) -> AppConfig:
    """The configuration file that the settings hold. Raises Refused; never quotes it."""
    try:
        return msgspec.json.decode(settings.get("app_config", ""), type=AppConfig)
    except msgspec.DecodeError:
        fix = "Give the whole JSON file that the developer console made (Add and Manage Public Keys)."
        raise Refused("the app configuration is no configuration file of Box", fix) from None


def client(settings: Mapping[str, str]) -> tuple[str, str]:
    """The application's ID and secret, wherever they stand."""
    if settings.get("app_config"):
        config = app_config(settings).settings
        return config.client_id, config.client_secret
    return settings.get("client_id", ""), settings.get("client_secret", "")


def values(settings: Mapping[str, str], way: WayId) -> dict[str, str]:
    """What a token request says besides."""
    identifier, secret = client(settings)
    said = {"client_id": identifier, "client_secret": secret}
    if way == "secret":
        said |= {"box_subject_type": "enterprise", "box_subject_id": settings.get("enterprise_id", "")}
    return said


def assertion(settings: Mapping[str, str], scopes: tuple[str, ...], way: WayId) -> Assertion:
    """What is to be signed. Raises Refused for what is no configuration file."""
    config = app_config(settings)
    key = config.settings.auth
    return Assertion(
        algorithm="RS256",
        header={"typ": "JWT", "kid": key.key_id},
        claims={
            "iss": config.settings.client_id,
            "sub": config.enterprise,
            "box_sub_type": "enterprise",
            "aud": AUDIENCE,
        },
        key_pem=key.private_key,
        passphrase=key.passphrase,
        seconds=SECONDS,
    )


def settle(settings: Mapping[str, str]) -> dict[str, str]:
    """The settings as they are kept: of a configuration file, what is public in it. Raises Refused."""
    if not settings.get("app_config"):
        return dict(settings)
    config = app_config(settings)
    return {**settings, "client_id": config.settings.client_id, "enterprise_id": config.enterprise}
