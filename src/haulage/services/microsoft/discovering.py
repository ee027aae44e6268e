"""What an administrator can choose from: users with and without a OneDrive, and sites with their document libraries."""

from collections.abc import AsyncIterator, Sequence
from typing import TypeVar
from urllib.parse import quote

import msgspec

from haulage.model.errors import Mismatch, Throttled
from haulage.services.authorisation import Root
from haulage.services.bearer import Api
from haulage.services.microsoft.graph import GRAPH
from haulage.services.microsoft.wire import Libraries, Person, Replies, Reply, SiteFound, SitePage, UserPage

BATCH = 20  # calls in one; learn.microsoft.com/graph/json-batching
T = TypeVar("T")


async def discovered(api: Api, *, as_app: bool) -> list[Root]:
    """Users first, then libraries. A user without a OneDrive is told as such. Raises Denied, Mismatch."""
    people = [person async for person in _users(api)]
    drives = await _batched(api, [f"/users/{quote(person.id)}/drive?$select=id" for person in people])
    roots = []
    for person, drive in zip(people, drives, strict=True):
        name = person.user_principal_name or person.mail or person.id
        kind = "user" if drive.status == 200 else "user without a OneDrive"
        roots.append(Root(kind, name, name, person.display_name or "", _aliases(person, name)))
    sites = [site async for site in _sites(api, as_app) if not site.personal]
    found = await _batched(api, [f"/sites/{quote(site.id)}/drives?$select=name,webUrl" for site in sites])
    for site, answer in zip(sites, found, strict=True):
        libraries = msgspec.json.decode(answer.body, type=Libraries).value if answer.status == 200 else []
        roots += [Root("library", f"{site.name or site.id}: {one.name}", one.web_url) for one in libraries]
    return roots


def _aliases(person: Person, name: str) -> tuple[str, ...]:
    """Other addresses: `proxyAddresses` holds them as smtp:address, the primary one as SMTP:address."""
    kinds = [one.partition(":")[::2] for one in person.proxy_addresses]
    addresses = [address for kind, address in kinds if kind.lower() == "smtp"]
    return tuple(dict.fromkeys(one for one in (person.mail, *addresses) if one and one.lower() != name.lower()))


async def _users(api: Api) -> AsyncIterator[Person]:
    url: str | None = f"{GRAPH}/users?$select=id,userPrincipalName,mail,displayName,proxyAddresses&$top=999"
    while url is not None:
        page = await api.get("ListUsers", url, UserPage)
        for person in page.value:
            yield person
        url = _following(url, page.next_link)


async def _sites(api: Api, as_app: bool) -> AsyncIterator[SiteFound]:
    """All sites for an application, those that the search shows for a person: only applications may list all."""
    url: str | None = f"{GRAPH}/sites/getAllSites" if as_app else f"{GRAPH}/sites?search=*"
    while url is not None:
        page = await api.get("ListSites", url, SitePage)
        for site in page.value:
            yield site
        url = _following(url, page.next_link)


def _following(url: str, following: str | None) -> str | None:
    if following == url:
        raise Mismatch("Microsoft: the list of users or sites goes in a circle")
    return following


async def _batched(api: Api, paths: Sequence[str]) -> list[Reply]:
    """The answers to GETs, in their order. Those that were throttled are asked again after what was asked to wait."""
    answers: dict[int, Reply] = {}
    for start in range(0, len(paths), BATCH):
        asked = {str(start + index): path for index, path in enumerate(paths[start : start + BATCH])}
        while asked:
            requests = [{"id": name, "method": "GET", "url": path} for name, path in asked.items()]
            told = await api.post("Batch", f"{GRAPH}/$batch", Replies, {"requests": requests})
            done = {one.id: one for one in told.responses if one.status not in (429, 503)}
            answers |= {int(name): one for name, one in done.items() if name in asked}
            if not done:
                raise Throttled("Microsoft: every call of a batch was throttled", None)
            asked = {name: path for name, path in asked.items() if name not in done}
    return [answers[number] for number in range(len(paths))]
