"""What is read of Egnyte's answers: only the fields that are used."""

import msgspec


class User(msgspec.Struct):
    """GET /pubapi/v1/userinfo"""

    id: int | str
    username: str
    email: str = ""
    user_type: str = ""
