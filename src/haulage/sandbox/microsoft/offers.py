"""The applications that are registered from the start, and how one connects with them."""

from typing import TYPE_CHECKING

from haulage.sandbox.frame.oauth import Application
from haulage.sandbox.frame.signing import certificate_of
from haulage.sandbox.frame.simulator import Account, Offer
from haulage.sandbox.microsoft.directory import User
from haulage.sandbox.microsoft.permissions import ADMIN_ONLY, DELEGATED, ROLES
from haulage.sandbox.microsoft.tokens import REFRESH_SECONDS

if TYPE_CHECKING:
    from haulage.sandbox.microsoft import Microsoft

SERVICES = ("onedrive", "onedrive-business", "office365")
REDIRECTS = [
    "http://localhost",
    "http://localhost/",
    *(f"http://localhost/oauth/callback/{one}" for one in SERVICES),
    "https://login.microsoftonline.com/common/oauth2/nativeclient",
]
ALL = ("openid", "profile", "email", "offline_access", *sorted(DELEGATED - ADMIN_ONLY - {"Mail.Send"}))


def ids(service: "Microsoft") -> tuple[str, str]:
    """The ids of the confidential and of the public application."""
    return service.world.ids.guid("app", "confidential"), service.world.ids.guid("app", "public")


def register(service: "Microsoft") -> None:
    """Both are multi-tenant; the organisation's administrator has allowed them all that they are registered for."""
    confidential, public = ids(service)
    home = service.directory.organisation
    details = {"tenant": home.id, "roles": list(ROLES), "scopes": [*ALL, *sorted(ADMIN_ONLY)]}
    secret = service.world.ids.base64url("app", "secret", count=40)
    service.oauth.register(
        Application(client_id=confidential, name="Haulage rehearsal", secret=secret, redirect_uris=list(REDIRECTS),
                    details=details)
    )  # fmt: skip
    service.oauth.register(
        Application(client_id=public, name="Haulage rehearsal (desktop)", public=True, redirect_uris=list(REDIRECTS),
                    details={"scopes": list(ALL)})
    )  # fmt: skip
    service.consent(home, confidential).roles = list(ROLES)


def key_and_certificate(service: "Microsoft") -> str:
    """Private key and certificate of the confidential application as one PEM text; made when first asked for."""
    application = service.oauth.records.applications[ids(service)[0]]
    key = service.key("certificate")
    if "offered" not in application.certificates:
        now = service.world.clock.now()
        application.certificates["offered"] = certificate_of(key, "Haulage rehearsal", now)
    return key + application.certificates["offered"]


def refresh_token(service: "Microsoft", user: User, client_id: str) -> str:
    """A refresh token of an account for an application; the same at each call, "" once its grant has ended."""
    ids_ = service.world.ids
    parts = (ids_.base64url("offered", user.upn, part, count=80) for part in range(2))
    value = ("M.C5" if user.personal else "1.A") + "".join(parts)
    found = service.oauth.token(value, "refresh")
    if found is not None:
        return value if service.oauth.alive(*found) else ""
    consent = service.consent(user.home, client_id)
    scopes = (*ALL, *sorted(ADMIN_ONLY)) if user.admin else ALL
    consent.users[user.upn] = sorted({*consent.users.get(user.upn, ()), *scopes})
    grant = service.oauth.open(client_id, user.upn, scopes, tenant=user.home.id)
    return service.oauth.issue(grant, "refresh", value, REFRESH_SECONDS).value


def offers(service: "Microsoft") -> dict[str, Offer]:
    """How to connect to each of the three services."""
    directory = service.directory
    confidential, public = ids(service)
    application = service.oauth.records.applications[confidential]
    people = service.world.organisation
    personal = [directory.account(one) for one in directory.personal_addresses]
    work = [directory.user_of(one) for one in people.people]
    about = {"tenant": directory.organisation.id, "domain": directory.organisation.domain, "public_client_id": public}

    def account(user: User) -> Account:
        return Account(
            user=user.upn,
            role="admin" if user.admin else "user",
            password=service.password(user.upn),
            refresh_token=refresh_token(service, user, confidential) if user.person.active else "",
            details={"id": user.id, "licensed": user.licensed, "active": user.person.active},
        )

    def offer(accounts: list[Account]) -> Offer:
        return Offer(
            client_id=confidential,
            client_secret=application.secret,
            redirect_uris=application.redirect_uris,
            accounts=accounts,
            details=about,
        )

    admins = [one for one in work if one is not None and one.admin]
    app = Account(user=directory.organisation.domain, role="app", key=key_and_certificate(service), details=about)
    return {
        "onedrive": offer([account(one) for one in personal if one]),
        "onedrive-business": offer([account(one) for one in work if one]),
        "office365": offer([app, *(account(one) for one in admins)]),
    }
