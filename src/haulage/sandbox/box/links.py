"""Box's shared links and web links."""

from typing import Any

from haulage.sandbox.box.desk import API, Desk
from haulage.sandbox.box.errors import inner, refuse, wrong
from haulage.sandbox.box.model import Item, Link
from haulage.sandbox.box.moving import MovingDesk
from haulage.sandbox.box.shapes import FULL
from haulage.sandbox.box.texts import check_name, read_date
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer

ACCESS = ("open", "company", "collaborators")


def apply_link(desk: Desk, call: Call, item: Item, wanted: Any) -> None:
    """Make, change or (null) remove the shared link of an item. Raises Refusal."""
    if wanted is None:
        if item.extra and item.extra.link:
            item.extra.link = None
            desk.changed(call, item, "permission", "ITEM_SHARED_UNSHARE")
        return
    if not isinstance(wanted, dict) or wanted.get("access", "open") not in (*ACCESS, None):
        raise wrong(call, "shared_link.access", "is none of open, company, collaborators")
    key = desk.world.ids.hex("box", "link", item.id, count=32)
    link = item.more().link or Link(key, "open")
    link.access = wanted.get("access") or link.access
    if "password" in wanted:
        link.password = wanted["password"] or ""
    if "unshared_at" in wanted:
        told = wanted["unshared_at"]
        link.expires_at = read_date(call, told, "unshared_at") if told else 0.0
    if wanted.get("vanity_name"):
        link.vanity = str(wanted["vanity_name"])
    link.can_download = bool(inner(call, wanted, "permissions").get("can_download", link.can_download))
    item.more().link = link
    desk.changed(call, item, "permission", "ITEM_SHARED_CREATE")


class Links(MovingDesk):
    """Sources: developer.box.com/reference/resources/web-link, get-shared-items."""

    def routes(self) -> list[Route]:
        """The endpoints."""
        one = "/2.0/web_links/{id}"
        return [
            Route("GET", API, "/2.0/shared_items", "get_shared_items", "shared-items", self.resolve),
            Route("POST", API, "/2.0/web_links", "post_web_links", "web-link", self.create),
            Route("GET", API, one, "get_web_links_id", "web-link", self.get),
            Route("PUT", API, one, "put_web_links_id", "web-link", self.change),
            Route("DELETE", API, one, "delete_web_links_id", "web-link", self.delete),
        ]

    async def resolve(self, call: Call) -> Answer:
        """What a shared link (header BoxApi) leads to."""
        told = dict(
            pair.partition("=")[::2] for pair in call.headers.get("BoxApi", "").split("&") if "=" in pair
        )  # fmt: skip
        wanted, password = told.get("shared_link", ""), told.get("shared_link_password", "")
        key = wanted.rstrip("/").rpartition("/")[2]
        self.store.ensure_all()
        now = self.world.clock.now()
        for item in self.store.state.items.values():
            link = item.extra.link if item.extra else None
            if link is None or not key or key not in (link.key, link.vanity) or self.store.in_trash(item):
                continue
            if 0 < link.expires_at <= now:
                break
            if link.access == "collaborators" and not self.store.role(self.user(call), item):
                break
            if link.password and link.password != password:
                raise refuse(call, 403, "incorrect_shared_item_password")
            await self.hashed([item.content])
            names = self.fields(call) or FULL[item.kind]
            return json_answer(self.shapes.entry(item, self.user(call), call, names))
        raise refuse(call, 404, "not_found")

    async def create(self, call: Call) -> Answer:
        """A new web link."""
        document = await self.document(call)
        url = document.get("url")
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise wrong(call, "url", "must begin with http:// or https://")
        parent = self.parent(call, document)
        name = check_name(call, document.get("name") or url.split("/")[2])
        self.room(call, parent, name, several=True)
        now, user = self.world.clock.now(), self.user(call)
        made = Item(
            self.store.new_id(), "web_link", name, parent.id, parent.owner, now, now, user, user, now, now
        )  # fmt: skip
        made.more().url, made.more().description = url, str(document.get("description") or "")
        self.store.put(made)
        self.changed(call, made, "create", "ITEM_CREATE")
        return await self.shown(call, made, 201)

    async def get(self, call: Call) -> Answer:
        """One web link."""
        return await self.shown(call, self.item(call, call.params["id"], "web_link"))

    async def change(self, call: Call) -> Answer:
        """Rename, move, share, lead elsewhere."""
        document = await self.document(call)
        item = self.item(call, call.params["id"], "web_link", may="edit")
        name = check_name(call, document["name"]) if "name" in document else item.name
        parent = self.store.state.items[item.parent]
        if isinstance(document.get("parent"), dict):
            parent = self.parent(call, document)
        self.place(call, item, parent, name)
        extra = item.more()
        extra.url = str(document.get("url", extra.url))
        extra.description = str(document.get("description", extra.description) or "")
        if "shared_link" in document:
            apply_link(self, call, item, document["shared_link"])
        self.edited(call, item)
        self.changed(call, item, "metadata", "ITEM_MODIFY")
        return await self.shown(call, item)

    async def delete(self, call: Call) -> Answer:
        """Into the trash."""
        item = self.item(call, call.params["id"], "web_link", may="edit")
        self.trash(call, item)
        return Answer(204)
