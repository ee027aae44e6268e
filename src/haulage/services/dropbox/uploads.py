"""Uploads: sessions, and one commit for many small files, so that they do not queue for their namespace's lock (Q8)."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec

from haulage.model.errors import HaulageError, Mismatch, OutcomeUnknown, SessionGone, Throttled
from haulage.model.item import Carried
from haulage.services.contract import Json, Precondition
from haulage.services.dropbox.calls import Calls
from haulage.services.dropbox.items import Batch, Finished, Metadata, Session, time_text
from haulage.services.dropbox.refusals import OffsetRefused, meaning, tags

MOST_IN_BATCH = 1000


def commit_of(path: str, carried: Carried, condition: Precondition) -> dict[str, Any]:
    """What is to become of a session's bytes. A condition is held by Dropbox itself."""
    mode: Any = "overwrite"
    if condition.absent:
        mode = "add"
    elif condition.revision is not None:
        mode = {".tag": "update", "update": condition.revision}
    commit = {"path": path, "mode": mode, "autorename": False, "mute": True, "strict_conflict": condition.absent}
    if carried.modified_us is not None and (text := time_text(carried.modified_us)) is not None:
        commit["client_modified"] = text
    return commit


class Commits:
    """Finishes closed sessions, those that come while one commit is under way all in the next one."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._waiting: list[tuple[dict[str, Any], asyncio.Future[Metadata]]] = []
        self._working: asyncio.Task[None] | None = None

    async def finish(self, session_id: str, size: int, commit: Mapping[str, Any]) -> Metadata:
        """The file that a closed session became. Raises Conflict, QuotaFull, NameRefused, OutcomeUnknown."""
        entry = {"cursor": {"session_id": session_id, "offset": size}, "commit": dict(commit)}
        done: asyncio.Future[Metadata] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, done))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work())
        return await done

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST_IN_BATCH], self._waiting[MOST_IN_BATCH:]
            try:
                await self._commit(batch)
            except HaulageError as error:
                for _, done in batch:
                    if not done.done():
                        done.set_exception(error)

    async def _commit(self, batch: list[tuple[dict[str, Any], asyncio.Future[Metadata]]]) -> None:
        entries = [entry for entry, _ in batch]
        route = "files/upload_session/finish_batch_v2"
        told = await self._calls.ask(route, {"entries": entries}, Batch, repeatable=False)
        if len(told.entries) != len(batch):
            raise OutcomeUnknown("Dropbox: the answer to a commit is about another number of files")
        for raw, (entry, done) in zip(told.entries, batch, strict=True):
            if done.done():
                continue
            outcome = self._calls.decoded(raw, "finish_batch_v2", Finished)
            if outcome.tag == "success":
                done.set_result(self._calls.decoded(raw, "finish_batch_v2", Metadata))
                continue
            found = tags(msgspec.json.decode(outcome.failure))
            error = meaning(found, f"Dropbox: {entry['commit']['path']} was refused ({'/'.join(found)[:80]})")
            if isinstance(error, Throttled):
                self._waiting.append((entry, done))  # the lock was somebody else's; the next commit takes it along
                self._calls.pacer.throttled(error.wait_seconds)
            else:
                done.set_exception(error)

    async def close(self) -> None:
        """Wait for what is under way."""
        if self._working is not None:
            await asyncio.gather(self._working, return_exceptions=True)


async def small(calls: Calls, body: bytes | memoryview, digest: str | None) -> str:
    """A closed session of all the bytes. digest: their content_hash, which Dropbox checks."""
    argument: dict[str, Any] = {"close": True}
    if digest is not None:
        argument["content_hash"] = digest
    session = await calls.send("files/upload_session/start", argument, body, Session, repeatable=True)
    return session.session_id


async def append(calls: Calls, state: Json, offset: int, body: memoryview, digest: str | None) -> None:
    """Send one part, or what the session lacks of it. Raises SessionGone, Mismatch."""
    try:
        await _append(calls, state, offset, body, digest)
    except OffsetRefused as refused:
        if refused.at == offset + len(body):
            return
        if not offset < refused.at < offset + len(body):
            raise SessionGone(f"the session stands at byte {refused.at}, and not at {offset}") from None
        await _append(calls, state, refused.at, body[refused.at - offset :], None)


async def _append(calls: Calls, state: Json, offset: int, body: memoryview, digest: str | None) -> None:
    argument: dict[str, Any] = {"cursor": {"session_id": state["session"], "offset": offset}, "close": False}
    if digest is not None:
        argument["content_hash"] = digest
    await calls.send("files/upload_session/append_v2", argument, body, type(None), repeatable=True)


async def held(calls: Calls, state: Json, part_bytes: int) -> Mapping[int, Json] | None:
    """Receipts of the whole parts that a session has; None where it is gone. It is asked by a wrong offset (Q8)."""
    size = int(state["size"])
    try:
        await _append(calls, state, size + 1, memoryview(b""), None)
    except OffsetRefused as refused:
        at = refused.at
    except SessionGone:
        return None
    else:
        raise Mismatch("Dropbox: a session took a byte that it cannot have")
    whole = -(-size // part_bytes) if at >= size else at // part_bytes
    sizes = [min(part_bytes, size - index * part_bytes) for index in range(whole)]
    return {number: {"number": number, "size": one} for number, one in enumerate(sizes, 1)}


async def finish(calls: Calls, state: Json, commit: Mapping[str, Any]) -> Metadata:
    """The file that a session became. Raises Conflict, SessionGone, OutcomeUnknown."""
    argument = {"cursor": {"session_id": state["session"], "offset": state["size"]}, "commit": dict(commit)}
    try:
        return await calls.send("files/upload_session/finish", argument, b"", Metadata)
    except OffsetRefused as refused:
        raise SessionGone(f"the session holds {refused.at} bytes of {state['size']}") from refused
