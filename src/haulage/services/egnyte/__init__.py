"""Egnyte: one domain of a customer."""

from collections.abc import Mapping

from haulage.services.authorisation import Authorisation, OAuth, Way, WayId
from haulage.services.declaration import Field, Service
from haulage.services.egnyte.domain import settle
from haulage.services.egnyte.opening import EgnyteFiles
from haulage.services.egnyte.traits import TRAITS

SCOPES = ("Egnyte.filesystem", "Egnyte.user", "Egnyte.group", "Egnyte.permission")


def values(settings: Mapping[str, str], way: WayId) -> dict[str, str]:
    """What a token request says besides: an internal application's user, in its password grant."""
    if way != "password":
        return {}
    return {"username": settings.get("username", ""), "password": settings.get("password", "")}


EGNYTE = Service(
    id="egnyte",
    title="Egnyte",
    scheme="egnyte",
    fields=(
        Field(
            "domain",
            "Domain",
            "The first part of https://acme.egnyte.com, or the whole host.",
            required=True,
            endpoint=True,
            env=("HAULAGE_EGNYTE_DOMAIN",),
        ),
        Field(
            "client_id",
            "API key",
            "Of your own application at developers.egnyte.com.",
            required=True,
            env=("HAULAGE_EGNYTE_CLIENT_ID",),
        ),
        Field(
            "client_secret",
            "API secret",
            "Of the application.",
            secret=True,
            env=("HAULAGE_EGNYTE_CLIENT_SECRET",),
        ),
        Field("username", "User name", "Only for an internal application, which signs in by itself."),
        Field("password", "Password", "Of that user. It is needed again whenever the token ends.", secret=True),
    ),
    traits=TRAITS,
    authorisation=Authorisation(
        ways=(
            Way(
                "password",
                "An internal application signs in",
                ("domain", "client_id", "username", "password"),
            ),
            Way("code", "Sign in with a browser", ("domain", "client_id", "client_secret")),
        ),
        oauth=OAuth(
            authorize_url="https://{domain}/puboauth/token",
            token_url="https://{domain}/puboauth/token",  # noqa: S106 - an address
            hosts=("{domain}",),
            read=SCOPES,
            write=SCOPES,
            scopes_named=False,
            pkce=False,
            loopback="pasted",
            refresh="renewed",
            values=values,
        ),
        open_account=EgnyteFiles,
        revoking="Egnyte ends the authorisation of this connector.",
        security_page="https://helpdesk.egnyte.com",
        guide="how-to/connect-egnyte",
        settle=settle,
    ),
)
