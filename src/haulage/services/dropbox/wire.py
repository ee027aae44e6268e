"""What is read of Dropbox's answers: only the fields that are used."""

import msgspec


class Account(msgspec.Struct):
    """users/get_current_account"""

    account_id: str
    email: str


class AdminProfile(msgspec.Struct):
    """Who signed in for a team."""

    team_member_id: str
    email: str = ""


class Admin(msgspec.Struct):
    """team/token/get_authenticated_admin"""

    admin_profile: AdminProfile


class Team(msgspec.Struct):
    """team/get_info"""

    team_id: str
    name: str
