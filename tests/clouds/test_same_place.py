"""A copy into itself is refused, by whichever way its sides are reached: a source is never written to (T54, T55)."""

from pathlib import Path

import pytest

from tests.clouds.person import Person
from tests.connectors.google_api import DriveApi

WITHIN, SAME, AROUND = (
    "the destination lies inside the source",
    "are the same",
    "the source lies inside the destination",
)


@pytest.mark.parametrize(
    ("service_id", "other"),
    [
        ("dropbox", "dropbox-business:/{user}/"),
        ("box", "box-enterprise:/{user}/"),
        pytest.param("google-drive", "google-workspace:/{user}/My Drive/", marks=pytest.mark.slow),
        pytest.param("egnyte", None, marks=pytest.mark.slow),
    ],
)
def test_a_copy_into_itself(person: Person, tmp_path: Path, service_id: str, other: str | None) -> None:
    """In another spelling where that is one place, and by an administrator's connector."""
    person.connect(service_id)
    source = person.at(service_id, "Ours")
    (tmp_path / "tree" / "deep").mkdir(parents=True)
    (tmp_path / "tree" / "deep" / "a.txt").write_text("a")
    person.copies(tmp_path / "tree", source)
    ways = [] if service_id == "google-drive" else [person.at(service_id, "OURS")]
    if other is not None:
        user = person.account(service_id)
        person.connect(other.partition(":")[0])
        ways.append(f"{other.format(user=user)}Ours")
    for way in ways:
        for first, second, why in (
            (source, f"{way}/new/one", WITHIN),
            (source, way, SAME),
            (f"{source}/deep", way, AROUND),
        ):
            refused = person("copy", first, second, "--json")
            assert refused.code == 2, (first, second, refused.out)
            assert why in refused.out, (first, second, refused.out)
    assert person.copies(source, tmp_path / "back").counts["listed"] == 2


def test_a_folder_by_its_address(person: Person, tmp_path: Path) -> None:
    """Google's addresses say nothing of where a folder lies."""
    person.connect("google-drive")
    (tmp_path / "source" / "addressed").mkdir(parents=True)
    (tmp_path / "source" / "addressed" / "a.txt").write_text("a")
    person.copies(tmp_path / "source", "google-drive:/By address")
    api = DriveApi(person.sandbox, person.account("google-drive"))
    (folder,) = api.found("name = 'addressed' and trashed = false and 'me' in owners")
    address = f"google-drive:/https://drive.google.com/drive/folders/{folder['id']}"
    refused = person("copy", "google-drive:/By address", f"{address}/there", "--json")
    assert (refused.code, WITHIN in refused.out) == (2, True), refused.out
