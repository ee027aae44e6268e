"""What people write or paste to name a drive of an organisation."""

import pytest

from haulage.model.errors import Refused
from haulage.services.microsoft.places import anywhere, mine, path_before, site_paths
from haulage.services.microsoft.traits import BUSINESS, PERSONAL, within_path

SITE = "https://contoso.sharepoint.com/sites/Team"


def test_a_users_drive() -> None:
    place = anywhere("alice@contoso.com/Documents/x y")
    assert (place.drive, place.folder) == ("/users/alice@contoso.com/drive", "Documents/x y")
    assert mine("/Documents/").folder == "Documents"


@pytest.mark.parametrize(
    "pasted",
    [
        f"{SITE}/Shared%20Documents/A/B",
        f"{SITE}/Shared Documents/A/B/",
        "https:/contoso.sharepoint.com/sites/Team/Shared%20Documents/A/B",
        f"{SITE}/Shared%20Documents/Forms/AllItems.aspx?id=%2Fsites%2FTeam%2FShared%20Documents%2FA%2FB&viewid=1",
        f"{SITE}/Shared%20Documents/Forms/AllItems.aspx?RootFolder=%2Fsites%2FTeam%2FShared%20Documents%2FA%2FB&View=1",
        f"{SITE}/Shared%20Documents/A/B?web=1#top",
        "https://contoso.sharepoint.com/:f:/r/sites/Team/Shared%20Documents/A/B?csf=1&web=1&e=x",
    ],
)
def test_a_library_as_people_paste_it(pasted: str) -> None:
    place = anywhere(pasted)
    assert (place.host, place.parts) == ("contoso.sharepoint.com", ("sites", "Team", "Shared Documents", "A", "B"))


def test_a_librarys_own_page() -> None:
    assert anywhere(f"{SITE}/Shared%20Documents/Forms/AllItems.aspx").parts == ("sites", "Team", "Shared Documents")
    assert anywhere(f"{SITE}/SitePages/Home.aspx").parts == ("sites", "Team")
    mine = "https://contoso-my.sharepoint.com/personal/a_contoso_com"
    assert anywhere(f"{mine}/_layouts/15/onedrive.aspx?view=0").parts == ("personal", "a_contoso_com")
    shown = f"{mine}/_layouts/15/onedrive.aspx?id=%2Fpersonal%2Fa%5Fcontoso%5Fcom%2FDocuments%2Fx&view=0"
    assert anywhere(shown).parts == ("personal", "a_contoso_com", "Documents", "x")


def test_where_the_site_itself_may_lie() -> None:
    assert site_paths(("sites", "Team", "Sub", "Library"))[:2] == ["sites/Team", "sites/Team/Sub"]
    assert site_paths(("Shared Documents", "A"))[0] == ""


@pytest.mark.parametrize("wrong", ["Documents/x", "alice/x", "https:///x", ""])
def test_what_names_nothing(wrong: str) -> None:
    with pytest.raises(Refused):
        anywhere(wrong)


def test_what_a_library_takes_of_a_path() -> None:
    """400 units from the host on, the site, the library and the folder among them; a person's drive has no site."""
    traits = within_path(BUSINESS, "https://c.sharepoint.com/sites/N%20%C3%A9/Docs", "a/b")
    assert traits.names.longest_path == 400 - len("sites/N é/Docs/a/b/")
    assert within_path(PERSONAL, "https://onedrive.live.com/?cid=1", "").names.longest_path == 400
    assert within_path(PERSONAL, "https://onedrive.live.com/?cid=1", "a").names.longest_path == 398
    assert within_path(BUSINESS, f"https://c.sharepoint.com/{'x' * 400}", "").names.longest_path == 0


def test_what_is_counted_before_a_path_is_told_by_its_name() -> None:
    """A person's site and library, or a site's, with the folder; of what names neither, the path itself (Q12)."""
    assert path_before("ada.l@example.com/From Box") == "personal/ada_l_example_com/Documents/From Box"
    assert path_before("ada@example.com") == "personal/ada_example_com/Documents"
    assert path_before("https://t.sharepoint.com/sites/Name/Shared%20Documents/x") == "sites/Name/Shared Documents/x"
    assert path_before("folder/x") == "folder/x"
