"""What an administrator's account shows to choose from, in the sandbox."""

from urllib.parse import urlsplit

from haulage.services.authorisation import Access, ListsRoots, Route
from haulage.services.registry import service

from .clouds import Clouds, FixedToken, cloud_place
from .kit import FreePacer


async def test_an_organisations_users_and_libraries(clouds: Clouds) -> None:
    """Every user is told, those without a OneDrive as such; every library by the address that a browser shows."""
    place = cloud_place(clouds, "office365-user")
    chosen, port = service("office365"), urlsplit(place.settings["via"]).port
    assert chosen.authorisation is not None and port is not None
    route = Route(clouds.front.to(port), clouds.ca_pem)
    access = Access({}, "secret", FixedToken(place.settings["token"]), FreePacer(), route, "contract")
    account = chosen.authorisation.open_account(access)
    assert isinstance(account, ListsRoots)
    try:
        roots = await account.roots()
    finally:
        await account.close()
    named = [one for one in roots if one.kind == "user" and one.aliases]
    assert named and all(one.person and one.path not in one.aliases for one in named)
    offered = {one["user"] for one in clouds.sandbox.service("onedrive-business")["accounts"]}
    told = {one.path: one.kind for one in roots}
    assert offered <= told.keys()
    assert place.base in {path for path, kind in told.items() if kind == "user"}
    assert {kind for path, kind in told.items() if "#EXT#" in path} == {"user without a OneDrive"}
    libraries = [path for path, kind in told.items() if kind == "library"]
    assert cloud_place(clouds, "office365-site").base in libraries and len(libraries) > 5
