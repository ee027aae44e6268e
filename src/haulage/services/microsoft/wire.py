"""What is read of Microsoft Graph's answers: only the fields that are used."""

import msgspec


class Person(msgspec.Struct):
    """GET /me"""

    id: str
    user_principal_name: str | None = msgspec.field(name="userPrincipalName", default=None)
    mail: str | None = None
    display_name: str | None = msgspec.field(name="displayName", default=None)
    proxy_addresses: list[str] = msgspec.field(name="proxyAddresses", default_factory=list)


class DriveFound(msgspec.Struct):
    """GET /me/drive"""

    id: str
    kind: str = msgspec.field(name="driveType", default="")


class Domain(msgspec.Struct):
    """A domain of an organisation."""

    name: str
    default: bool = msgspec.field(name="isDefault", default=False)


class Organisation(msgspec.Struct):
    """One of GET /organization"""

    id: str
    name: str | None = msgspec.field(name="displayName", default=None)
    domains: list[Domain] = msgspec.field(name="verifiedDomains", default_factory=list)


class Organisations(msgspec.Struct):
    """GET /organization"""

    value: list[Organisation]


class UserPage(msgspec.Struct):
    """GET /users"""

    value: list[Person]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)


class SiteFound(msgspec.Struct):
    """A site. personal: it is what lies behind somebody's OneDrive."""

    id: str
    name: str | None = msgspec.field(name="displayName", default=None)
    personal: bool = msgspec.field(name="isPersonalSite", default=False)


class SitePage(msgspec.Struct):
    """GET /sites/getAllSites, /sites?search=*"""

    value: list[SiteFound]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)


class Library(msgspec.Struct):
    """A document library."""

    name: str = ""
    web_url: str = msgspec.field(name="webUrl", default="")


class Libraries(msgspec.Struct):
    """GET /sites/{id}/drives"""

    value: list[Library] = []


class Reply(msgspec.Struct):
    """One answer of a batch."""

    id: str
    status: int
    body: msgspec.Raw = msgspec.Raw(b"{}")


class Replies(msgspec.Struct):
    """POST /$batch"""

    responses: list[Reply]


class Anything(msgspec.Struct):
    """An answer of which nothing is read."""
