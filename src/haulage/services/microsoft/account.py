"""Whose Microsoft account it is, asked of Graph; and what its refusals mean for an authorisation."""

from haulage.model.errors import (
    AuthLost,
    ConsentPending,
    Denied,
    Gone,
    HaulageError,
    NoLicence,
    NotAdministrator,
    Refused,
    ScopeMissing,
)
from haulage.services.authorisation import Access, Identity, Root
from haulage.services.bearer import Api
from haulage.services.contract import Drive
from haulage.services.microsoft.discovering import discovered
from haulage.services.microsoft.drive import GraphDrive
from haulage.services.microsoft.graph import AGENT, GRAPH
from haulage.services.microsoft.places import anywhere, mine
from haulage.services.microsoft.refusals import reads
from haulage.services.microsoft.traits import BUSINESS, PERSONAL
from haulage.services.microsoft.wire import Anything, DriveFound, Organisations, Person

HOSTS = ("graph.microsoft.com",)


class GraphAccount:
    """One person's OneDrive. kind: the drive type that the connector is for, "personal" or "business"."""

    def __init__(self, access: Access, kind: str) -> None:
        self._api = Api("Microsoft", access, HOSTS, reads, {"User-Agent": AGENT})
        self._access = access
        self._kind = kind

    async def identity(self) -> Identity:
        """See contract. A work account on a connector for personal ones is refused, and the other way round."""
        person = await self._api.get("GetMe", f"{GRAPH}/me?$select=id,userPrincipalName,mail", Person)
        name = person.mail or person.user_principal_name or person.id
        try:
            drive = await self._api.get("GetMyDrive", f"{GRAPH}/me/drive?$select=id,driveType", DriveFound)
        except Gone:
            raise NoLicence(f"Microsoft: {name} has no OneDrive") from None
        except Denied:
            raise ScopeMissing("Microsoft: the authorisation does not include Files.Read.All") from None
        if (drive.kind == "personal") != (self._kind == "personal"):
            there = "a personal one" if drive.kind == "personal" else "one of work or school"
            raise Refused(f"{name} is an account of another kind: {there}", "Choose the other OneDrive service for it.")
        return Identity(person.id, name)

    def open(self, root: str) -> Drive:
        """See OpensDrives."""
        kind = "onedrive" if self._kind == "personal" else "onedrive-business"
        identity = f"{kind}://{self._access.account}/{root.strip('/')}"
        return GraphDrive(self._access, mine(root), identity, PERSONAL if self._kind == "personal" else BUSINESS)

    async def close(self) -> None:
        """Let go of connections."""
        await self._api.close()


class TenantAccount:
    """A whole organisation, by the application's own consent or an administrator's sign-in."""

    def __init__(self, access: Access) -> None:
        self._api = Api("Microsoft", access, HOSTS, reads, {"User-Agent": AGENT})
        self._access = access
        self._as_app = access.way in ("secret", "certificate")

    async def identity(self) -> Identity:
        """See contract. The account is the organisation: any of its administrators may authorise it anew."""
        try:
            told = await self._api.get("GetOrganization", f"{GRAPH}/organization", Organisations)
            await self._api.get("ListUsers", f"{GRAPH}/users?$top=1&$select=id", Anything)
        except Denied as error:
            raise self._not_allowed() from error
        await self._storage()
        if not told.value:
            raise AuthLost("Microsoft: the account belongs to no organisation")
        found = told.value[0]
        domain = next((one.name for one in found.domains if one.default), found.name or found.id)
        return Identity(found.id, domain, administrator=True)

    def open(self, root: str) -> Drive:
        """See OpensDrives. Raises Refused."""
        identity = f"office365://{self._access.account}/{root.strip('/')}"
        return GraphDrive(self._access, anywhere(root), identity, BUSINESS)

    async def roots(self) -> list[Root]:
        """See ListsRoots."""
        return await discovered(self._api, as_app=self._as_app)

    async def _storage(self) -> None:
        try:
            await self._api.get("GetRootSite", f"{GRAPH}/sites/root?$select=id", Anything)
        except Denied as error:
            raise self._not_allowed() from error
        except Gone:
            raise NoLicence("Microsoft: the organisation has no SharePoint") from None

    def _not_allowed(self) -> HaulageError:
        if self._as_app:
            return ConsentPending(
                "Microsoft: the application may not read this organisation's users, sites and files yet",
                "A Global or Privileged Role Administrator has to grant admin consent to its application permissions; "
                "that takes effect after some minutes.",
            )
        return NotAdministrator(
            "Microsoft: this account may not list the organisation's users",
            "Sign in as a SharePoint or Global Administrator, or connect OneDrive for Business (User) instead.",
        )

    async def close(self) -> None:
        """Let go of connections."""
        await self._api.close()


def personal(access: Access) -> GraphAccount:
    """OneDrive Consumer."""
    return GraphAccount(access, "personal")


def business(access: Access) -> GraphAccount:
    """OneDrive for Business, a single user's."""
    return GraphAccount(access, "business")
