"""What is read of Google's answers: only the fields that are used."""

import msgspec


class User(msgspec.Struct):
    """The user of GET /about"""

    permission_id: str = msgspec.field(name="permissionId")
    email: str | None = msgspec.field(name="emailAddress", default=None)


class About(msgspec.Struct):
    """GET /about?fields=user"""

    user: User


class Person(msgspec.Struct):
    """GET /admin/directory/v1/users/KEY"""

    id: str
    email: str = msgspec.field(name="primaryEmail")
    administrator: bool = msgspec.field(name="isAdmin", default=False)
    customer: str = msgspec.field(name="customerId", default="")
