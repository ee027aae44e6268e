"""What a form says of the address at which browsers come back, before anybody leaves for the service."""

from haulage.model.person import Role
from tests.web.house import House, Visitor, words


async def test_the_form_says_what_has_to_be_registered(house: House) -> None:
    """The tests' server has a port of its own, which no guide knows."""
    house.person("ada", Role.OPERATOR)
    visitor = Visitor(house)
    await visitor.sign_in("ada")
    for service_id in ("box", "dropbox-business"):
        told = words(await visitor.get(f"/connectors/new/{service_id}"))
        assert f"{house.url}/oauth/callback/{service_id} It is another one than in the guide" in told
    assert "https addresses only" in words(await visitor.get("/connectors/new/egnyte"))
    for service_id in ("onedrive", "s3"):
        assert "/oauth/callback/" not in words(await visitor.get(f"/connectors/new/{service_id}"))
    await visitor.close()
