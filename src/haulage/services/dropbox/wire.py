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


class Tagged(msgspec.Struct):
    """A union's tag."""

    tag: str = msgspec.field(name=".tag", default="")


class ProfileName(msgspec.Struct):
    """How a member is called."""

    display_name: str = ""


class SecondaryEmail(msgspec.Struct):
    """A further address of a member; it counts once they have proven that it is theirs."""

    email: str
    is_verified: bool = False


class Profile(msgspec.Struct):
    """A member of a team."""

    email: str
    team_member_id: str
    status: Tagged = msgspec.field(default_factory=Tagged)
    name: ProfileName = msgspec.field(default_factory=ProfileName)
    secondary_emails: list[SecondaryEmail] = []


class Member(msgspec.Struct):
    """One of team/members/list_v2"""

    profile: Profile


class Members(msgspec.Struct):
    """team/members/list_v2"""

    members: list[Member]
    cursor: str
    has_more: bool


class MembersFound(msgspec.Struct):
    """team/members/get_info_v2"""

    members_info: list[msgspec.Raw]


class TeamFolder(msgspec.Struct):
    """One of team/team_folder/list"""

    team_folder_id: str
    name: str
    status: Tagged = msgspec.field(default_factory=Tagged)

    @property
    def usable(self) -> bool:
        """Whether it is in use, and not archived."""
        return self.status.tag == "active"


class TeamFolders(msgspec.Struct):
    """team/team_folder/list"""

    team_folders: list[TeamFolder]
    cursor: str
    has_more: bool
