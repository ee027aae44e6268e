"""What is read of Microsoft Graph's answers: only the fields that are used."""

import msgspec


class Person(msgspec.Struct):
    """GET /me"""

    id: str
    user_principal_name: str | None = msgspec.field(name="userPrincipalName", default=None)
    mail: str | None = None


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


class Anything(msgspec.Struct):
    """An answer of which nothing is read."""
