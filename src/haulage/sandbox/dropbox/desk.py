"""What all of Dropbox's handlers share: who calls, which tree the call sees, how a path leads to an entry."""

import asyncio
from collections.abc import Iterable
from typing import Any, ClassVar

import msgspec

from haulage.sandbox.dropbox.model import Entry, Person
from haulage.sandbox.dropbox.refusals import wait
from haulage.sandbox.dropbox.store import WRITERS, Store
from haulage.sandbox.dropbox.texts import name_error, stored
from haulage.sandbox.dropbox.wire import bad_input, failure, nested, problem, tag_of, tagged
from haulage.sandbox.frame.contents import Content
from haulage.sandbox.frame.history import Change, ChangeKind
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Call, Refusal

INLINE_BYTES = 1 << 20


class View(msgspec.Struct, frozen=True):
    """What a call sees. root: the entry that "" and "/" mean."""

    person: Person
    root: Entry


class Desk:
    """A group of routes. The account that a call acts for is `call.event.actor`."""

    lookup_tag: ClassVar[str] = "path"

    def __init__(self, store: Store) -> None:
        self.store = store
        self.world = store.world

    def routes(self) -> list[Route]:
        """The routes."""
        raise NotImplementedError  # a desk without routes is none

    # Who

    def person(self, call: Call) -> Person:
        """The account that the call acts for."""
        return self.store.state.people[call.event.actor]

    def root_id(self, person: Person) -> str:
        """The namespace that is the root of somebody: of members of a team space that of the team."""
        return self.store.team_root if person.member and self.store.state.team_space else person.home

    def view(self, call: Call) -> View:
        """What the call sees, which is the home unless Dropbox-API-Path-Root says otherwise. Raises Refusal."""
        self.store.grow()
        person = self.person(call)
        told = call.headers.get("Dropbox-API-Path-Root")
        if not told:
            return View(person, self.store.root_of(person.home))
        where = 'HTTP header "Dropbox-API-Path-Root"'
        try:
            wanted = msgspec.json.decode(told)
        except msgspec.DecodeError:
            raise bad_input(call, where, "could not decode input as JSON") from None
        tag = tag_of(wanted)
        if tag == "home":
            return View(person, self.store.root_of(person.home))
        if tag not in ("root", "namespace_id") or not isinstance(wanted, dict) or not isinstance(wanted.get(tag), str):
            raise bad_input(call, where, "expected one of home, root, namespace_id")
        if tag == "root" and wanted[tag] != self.root_id(person):
            raise Refusal(problem(call, 422, nested("invalid_root") | {"invalid_root": self.root_info(person)}))
        return View(person, self._namespace(call, person, wanted[tag]))

    def _namespace(self, call: Call, person: Person, ns: str) -> Entry:
        """The root of a namespace, for somebody who is in it. Raises Refusal."""
        if ns == self.store.team_root and person.member:
            return self.store.state.entries[f"root/{person.account}"]
        found = self.store.state.namespaces.get(ns)
        if found is None or not self.store.allowed(call, found) or found.status != "active":
            raise Refusal(problem(call, 422, tagged("no_permission")))
        return self.store.root_of(ns)

    def root_info(self, person: Person) -> dict[str, Any]:
        """Where somebody's root and home are."""
        root = self.root_id(person)
        if root == person.home:
            return tagged("user", root_namespace_id=root, home_namespace_id=person.home)
        return tagged("team", root_namespace_id=root, home_namespace_id=person.home, home_path=f"/{person.name}")

    # Where

    def lookup_failed(self, call: Call, *tags: str) -> Refusal:
        """The route's error for a path that leads nowhere."""
        return failure(call, nested(self.lookup_tag, *tags))

    def find(self, call: Call, view: View, path: str, *, gone: bool = False) -> Entry | None:
        """What is at a path; None if nothing is (gone: not even something deleted). Raises Refusal."""
        state = self.store.state
        if path.startswith("id:"):
            head, _, rest = path.partition("/")
            entry = state.entries.get(head)
            if entry is None or not self.sees(call, entry) or (not gone and not self.store.lives(entry)):
                return None
            return self._walk(entry, rest.split("/"), gone=gone) if rest else self._mounted(view, entry)
        if path.startswith("rev:"):
            found = self.store.of_rev(path[4:])
            return found[0] if found and self.sees(call, found[0]) else None
        if path.startswith("ns:"):
            ns, _, rest = path[3:].partition("/")
            root = self._namespace(call, view.person, ns)
            return self._walk(root, rest.split("/"), gone=gone) if rest else root
        if not path:
            return view.root
        parts = path[1:].split("/")
        if not parts[-1]:
            raise self.lookup_failed(call, "malformed_path")
        return self._walk(
            view.root, [part for part in parts if part], gone=gone
        )  # rclone sends `//name` for the root's

    def _mounted(self, view: View, entry: Entry) -> Entry:
        """For the root of a namespace the place where it is mounted, if it is."""
        if entry.parent or entry.id == view.root.id:
            return entry
        mount = self.store.mounts.get(view.person.account, {}).get(entry.ns)
        return self.store.state.entries[mount] if mount else entry

    def _walk(self, entry: Entry, parts: list[str], *, gone: bool) -> Entry | None:
        for part in parts:
            if not entry.folder:
                return None
            found = self.store.child(entry, part)
            if found is None and gone:
                found = self.store.grave(entry, part)
            if found is None:
                return None
            entry = found
        return entry

    def sees(self, call: Call, entry: Entry) -> bool:
        """Whether the account of a call may see an entry."""
        person = self.person(call)
        if entry.ns == self.store.team_root:
            return self.store.owner_of(entry) == person.account
        ns = self.store.state.namespaces.get(entry.ns)
        if ns is not None and self.store.allowed(call, ns):
            return True
        return entry.extra is not None and person.account in entry.extra.members

    def existing(self, call: Call, view: View, path: str) -> Entry:
        """What is at a path. Raises Refusal."""
        if call.fault("denied") is not None:
            raise self.lookup_failed(call, "restricted_content")
        found = self.find(call, view, path)
        if found is None:
            raise self.lookup_failed(call, "not_found")
        if call.fault("locked") is not None:
            raise self.lookup_failed(call, "locked")
        return found

    def place(self, view: View, entry: Entry) -> str | None:
        """The path of an entry in a view, as shown; None where the view does not reach it."""
        names: list[str] = []
        state = self.store.state
        while entry.id != view.root.id:
            if entry.parent:
                names.append(entry.name)
                entry = state.entries[entry.parent]
                continue
            mount = self.store.mounts.get(view.person.account, {}).get(entry.ns)
            if mount is None or (state.entries[mount].ns == self.store.team_root != view.root.ns):
                return None
            entry = state.entries[mount]
        return "/" + "/".join(reversed(names)) if names else ""

    # Writing

    def split(self, call: Call, view: View, path: str) -> tuple[str, list[str]]:
        """Of a path to write: "" or the head that is no name (`id:...`, `ns:...`), and the names. Raises Refusal."""
        head, _, rest = path.partition("/")
        names = [stored(name) for name in rest.lstrip("/").split("/")] if rest else []
        for name in names:
            if error := name_error(name):
                raise self.write_failed(call, error)
        if not names:
            raise self.write_failed(call, "malformed_path")
        return head, names

    def write_failed(self, call: Call, *tags: str) -> Refusal:
        """The route's error for what cannot be written."""
        return failure(call, nested("path", *tags))

    def folder_for(self, call: Call, view: View, path: str) -> tuple[Entry, str]:
        """The folder and the name for what is written to a path; folders that are missing are made. Raises Refusal.

        A path that begins with the id of a file means the place of that file.
        """
        if path.startswith("id:") and "/" not in path:
            entry = self.existing(call, view, path)
            if not entry.parent:
                raise self.write_failed(call, "conflict", "folder")
            return self.store.state.entries[entry.parent], entry.name
        head, names = self.split(call, view, path)
        folder = self.find(call, view, head) if head else view.root
        if folder is None:
            raise self.write_failed(call, "malformed_path")
        missing: list[str] = []
        for at, name in enumerate(names[:-1]):
            found = self.store.child(folder, name)
            if found is None:
                missing = names[at:-1]
                break
            if not found.folder:
                raise self.write_failed(call, "conflict", "file_ancestor")
            folder = found
        folder = self.store.inside(folder)
        self.may_write(call, view, folder)
        for name in missing:
            folder = self.make_folder(call, folder, name)
        return folder, names[-1]

    def may_write(self, call: Call, view: View, folder: Entry) -> None:
        """Refuse those who may only read there, and when the namespace is busy with another's writing."""
        ns = self.store.state.namespaces.get(folder.ns)
        if ns is None or self.store.allowed(call, ns) not in WRITERS:
            raise self.write_failed(call, "no_write_permission")
        self.calm(call, folder.ns)

    def calm(self, call: Call, ns: str | None = None) -> None:
        """Refuse while others write in the same namespace, where the deed `contention` or a fault wants that."""
        if self.store.write_seconds > 0 and ns is not None and not self._holds(call, ns):
            raise Refusal(wait(call, "1", "too_many_write_operations"))
        if (details := call.fault("write_contention")) is not None:
            raise Refusal(wait(call, str(details.get("retry_after", 1)), "too_many_write_operations"))

    def _holds(self, call: Call, ns: str) -> bool:
        """Whether the call may write in the namespace now; others may not until its time is over."""
        until, holder = self.store.busy.get(ns, (0.0, 0))
        if until > self.world.clock.now() and holder != call.event.number:
            return False
        self.store.busy[ns] = (self.world.clock.now() + self.store.write_seconds, call.event.number)
        return True

    def make_folder(self, call: Call, parent: Entry, name: str) -> Entry:
        """A new folder."""
        made = Entry(self.store.new_id(), name, parent.id, parent.ns, folder=True, by=call.event.actor)
        self.store.put(made)
        self.note(call, made, "create")
        return made

    def room(self, call: Call, view: View, size: int) -> None:
        """Refuse what does not fit the account."""
        used = self.store.state.namespaces[view.person.home].used
        if used + size > view.person.allocated or call.fault("quota_full") is not None:
            raise self.write_failed(call, "insufficient_space")

    # Noting

    def note(self, call: Call, entry: Entry, kind: ChangeKind) -> None:
        """Note in the history what the call did."""
        names = [entry.name, *(one.name for one in self.store.above(entry) if one.parent)]
        path = "/" + "/".join(reversed(names))
        key = "" if entry.folder else entry.content.key
        call.event.changes.append(Change(kind, entry.id, entry.ns, path, entry.rev, key, entry.content.size))

    async def hashed(self, contents: Iterable[Content]) -> None:
        """Have the content_hash of each, without holding up the loop for the large ones."""
        known = self.world.contents.known
        for content in contents:
            if content.size > INLINE_BYTES and not known(content, "dropbox"):
                await asyncio.to_thread(self.world.contents.hash, content, "dropbox")
