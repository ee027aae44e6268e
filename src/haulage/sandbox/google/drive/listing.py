"""drive.files.list.

Sources: developers.google.com/workspace/drive/api/reference/rest/v3/files/list, …/guides/enable-shareddrives (2026-08).
Pages may be short: about 460 entries where `parents` is asked for (google-api-dotnet-client#808).
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from haulage.sandbox.frame.history import Sight
from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer
from haulage.sandbox.frame.world import World
from haulage.sandbox.google.drive.access import APP_DATA, Viewer, flag
from haulage.sandbox.google.drive.model import File
from haulage.sandbox.google.drive.query import Query, parse_order, parse_query, sort
from haulage.sandbox.google.drive.resource import Plan, needs_hashes, plan, render
from haulage.sandbox.google.drive.schema import DEFAULT_FILE_LIST, FILE_LIST
from haulage.sandbox.google.drive.store import Store
from haulage.sandbox.google.errors import KIND, bad_parameter, drive_not_found, invalid, not_found, refuse
from haulage.sandbox.google.fields import Mask, parse

SCOPES = (
    "drive drive.appdata drive.file drive.meet.readonly drive.metadata drive.metadata.readonly drive.photos.readonly "
    "drive.readonly"
)
DEFAULT_SIZE, LARGEST_SIZE, WITH_PARENTS = 100, 1000, 460
CURSOR_SECONDS = 6 * 3600
MOST_CURSORS = 20_000
NEEDS_FLAGS = "The 'supportsAllDrives' parameter must be set to true to use this method on shared drives."


class Cursor(msgspec.Struct):
    """Where the next page begins: the candidates in order, how many of them were looked at, and until when it holds."""

    asked: str
    ids: list[str]
    at: int
    ends: float


class Asked(msgspec.Struct):
    """A call's parameters, understood."""

    viewer: Viewer
    query: Query
    order: list[tuple[str, bool]]
    size: int
    mask: Mask
    chosen: Plan
    key: str


class Listing:
    """The handler of files.list."""

    def __init__(self, world: World, store: Store) -> None:
        self._ids = world.ids
        self._clock = world.clock
        self._store = store
        self._cursors: dict[str, Cursor] = {}
        self._count = 0

    def routes(self) -> list[Route]:
        """Its endpoint."""
        path, details = "/drive/v3/files", {"cost": "list"}
        return [
            Route("GET", "www.googleapis.com", path, "drive.files.list", "files.list", self.listed, SCOPES, details)
        ]

    async def listed(self, call: Call) -> Answer:
        """GET /drive/v3/files; a long one may be a POST with method override and the parameters in a form."""
        if call.method == "POST":
            call.query = {**await call.form(), **call.query}
        asked = self._asked(call)
        token = call.query.get("pageToken", "")
        cursor = self._cursor(asked, token) if token else self._first(asked)
        at = cursor.at
        files, rest = self._take(asked, cursor)
        if needs_hashes(asked.chosen):
            await self._store.hash(files)
        files, rest = self._damaged(call, asked, cursor, at, files, rest)
        call.event.sights += [Sight(one.id, str(one.version)) for one in files]
        told: dict[str, Any] = {"kind": "drive#fileList"}
        if (next_token := self._next(call, asked, cursor, rest, token)) is not None:
            told["nextPageToken"] = next_token
        told["incompleteSearch"] = call.fault("incomplete") is not None
        told["files"] = [render(asked.viewer, one, asked.chosen) for one in files]
        if asked.mask is not None:
            told = {name: value for name, value in told.items() if name in asked.mask}
        return json_answer(told, kind=KIND)

    def _asked(self, call: Call) -> Asked:
        """Checks in Google's order: page size, order, shared drives, then q and fields."""
        query = call.query
        size = int(query.get("pageSize", DEFAULT_SIZE))
        if size < 1:
            raise bad_parameter(f"Invalid value '{size}'. Values must be within the range: [1, 1000]", "page_size")
        order = parse_order(query["orderBy"]) if query.get("orderBy") else []
        self._check_drives(call)
        parsed = parse_query(query.get("q", ""))
        if parsed.full and order:
            raise refuse(
                403, "invalid", "Sorting is not supported for queries with fullText terms.", location="orderBy"
            )
        mask = parse(query.get("fields", DEFAULT_FILE_LIST), FILE_LIST)
        files = None if mask is None else mask.get("files", {})
        size = min(size, LARGEST_SIZE)
        if files is None or "parents" in files:
            size = min(size, WITH_PARENTS)
        names = ("q", "corpora", "driveId", "orderBy", "spaces", "includeItemsFromAllDrives")
        key = "\n".join(query.get(name, "") for name in names)
        viewer = Viewer(self._store, call)
        return Asked(viewer, parsed, order, size, mask, plan(files), f"{viewer.me}\n{key}")

    def _check_drives(self, call: Call) -> None:
        supports = flag(call, "supportsAllDrives") or flag(call, "supportsTeamDrives")
        includes = flag(call, "includeItemsFromAllDrives") or flag(call, "includeTeamDriveItems")
        corpora, drive_id = call.query.get("corpora", "user"), _drive_id(call)
        if includes and not supports:
            raise refuse(403, "supportsTeamDrivesRequired", NEEDS_FLAGS, location="supportsAllDrives")
        if (corpora == "drive") != bool(drive_id):
            message = "The driveId parameter must be specified if and only if corpora is set to drive."
            raise refuse(403, "teamDriveIdRequired", message, location="driveId")
        if corpora in ("drive", "allDrives") and not (includes and supports):
            message = "The includeItemsFromAllDrives and supportsAllDrives parameters must be set for this corpora."
            raise refuse(403, "includeTeamDriveItemsRequired", message, location="includeItemsFromAllDrives")
        for space in call.query.get("spaces", "drive").split(","):
            if space.strip() not in ("drive", "appDataFolder"):
                raise invalid("spaces")

    # which items there are to look at

    def _first(self, asked: Asked) -> Cursor:
        ids = list(self._candidates(asked))
        if asked.order:
            files = [file for one in ids if self._fits(asked, file := self._store.files[one])]
            sort(asked.viewer, files, asked.order)
            ids = [one.id for one in files]
        return Cursor(asked.key, ids, 0, self._clock.now() + CURSOR_SECONDS)

    def _candidates(self, asked: Asked) -> Iterable[str]:
        viewer, query, call = asked.viewer, asked.query, asked.viewer.call
        spaces = {one.strip() for one in call.query.get("spaces", "drive").split(",")}
        if query.parents is not None and call.query.get("corpora", "user") != "domain":
            return self._inside(viewer, query)
        if spaces == {"appDataFolder"}:
            if APP_DATA not in viewer.caller.scopes:
                raise refuse(403, "insufficientScopes", "The granted scopes do not give access to the spaces.")
            store = self._store
            store.app_folder(viewer.caller.account, viewer.caller.project)
            return [one for one in store.owned.get(viewer.me, ()) if store.files[one].get("space")]
        return self._corpus(viewer, call)

    def _inside(self, viewer: Viewer, query: Query) -> Iterable[str]:
        """The children of the folders that are named, the newest first."""
        found: dict[str, None] = {}
        for one in query.parents or ():
            folder = self._store.find(viewer.resolve(one))
            hidden = folder is None or not viewer.sees(folder)
            if hidden or (folder is not None and folder.drive and not viewer.supports_drives()):
                raise not_found("")
            if query.grouped and viewer.call.fault("grouped_empty") is not None:
                continue
            found.update(dict.fromkeys(reversed(self._store.inside(viewer.resolve(one)))))
        return found

    def _corpus(self, viewer: Viewer, call: Call) -> Iterator[str]:
        store, corpora = self._store, call.query.get("corpora", "user")
        if corpora == "drive":
            yield from self._of_drive(viewer, _drive_id(call))
            return
        if corpora == "domain":
            store.plant_all()
            key = store.accounts.domain_key(viewer.caller.account.domain)
            shared = list(store.shared.get(key, ()))
            yield from (one for one in reversed(shared) if self._to_domain(store.files[one], key))
            return
        store.plant_for(viewer.caller.account)
        yield from list(reversed(store.owned.get(viewer.me, {})))
        yield from self._shared(viewer, call)
        if corpora == "allDrives":
            for drive in list(store.drives.values()):
                if viewer.member(drive.id):
                    yield from self._of_drive(viewer, drive.id)

    def _to_domain(self, file: File, key: str) -> bool:
        return any(one.key == key and one.found for one in file.grants)

    def _of_drive(self, viewer: Viewer, drive_id: str) -> list[str]:
        drive = self._store.drives.get(drive_id)
        if drive is None or not viewer.member(drive_id):
            raise drive_not_found(drive_id)
        self._store.plant(drive.owner)
        return [one for one in reversed(self._store.owned.get(drive_id, {})) if one != drive_id]

    def _shared(self, viewer: Viewer, call: Call) -> Iterator[str]:
        """What others gave the caller, or their groups, and what lies below it."""
        store = self._store
        store.plant_all()
        includes = flag(call, "includeItemsFromAllDrives") or flag(call, "includeTeamDriveItems")
        seen: set[str] = set()
        for key in sorted(viewer.principals):
            if key in store.accounts.by_key or key in store.accounts.groups_by_key:
                for one in list(store.shared.get(key, ())):
                    file = store.files[one]
                    if one in seen or file.owner == viewer.me or (file.drive and not includes):
                        continue
                    seen.add(one)
                    yield one
                    if file.folder:
                        yield from self._new_below(viewer, file, seen)

    def _new_below(self, viewer: Viewer, folder: File, seen: set[str]) -> Iterator[str]:
        for file in self._store.below(folder):
            if file.id not in seen and file.owner != viewer.me:
                seen.add(file.id)
                yield file.id

    # one page

    def _take(self, asked: Asked, cursor: Cursor) -> tuple[list[File], int]:
        """The next page, and where the one after it begins (-1: nowhere)."""
        files: list[File] = []
        ids, known = cursor.ids, self._store.files
        for at in range(cursor.at, len(ids)):
            file = known.get(ids[at])
            if file is not None and self._fits(asked, file):
                if len(files) == asked.size:
                    return files, at
                files.append(file)
        return files, -1

    def _fits(self, asked: Asked, file: File) -> bool:
        viewer = asked.viewer
        if not file.parents and file.id in (file.drive, self._store.root_id(viewer.caller.account)):
            return False
        if file.get("space") and not viewer.call.query.get("spaces", "").count("appDataFolder") and (
            asked.query.parents is None
        ):  # fmt: skip
            return False
        return viewer.sees(file) and asked.query.test(viewer, file)

    def _cursor(self, asked: Asked, token: str) -> Cursor:
        found = self._cursors.get(token)
        if found is None or found.asked != asked.key or asked.viewer.call.fault("page_token_invalid") is not None:
            raise invalid("pageToken")
        if found.ends <= self._clock.now() or asked.viewer.call.fault("cursor_expired") is not None:
            raise refuse(403, "pageTokenExpired", "The page token has expired.", location="pageToken")
        return found

    def _next(self, call: Call, asked: Asked, cursor: Cursor, rest: int, token: str) -> str | None:
        if token and call.fault("cursor_loop") is not None:
            return token
        if rest < 0:
            return None
        self._count += 1
        made = "~!!~" + self._ids.base64url("google", "page", self._count, count=80)
        self._cursors[made] = Cursor(asked.key, cursor.ids, rest, cursor.ends)
        while len(self._cursors) > MOST_CURSORS:
            del self._cursors[next(iter(self._cursors))]
        return made

    def _damaged(
        self, call: Call, asked: Asked, cursor: Cursor, at: int, files: list[File], rest: int
    ) -> tuple[list[File], int]:
        """The page as a fault leaves it."""
        if call.fault("page_empty") is not None:
            return [], at  # the same place again, so that nothing is lost
        if call.fault("page_twice") is not None and rest >= 0:
            return files, at
        if call.fault("page_missing") is not None and rest >= 0:
            files, rest = self._take(asked, Cursor(asked.key, cursor.ids, rest, cursor.ends))
        if (late := call.fault("listed_late")) is not None:
            since = self._store.now() - float(late.get("seconds", 30))
            files = [one for one in files if self._store.arrived.get(one.id, 0.0) < since]
        return files, rest


def _drive_id(call: Call) -> str:
    return call.query.get("driveId") or call.query.get("teamDriveId", "")
