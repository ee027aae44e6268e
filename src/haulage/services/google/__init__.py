"""Google: a person's Drive, and a whole Workspace organisation."""

from haulage.services.authorisation import Authorisation, OAuth, Way
from haulage.services.declaration import Field, Service
from haulage.services.google.account import HOSTS
from haulage.services.google.delegation import assertion, explain, settle
from haulage.services.google.exports import DEFAULT, settle_exports
from haulage.services.google.opening import DriveFiles
from haulage.services.google.traits import TRAITS
from haulage.services.google.workspace import WorkspaceFiles

SCOPE = "https://www.googleapis.com/auth/"
DIRECTORY = tuple(
    f"{SCOPE}admin.directory.{one}.readonly" for one in ("user", "group", "group.member")
)  # the names that the console's list of scopes uses
EXPORT_FORMATS = Field(
    "export_formats",
    "Documents as",
    "In which forms Google's own documents come: the first of these that a kind of document can have. Also odt, ods, "
    "odp, pdf, rtf, txt, md, html, epub, csv, tsv, png, jpg, json; one that is in none of them is reported.",
    default=DEFAULT,
)
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address

GOOGLE_DRIVE = Service(
    id="google-drive",
    title="Google Drive (Single User)",
    scheme="google-drive",
    vendor="Google",
    fields=(
        Field(
            "client_id",
            "Client ID",
            "Of an OAuth client of your own Cloud project.",
            required=True,
            env=("HAULAGE_GOOGLE_CLIENT_ID",),
        ),
        Field(
            "client_secret",
            "Client secret",
            "Of the same client; Google wants it for clients of the type desktop too.",
            secret=True,
            required=True,
            env=("HAULAGE_GOOGLE_CLIENT_SECRET",),
        ),
        EXPORT_FORMATS,
    ),
    traits=TRAITS,
    whole_root=True,
    authorisation=Authorisation(
        ways=(Way("code", "Sign in with a browser", ("client_id", "client_secret")),),
        oauth=OAuth(
            authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
            token_url=TOKEN_URL,
            hosts=HOSTS,
            read=(f"{SCOPE}drive.readonly",),
            write=(f"{SCOPE}drive",),
            extra={"access_type": "offline", "prompt": "consent select_account"},
            loopback="any",
            loopback_host="127.0.0.1",
            issuer="https://accounts.google.com",
        ),
        open_account=DriveFiles,
        revoking="Google ends every grant of this person to the whole Cloud project.",
        security_page="https://myaccount.google.com/connections",
        guide="how-to/connect-google",
        shared_grant=True,
        settle=settle_exports,
    ),
)

GOOGLE_WORKSPACE = Service(
    id="google-workspace",
    title="Google Workspace (Administrator)",
    scheme="google-workspace",
    vendor="Google",
    fields=(
        Field(
            "admin_email",
            "Administrator",
            "E-mail address of a super administrator, for whom the service account acts.",
            required=True,
            env=("HAULAGE_GOOGLE_ADMIN_EMAIL",),
        ),
        Field(
            "service_account_key",
            "Service account key",
            "The JSON key file of a service account with domain-wide delegation.",
            secret=True,
            required=True,
        ),
        EXPORT_FORMATS,
    ),
    root_title="user or shared drive",
    traits=TRAITS,
    authorisation=Authorisation(
        ways=(Way("jwt", "A service account with domain-wide delegation", ("admin_email", "service_account_key")),),
        oauth=OAuth(
            authorize_url="",
            token_url=TOKEN_URL,
            hosts=HOSTS,
            read=(f"{SCOPE}drive.readonly", *DIRECTORY),
            write=(f"{SCOPE}drive", *DIRECTORY),
            scopes_named=False,
            subject="admin_email",
            assertion=assertion,
            explain=explain,
        ),
        open_account=WorkspaceFiles,
        revoking=(
            "A service account's key is not revoked from here: delete the key in the Cloud console, and the "
            "delegation in the Admin console."
        ),
        security_page="https://admin.google.com/ac/owl/domainwidedelegation",
        guide="how-to/connect-google",
        settle=settle,
    ),
)
