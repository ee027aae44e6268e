"""Microsoft: OneDrive of a person, OneDrive for Business of a user, and a whole Office 365 organisation."""

from haulage.services.authorisation import Authorisation, OAuth, Way
from haulage.services.declaration import Field, Service
from haulage.services.microsoft.account import HOSTS, TenantAccount, business, personal
from haulage.services.microsoft.certificate import assertion
from haulage.services.microsoft.login import explain
from haulage.services.microsoft.places import path_before
from haulage.services.microsoft.traits import BUSINESS, PERSONAL

LOGIN = "https://login.microsoftonline.com"
SILENT = ("offline_access", "openid", "profile")
CODE = Way("code", "Sign in with a browser", ("client_id",))
DEVICE = Way("device", "Sign in on another device, by a code", ("client_id",))
REVOKING = (
    "Microsoft has no call that ends one application's authorisation: the tokens are destroyed here, and a person or "
    "an administrator removes the application's consent at Microsoft."
)

CLIENT_ID = Field(
    "client_id",
    "Application (client) ID",
    "Of your own app registration in Microsoft Entra.",
    required=True,
    env=("HAULAGE_MICROSOFT_CLIENT_ID",),
)
CLIENT_SECRET = Field(
    "client_secret",
    "Client secret",
    "Its value, not its ID. Left out for a registration of the type mobile and desktop.",
    secret=True,
    env=("HAULAGE_MICROSOFT_CLIENT_SECRET",),
)
TENANT = Field(
    "tenant",
    "Directory (tenant)",
    "The tenant's ID or one of its domains; needed where the registration is for one organisation only.",
    env=("HAULAGE_MICROSOFT_TENANT",),
    default="organizations",
)


def _oauth(tenant: str, read: tuple[str, ...], write: tuple[str, ...], app: tuple[str, ...] = ()) -> OAuth:
    return OAuth(
        authorize_url=f"{LOGIN}/{tenant}/oauth2/v2.0/authorize",
        token_url=f"{LOGIN}/{tenant}/oauth2/v2.0/token",
        device_url=f"{LOGIN}/{tenant}/oauth2/v2.0/devicecode",
        admin_consent_url=f"{LOGIN}/{tenant}/v2.0/adminconsent" if app else "",
        hosts=("login.microsoftonline.com", *HOSTS),
        read=(*read, "User.Read", *SILENT),
        write=(*write, "User.Read", *SILENT),
        app_scopes=app,
        silent=SILENT,
        scope_prefix="https://graph.microsoft.com/",
        extra={"prompt": "select_account", "response_mode": "query"},
        loopback="any",
        refresh="renewed",
        assertion=assertion if app else None,
        explain=explain,
    )


ONEDRIVE = Service(
    id="onedrive",
    title="OneDrive Consumer",
    scheme="onedrive",
    vendor="Microsoft",
    fields=(CLIENT_ID, CLIENT_SECRET),
    traits=PERSONAL,
    whole_root=True,
    authorisation=Authorisation(
        ways=(CODE, DEVICE),
        oauth=_oauth("consumers", ("Files.Read.All",), ("Files.ReadWrite.All",)),
        open_account=personal,
        revoking=REVOKING,
        security_page="https://account.live.com/consent/Manage",
        guide="how-to/connect-microsoft",
    ),
)

ONEDRIVE_BUSINESS = Service(
    id="onedrive-business",
    title="OneDrive for Business (User)",
    scheme="onedrive-business",
    vendor="Microsoft",
    fields=(CLIENT_ID, CLIENT_SECRET, TENANT),
    traits=BUSINESS,
    whole_root=True,
    authorisation=Authorisation(
        ways=(CODE, DEVICE),
        oauth=_oauth("{tenant}", ("Files.Read.All",), ("Files.ReadWrite.All",)),
        open_account=business,
        revoking=REVOKING,
        security_page="https://myapps.microsoft.com",
        guide="how-to/connect-microsoft",
    ),
)

OFFICE365 = Service(
    id="office365",
    title="Office 365 (Administrator)",
    path_before=path_before,
    scheme="office365",
    vendor="Microsoft",
    fields=(
        CLIENT_ID,
        CLIENT_SECRET,
        Field(
            "tenant",
            "Directory (tenant)",
            "The organisation's tenant ID or its primary domain.",
            required=True,
            env=("HAULAGE_MICROSOFT_TENANT",),
        ),
        Field(
            "certificate",
            "Certificate with private key",
            "One PEM text, instead of a client secret; its public half is uploaded to the registration.",
            secret=True,
        ),
    ),
    root_title="user or site",
    traits=BUSINESS,
    authorisation=Authorisation(
        ways=(
            Way("certificate", "The application's own consent, by certificate", ("client_id", "tenant", "certificate")),
            Way("secret", "The application's own consent, by client secret", ("client_id", "tenant", "client_secret")),
            Way("code", "An administrator signs in with a browser", ("client_id", "tenant")),
            Way("device", "An administrator signs in on another device", ("client_id", "tenant")),
        ),
        oauth=_oauth(
            "{tenant}",
            ("Files.Read.All", "Sites.Read.All", "User.Read.All", "Group.Read.All"),
            ("Files.ReadWrite.All", "Sites.ReadWrite.All", "User.Read.All", "Group.Read.All"),
            ("https://graph.microsoft.com/.default",),
        ),
        open_account=TenantAccount,
        revoking=REVOKING,
        security_page="https://entra.microsoft.com",
        guide="how-to/connect-microsoft",
    ),
)
