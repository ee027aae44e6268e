"""What moving, copying and deleting come to, for items of any kind."""

from haulage.sandbox.box.desk import Desk
from haulage.sandbox.box.errors import refuse
from haulage.sandbox.box.model import Item, Version
from haulage.sandbox.frame.contents import Content
from haulage.sandbox.frame.wire import Call


class MovingDesk(Desk):
    """A desk whose endpoints move, copy and delete."""

    def place(self, call: Call, item: Item, parent: Item, name: str) -> bool:
        """Move and rename an item; whether either has changed. Raises Refusal."""
        if name == item.name and parent.id == item.parent:
            return False
        if item.kind == "folder" and item.id in {one.id for one in (parent, *self.store.above(parent))}:
            raise refuse(call, 400, "cyclical_folder_structure")
        if item.extra and "move" in item.extra.folder_locks and parent.id != item.parent:
            raise refuse(call, 403, "access_denied_item_locked")
        self.room(call, parent, name, but=item.id, several=item.kind == "folder")
        moved, owner = parent.id != item.parent, parent.owner
        self.store.take_out(item)
        if owner != item.owner:
            self._give(item, owner)
        item.name, item.parent = name, parent.id
        self.store.put(item)
        self.changed(call, item, "move" if moved else "rename", "ITEM_MOVE" if moved else "ITEM_RENAME")
        return True

    def _give(self, item: Item, owner: str) -> None:
        """Everything of one owner's becomes another's: Box gives what lies in a folder to the folder's owner."""
        for one in self.store.within(item):
            self.store.charge(one.owner, -one.content.size)
            self.store.charge(owner, one.content.size)
            one.owner = owner

    def trash(self, call: Call, item: Item) -> None:
        """Put an item into the trash."""
        self.changed(call, item, "trash", "ITEM_TRASH")
        self.store.take_out(item)
        item.trashed_at = self.world.clock.now()
        item.etag += 1
        self.store.state.trash.setdefault(item.owner, {})[item.id] = None

    def duplicate(self, call: Call, item: Item, parent: Item, name: str) -> Item:
        """A copy of an item and all below it; versions, collaborations and links stay behind. Raises Refusal."""
        if not self.store.charge(parent.owner, self.store.size_of(item)):
            raise refuse(call, 403, "storage_limit_exceeded")
        return self._duplicate(call, item, parent, name)

    def _duplicate(self, call: Call, item: Item, parent: Item, name: str, content: Content | None = None) -> Item:
        now, user = self.world.clock.now(), self.user(call)
        made = Item(
            self.store.new_id(), item.kind, name, parent.id, parent.owner, now, now, user, user,
            item.content_created_at, item.content_modified_at, content=content or item.content,
        )  # fmt: skip
        if item.kind == "file":
            made.version = self.store.new_id()
        if item.extra and (item.extra.url or item.extra.description):
            made.more().url, made.more().description = item.extra.url, item.extra.description
        self.store.put(made)
        self.changed(call, made, "copy")
        for child in list(self.store.children.get(item.id, {}).values()):
            one = self.store.state.items[child]
            self._duplicate(call, one, made, one.name)
        return made

    def make(self, call: Call, parent: Item, name: str) -> Item:
        """A new folder in a folder; noted nowhere yet."""
        now, user = self.world.clock.now(), self.user(call)
        made = Item(
            self.store.new_id(), "folder", name, parent.id, parent.owner, now, now, user, user, now, now
        )  # fmt: skip
        self.store.put(made)
        return made

    def renew(self, call: Call, item: Item, content: Content) -> None:
        """Give a file new content; the old becomes a past version."""
        extra = item.more()
        made_at = item.modified_at
        extra.versions.insert(0, Version(item.version, item.name, item.content, made_at, item.modified_by))
        item.content, item.version = content, self.store.new_id()
        self.edited(call, item)
