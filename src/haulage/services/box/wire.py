"""What is read of Box's answers: only the fields that are used."""

import msgspec


class Enterprise(msgspec.Struct):
    """The enterprise of a user."""

    id: str
    name: str = ""


class User(msgspec.Struct):
    """GET /users/me"""

    id: str
    login: str = ""
    name: str = ""
    role: str = ""
    status: str = ""
    enterprise: Enterprise | None = None


class Anything(msgspec.Struct):
    """An answer of which nothing is read."""
