"""Box: a single user, and a whole enterprise."""

from collections.abc import Mapping

from haulage.services.authorisation import Authorisation, OAuth, Way
from haulage.services.box.account import HOSTS
from haulage.services.box.application import assertion, settle, values
from haulage.services.box.notes.making import DEFAULT, settle_notes
from haulage.services.box.opening import enterprise, single
from haulage.services.box.traits import TRAITS
from haulage.services.declaration import Field, Service

CLIENT_ID = Field(
    "client_id", "Client ID", "Of your own application in the Box developer console.", env=("HAULAGE_BOX_CLIENT_ID",)
)
CLIENT_SECRET = Field(
    "client_secret",
    "Client secret",
    "Of the same application.",
    secret=True,
    env=("HAULAGE_BOX_CLIENT_SECRET",),
)
NOTES = Field(
    "notes_format",
    "Box Notes as",
    "docx (Word), or boxnote: the file that only Box can open. To another Box they stay what they are.",
    default=DEFAULT,
)
CODE = Way("code", "Sign in with a browser", ("client_id", "client_secret"))
DIRECTORY = ("manage_managed_users", "manage_groups")


def _oauth(*more: str) -> OAuth:
    return OAuth(
        authorize_url="https://account.box.com/api/oauth2/authorize",
        token_url="https://api.box.com/oauth2/token",  # noqa: S106 - an address
        hosts=HOSTS,
        read=("root_readonly", *more),
        write=("root_readwrite", *more),
        scopes_named=False,
        pkce=False,
        refresh="single",
        values=values,
        assertion=assertion,
    )


def _settle_both(settings: Mapping[str, str]) -> dict[str, str]:
    return settle_notes(settle(settings))


BOX = Service(
    id="box",
    title="Box (Single User)",
    scheme="box",
    fields=(CLIENT_ID, CLIENT_SECRET, NOTES),
    traits=TRAITS,
    whole_root=True,
    authorisation=Authorisation(
        ways=(CODE,),
        oauth=_oauth(),
        open_account=single,
        revoking="Box ends the authorisation of this connector.",
        security_page="https://app.box.com/account",
        guide="how-to/connect-box",
        settle=settle_notes,
    ),
)

BOX_ENTERPRISE = Service(
    id="box-enterprise",
    title="Box (Co-Admin)",
    scheme="box-enterprise",
    fields=(
        CLIENT_ID,
        CLIENT_SECRET,
        Field(
            "enterprise_id",
            "Enterprise ID",
            "Of the enterprise that authorised the application, for client credentials.",
            env=("HAULAGE_BOX_ENTERPRISE_ID",),
        ),
        Field(
            "app_config",
            "App configuration",
            "The JSON file of an application with server authentication by JWT; it holds everything else.",
            secret=True,
        ),
        NOTES,
    ),
    root_title="user",
    traits=TRAITS,
    authorisation=Authorisation(
        ways=(
            Way("jwt", "The application's own service account, by JWT", ("app_config",)),
            Way(
                "secret",
                "The application's own service account, by client credentials",
                ("client_id", "client_secret", "enterprise_id"),
            ),
            Way("code", "An admin or co-admin signs in with a browser", ("client_id", "client_secret")),
        ),
        oauth=_oauth(*DIRECTORY),
        open_account=enterprise,
        revoking="Box ends the authorisation of this connector.",
        security_page="https://app.box.com/master",
        guide="how-to/connect-box",
        settle=_settle_both,
    ),
)
