"""What is read of Google's answers: only the fields that are used."""

import msgspec


class User(msgspec.Struct):
    """The user of GET /about"""

    permission_id: str = msgspec.field(name="permissionId")
    email: str | None = msgspec.field(name="emailAddress", default=None)


class About(msgspec.Struct):
    """GET /about?fields=user"""

    user: User


class FullName(msgspec.Struct):
    """A person's name"""

    full: str = msgspec.field(name="fullName", default="")


class Person(msgspec.Struct):
    """GET /admin/directory/v1/users/KEY"""

    id: str
    email: str = msgspec.field(name="primaryEmail")
    administrator: bool = msgspec.field(name="isAdmin", default=False)
    suspended: bool = False
    aliases: list[str] = []
    name: "FullName | None" = None
    customer: str = msgspec.field(name="customerId", default="")


class People(msgspec.Struct):
    """A page of GET /admin/directory/v1/users"""

    users: list[Person] = []
    next_token: str | None = msgspec.field(name="nextPageToken", default=None)


class Member(msgspec.Struct):
    """One of a group's"""

    email: str = ""
    kind: str = msgspec.field(name="type", default="")


class Members(msgspec.Struct):
    """A page of GET /admin/directory/v1/groups/KEY/members"""

    members: list[Member] = []


class Grant(msgspec.Struct):
    """Who may do what in a shared drive"""

    kind: str = msgspec.field(name="type")
    role: str = ""
    email: str = msgspec.field(name="emailAddress", default="")
    deleted: bool = False


class Grants(msgspec.Struct):
    """A page of GET /drive/v3/files/ID/permissions"""

    permissions: list[Grant] = []
    next_token: str | None = msgspec.field(name="nextPageToken", default=None)
