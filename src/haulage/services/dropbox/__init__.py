"""Dropbox: a single user, and a whole team."""

from haulage.services.authorisation import Authorisation, OAuth, Way
from haulage.services.declaration import Field, Service
from haulage.services.dropbox.account import HOSTS
from haulage.services.dropbox.exporting import DEFAULT, settle_exports
from haulage.services.dropbox.opening import DropboxFiles, TeamFiles
from haulage.services.dropbox.traits import TRAITS

FIELDS = (
    Field(
        "client_id",
        "App key",
        "Of your own app in the Dropbox app console.",
        required=True,
        env=("HAULAGE_DROPBOX_APP_KEY",),
    ),
    Field(
        "client_secret",
        "App secret",
        "Of the same app. May be left out: the sign-in is protected by PKCE.",
        secret=True,
        env=("HAULAGE_DROPBOX_APP_SECRET",),
    ),
    Field(
        "export_format",
        "Paper documents as",
        "In which form they come: md (Markdown) or html. Other documents of Dropbox's own come in their usual form.",
        default=DEFAULT,
    ),
)
READ = ("account_info.read", "files.metadata.read", "files.content.read", "sharing.read")
WRITE = (*READ, "files.metadata.write", "files.content.write", "sharing.write")
TEAM = ("team_info.read", "members.read", "team_data.member", "team_data.content.read", "groups.read")
CODE = (Way("code", "Sign in with a browser", ("client_id",)),)


def _oauth(read: tuple[str, ...], write: tuple[str, ...]) -> OAuth:
    return OAuth(
        authorize_url="https://www.dropbox.com/oauth2/authorize",
        token_url="https://api.dropboxapi.com/oauth2/token",  # noqa: S106 - an address
        hosts=HOSTS,
        read=read,
        write=write,
        extra={"token_access_type": "offline"},
    )


DROPBOX = Service(
    id="dropbox",
    title="Dropbox (Single User)",
    scheme="dropbox",
    fields=FIELDS,
    traits=TRAITS,
    whole_root=True,
    authorisation=Authorisation(
        ways=CODE,
        oauth=_oauth(READ, WRITE),
        open_account=DropboxFiles,
        settle=settle_exports,
        revoking="Dropbox ends the authorisation of this connector.",
        security_page="https://www.dropbox.com/account/connected_apps",
        guide="how-to/connect-dropbox",
    ),
)

DROPBOX_BUSINESS = Service(
    id="dropbox-business",
    title="Dropbox Business (Admin)",
    scheme="dropbox-business",
    fields=FIELDS,
    root_title="member or team folder",
    traits=TRAITS,
    authorisation=Authorisation(
        ways=CODE,
        oauth=_oauth((*READ, *TEAM), (*WRITE, *TEAM, "team_data.content.write")),
        open_account=TeamFiles,
        settle=settle_exports,
        revoking="Dropbox ends the authorisation of this connector.",
        security_page="https://www.dropbox.com/team/admin/settings",
        guide="how-to/connect-dropbox",
    ),
)
