"""Microsoft's own SDK calls every endpoint of Graph that it knows and the sandbox has.

A program of its own, since the SDK lives in an environment of its own: `python graph_tour.py tenant|business|personal`,
with HTTPS_PROXY and the authority in the environment, and on standard input a JSON document: `offer` (how to connect to
the service), `user` and `token` (who signs in). It fails where an answer is not what it should be, where the SDK cannot
read it, or where an answer has a field that the SDK's models do not know.
"""

import asyncio
import io
import json
import sys
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime
from typing import Any

from azure.core.credentials import AccessToken
from azure.identity import ClientSecretCredential
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.headers_collection import HeadersCollection
from kiota_abstractions.method import Method
from kiota_abstractions.request_information import RequestInformation
from kiota_abstractions.serialization import Parsable
from msgraph import GraphServiceClient
from msgraph.generated.drives.item.items.item.children.children_request_builder import ChildrenRequestBuilder
from msgraph.generated.drives.item.items.item.copy.copy_post_request_body import CopyPostRequestBody
from msgraph.generated.drives.item.items.item.create_link.create_link_post_request_body import CreateLinkPostRequestBody
from msgraph.generated.drives.item.items.item.create_upload_session.create_upload_session_post_request_body import (
    CreateUploadSessionPostRequestBody,
)
from msgraph.generated.drives.item.items.item.invite.invite_post_request_body import InvitePostRequestBody
from msgraph.generated.drives.item.items.item.restore.restore_post_request_body import RestorePostRequestBody
from msgraph.generated.models.drive_item import DriveItem
from msgraph.generated.models.drive_item_uploadable_properties import DriveItemUploadableProperties
from msgraph.generated.models.drive_recipient import DriveRecipient
from msgraph.generated.models.file_system_info import FileSystemInfo
from msgraph.generated.models.folder import Folder
from msgraph.generated.models.item_reference import ItemReference
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.permission import Permission
from msgraph.generated.models.upload_session import UploadSession
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem
from msgraph_core.tasks import LargeFileUploadTask

DEFAULT = ["https://graph.microsoft.com/.default"]
CHUNK = 2 * 320 * 1024
# The service tells these, though its description and the SDK's models lack them.
MORE = {"Identity.email", "IdentitySet.group", "SharePointIdentity.email", "Quota.fileCount"}
WHEN = datetime(2019, 3, 4, 5, 6, 7, tzinfo=UTC)


class Signed:
    """A credential that has its token already."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *_scopes: str, **_more: Any) -> AccessToken:
        return AccessToken(self._token, int(datetime.now(UTC).timestamp()) + 3600)


def unknown(found: Any, path: str = "") -> Iterator[str]:
    """Every field of an answer that the SDK's model has no place for; annotations (`@...`) are nobody's fields."""
    if isinstance(found, list):
        for one in found:
            yield from unknown(one, path)
    elif isinstance(found, Parsable):
        here = type(found).__name__
        extra = (f"{here}.{key}" for key in getattr(found, "additional_data", ()) if "@" not in key)
        yield from (path + one for one in extra if one not in MORE)
        for one in vars(found).values():
            if isinstance(one, (list, Parsable)):
                yield from unknown(one, f"{here}/")


def known(answer: Any) -> Any:
    """The answer, read whole. Raises AssertionError."""
    assert answer is not None, "the SDK read nothing"
    assert not (odd := sorted(set(unknown(answer)))), f"unknown to the SDK: {odd}"
    return answer


async def refused(call: Coroutine[Any, Any, Any], code: str, status: int) -> None:
    """That a call is refused, with Microsoft's error."""
    try:
        await call
    except ODataError as error:
        assert error.error is not None and error.error.code == code, error
        assert error.response_status_code == status, error
    else:
        raise AssertionError(f"not refused with {code}")


async def every(first: Any, builder: Any) -> list[Any]:
    """All entries of a collection, by its next links."""
    found, page = list(known(first).value), first
    while page.odata_next_link:
        page = known(await builder.with_url(page.odata_next_link).get())
        found += page.value
    return found


async def tenant(graph: GraphServiceClient, given: dict[str, Any]) -> None:
    """The directory and the sites, as the application itself."""
    organisation = known(await graph.organization.get()).value
    assert [one.id for one in organisation] == [given["offer"]["details"]["tenant"]]
    query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(top=5, select=["id", "userPrincipalName", "mail"])
    people = await every(await graph.users.get(RequestConfiguration(query_parameters=query)), graph.users)
    assert given["user"] in {one.user_principal_name for one in people}
    person = graph.users.by_user_id(given["user"])
    assert known(await person.get()).display_name
    assert known(await person.license_details.get()).value
    drive = known(await person.drive.get())
    assert drive.drive_type == "business" and drive.owner.user and drive.quota.total > drive.quota.used
    assert drive.id in {one.id for one in known(await person.drives.get()).value}
    groups = await every(await graph.groups.get(), graph.groups)
    group = graph.groups.by_group_id(groups[0].id)
    assert known(await group.get()).display_name == groups[0].display_name
    assert known(await group.members.get()).value
    await sites(graph, groups)
    assert known(await person.revoke_sign_in_sessions.post()).value is True
    await refused(graph.users.by_user_id("nobody@aurora.example").get(), "Request_ResourceNotFound", 404)
    await refused(graph.me.get(), "BadRequest", 400)


async def sites(graph: GraphServiceClient, groups: list[Any]) -> None:
    """Sites, their libraries, and those of groups."""
    everywhere = await every(await graph.sites.get_all_sites.get(), graph.sites.get_all_sites)
    listed = await every(await graph.sites.get(), graph.sites)
    assert {one.id for one in listed} & {one.id for one in everywhere}
    root = graph.sites.by_site_id("root")
    assert known(await root.get()).root is not None
    known(await root.sites.get())
    libraries = known(await root.drives.get()).value
    assert known(await root.drive.get()).id in {one.id for one in libraries}
    assert {one.drive_type for one in libraries} == {"documentLibrary"}
    names = {one.display_name for one in everywhere}
    teams = [one.id for one in groups if one.display_name in names]
    team = graph.groups.by_group_id(teams[0])
    assert known(await team.drive.get()).id in {one.id for one in known(await team.drives.get()).value}


class Tour:
    """Of somebody's own drive. kind: business or personal."""

    def __init__(self, graph: GraphServiceClient, kind: str, drive: str, root: str) -> None:
        self.graph, self.business, self.drive, self.root = graph, kind == "business", drive, root
        self.items = graph.drives.by_drive_id(drive).items
        self.folder = ""

    def at(self, path: str) -> Any:
        """An item by its path below the tour's folder."""
        return self.items.by_drive_item_id(f"{self.folder}:/{path}:")

    async def reading(self) -> None:
        """Listings, pages, delta and search."""
        root = self.items.by_drive_item_id(self.root)
        assert known(await self.graph.drives.by_drive_id(self.drive).root.get()).id == self.root
        query = ChildrenRequestBuilder.ChildrenRequestBuilderGetQueryParameters(top=3)
        first = await root.children.get(RequestConfiguration(query_parameters=query))
        assert first is not None and first.odata_next_link
        names = [one.name for one in await every(first, root.children)]
        assert len(set(names)) == len(names) > 3
        page = known(await root.delta.get())
        while page.odata_next_link:
            page = known(await root.delta.with_url(page.odata_next_link).get())
        assert page.odata_delta_link
        latest = known(await root.delta_with_token("latest").get())
        assert latest.value == [] and latest.odata_delta_link
        found = known(await root.search_with_q(names[0]).get()).value
        assert names[0] in {one.name for one in found}
        await refused(self.items.by_drive_item_id(f"{self.root}:/not there:").get(), "itemNotFound", 404)

    async def writing(self) -> None:
        """A folder and files in it: made, found, changed, moved, copied, deleted and brought back."""
        wanted = DriveItem(name=f"Tour é {datetime.now(UTC):%H%M%S}", folder=Folder())
        wanted.file_system_info = FileSystemInfo(created_date_time=WHEN, last_modified_date_time=WHEN)
        made = known(await self.items.by_drive_item_id(self.root).children.post(wanted))
        assert made.file_system_info.last_modified_date_time == WHEN
        self.folder = made.id
        small = known(await self.at("a b#c.txt").content.put(b"one"))
        assert small.size == 3 and small.file.hashes.quick_xor_hash
        assert await self.at("a b#c.txt").content.get() == b"one"
        assert known(await self.items.by_drive_item_id(small.id).content.put(b"three")).id == small.id
        change = DriveItem(name="d.txt", file_system_info=FileSystemInfo(last_modified_date_time=WHEN))
        changed = known(await self.items.by_drive_item_id(small.id).patch(change))
        assert (changed.name, changed.file_system_info.last_modified_date_time) == ("d.txt", WHEN)
        inner = known(
            await self.items.by_drive_item_id(self.folder).children.post(DriveItem(name="in", folder=Folder()))
        )
        moved = known(
            await self.items.by_drive_item_id(small.id).patch(DriveItem(parent_reference=ItemReference(id=inner.id)))
        )
        assert moved.id == small.id and moved.parent_reference.id == inner.id
        await self._copied(small.id)
        await self._deleted(small.id)

    async def _copied(self, item: str) -> None:
        headers = HeadersCollection()
        headers.add("Prefer", "respond-async")
        to = ItemReference(drive_id=self.drive, id=self.folder)
        configuration = RequestConfiguration(headers=headers)
        await self.items.by_drive_item_id(item).copy.post(
            CopyPostRequestBody(parent_reference=to, name="copy.txt"), configuration
        )
        for _ in range(100):
            found = known(await self.items.by_drive_item_id(self.folder).children.get()).value
            if any(one.name == "copy.txt" for one in found):
                return
            await asyncio.sleep(0.1)
        raise AssertionError("the copy did not arrive")

    async def _deleted(self, item: str) -> None:
        copy = known(await self.at("copy.txt").get())
        await self.items.by_drive_item_id(copy.id).delete()
        await refused(self.items.by_drive_item_id(copy.id).get(), "itemNotFound", 404)
        if self.business:
            await self.items.by_drive_item_id(item).permanent_delete.post()
        else:
            body = RestorePostRequestBody(name="back.txt")
            assert known(await self.items.by_drive_item_id(copy.id).restore.post(body)).name == "back.txt"

    async def versions(self) -> None:
        """Each content of a file stays, and can be brought back."""
        for text in (b"first", b"second"):
            item = known(await self.at("v.bin").content.put(text))
        versions = self.items.by_drive_item_id(item.id).versions
        listed = known(await versions.get()).value
        assert len(listed) == 2 and listed[0].size == 6
        assert known(await versions.by_drive_item_version_id(listed[1].id).get()).size == 5
        assert await versions.by_drive_item_version_id(listed[1].id).content.get() == b"first"
        await versions.by_drive_item_version_id(listed[1].id).restore_version.post()
        assert await self.at("v.bin").content.get() == b"first"
        if self.business:
            await versions.by_drive_item_version_id(listed[1].id).delete()
            assert listed[1].id not in {one.id for one in known(await versions.get()).value}

    async def session(self) -> None:
        """A file in fragments, one that the SDK's own helper sends, and a session that is given up."""
        data = bytes(range(256)) * 6_000  # 1.5 MB: three fragments
        opened = await self._open("large.bin")
        for begin in range(0, len(data), CHUNK):
            part = data[begin : begin + CHUNK]
            told = await self._sent(opened.upload_url, f"bytes {begin}-{begin + len(part) - 1}/{len(data)}", part)
            last = begin + len(part) == len(data)
            assert last or told.next_expected_ranges[0].startswith(f"{begin + len(part)}-")
            if not last:
                asked = await self._call(Method.GET, opened.upload_url, UploadSession)
                assert asked.next_expected_ranges[0].startswith(f"{begin + len(part)}-")
        large = known(await self.at("large.bin").get())
        assert large.size == len(data)
        assert await self.items.by_drive_item_id(large.id).content.get() == data
        if self.business:  # the helper cannot read the open ranges of consumer drives
            opened = await self._open("helped.bin")
            await LargeFileUploadTask(opened, self.graph.request_adapter, io.BytesIO(data), DriveItem, CHUNK).upload()
            assert await self.at("helped.bin").content.get() == data
        opened = await self._open("never.bin")
        await self._call(Method.DELETE, opened.upload_url, None)
        await refused(self.at("never.bin").get(), "itemNotFound", 404)

    async def _open(self, name: str) -> UploadSession:
        body = CreateUploadSessionPostRequestBody(item=DriveItemUploadableProperties(name=name))
        opened: UploadSession = known(await self.at(name).create_upload_session.post(body))
        assert opened.upload_url and opened.expiration_date_time
        return opened

    async def _call(self, method: Method, url: str, kind: Any) -> Any:
        """At an address that was given away, by the SDK's own adapter."""
        info = RequestInformation()
        info.url, info.http_method = url, method
        if kind is None:
            return await self.graph.request_adapter.send_no_response_content_async(info, {})
        return known(await self.graph.request_adapter.send_async(info, kind, {}))

    async def _sent(self, url: str, content_range: str, data: bytes) -> Any:
        info = RequestInformation()
        info.url, info.http_method = url, Method.PUT
        info.headers.try_add("Content-Range", content_range)
        info.set_stream_content(data)
        return await self.graph.request_adapter.send_async(info, UploadSession, {})

    async def sharing(self, other: str) -> None:
        """Somebody is invited, gets more and then nothing; a link."""
        item = self.items.by_drive_item_id(known(await self.at("shared.txt").content.put(b"shared")).id)
        body = InvitePostRequestBody(
            recipients=[DriveRecipient(email=other)], roles=["read"], require_sign_in=True, send_invitation=False
        )
        invited = known(await item.invite.post(body)).value[0]
        one = item.permissions.by_permission_id(invited.id)
        assert known(await one.get()).roles == ["read"]
        assert known(await one.patch(Permission(roles=["write"]))).roles == ["write"]
        assert invited.id in {each.id for each in known(await item.permissions.get()).value}
        await one.delete()
        assert invited.id not in {each.id for each in known(await item.permissions.get()).value}
        link = known(await item.create_link.post(CreateLinkPostRequestBody(type="view", scope="anonymous")))
        assert link.link.web_url.startswith("https://")

    async def batch(self) -> None:
        """Three calls in one, one of which finds nothing."""
        one = self.graph.drives.by_drive_id(self.drive)
        asked = {
            "drive": one.to_get_request_information(),
            "root": one.items.by_drive_item_id(self.root).to_get_request_information(),
            "none": one.items.by_drive_item_id(f"{self.root}:/not there:").to_get_request_information(),
        }
        batch = BatchRequestContent()
        for name, information in asked.items():
            item = BatchRequestItem(information, name)
            item.url = item.url.replace("https://graph.microsoft.com/v1.0/", "")  # which the SDK forgets
            batch.add_request(name, item)
        answers = await self.graph.batch.post(batch)
        told = {name: answer.status for name, answer in answers.responses.items()}
        assert told == {"drive": 200, "root": 200, "none": 404}, told  # their bodies the SDK does not keep


async def own(kind: str, graph: GraphServiceClient, given: dict[str, Any]) -> None:
    """Everything that somebody does with the own drive."""
    me = known(await graph.me.get())
    assert me.user_principal_name
    drive = known(await graph.me.drive.get())
    assert drive.drive_type == kind and drive.id in {one.id for one in known(await graph.me.drives.get()).value}
    assert known(await graph.drives.by_drive_id(drive.id).get()).id == drive.id
    root = known(await graph.drives.by_drive_id(drive.id).root.get())
    tour = Tour(graph, kind, drive.id, root.id)
    await tour.reading()
    await tour.writing()
    await tour.versions()
    await tour.session()
    await tour.sharing(given["other"])
    await tour.batch()
    if kind == "business":
        assert known(await graph.me.license_details.get()).value


async def main(part: str, given: dict[str, Any]) -> None:
    offer = given["offer"]
    if part == "tenant":
        credential: Any = ClientSecretCredential(offer["details"]["tenant"], offer["client_id"], offer["client_secret"])
        await tenant(GraphServiceClient(credential, DEFAULT), given)
    else:
        await own(part, GraphServiceClient(Signed(given["token"]), DEFAULT), given)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.load(sys.stdin)))
