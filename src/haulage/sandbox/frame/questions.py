"""What tests ask of the history: who saw what when, what was changed, and who did not wait."""

from collections.abc import Callable, Iterator
from typing import Any

from haulage.sandbox.frame.history import Change, Event
from haulage.sandbox.frame.world import World

Query = dict[str, str]


def _wanted(query: Query) -> Callable[[Event], bool]:
    def wanted(event: Event) -> bool:
        return (
            query.get("service", event.service) == event.service
            and query.get("operation", event.operation) == event.operation
            and query.get("actor", event.actor) == event.actor
            and query.get("path", "") in event.path
            and (
                "item" not in query
                or query["item"] in {one.item for one in event.changes} | {one.item for one in event.sights}
            )
        )

    return wanted


def _events(world: World, query: Query) -> Iterator[Event]:
    limit = int(query.get("limit", 0)) or None
    for count, event in enumerate(world.history.events(_wanted(query), int(query.get("after", 0)))):
        if limit is not None and count >= limit:
            return
        yield event


def _changes(world: World, query: Query) -> Iterator[dict[str, Any]]:
    """Every change, with the SHA-256 of the bytes behind it: was the source ever written to?"""
    for event in _events(world, query):
        for change in event.changes:
            yield _told(world, event, change)


def _told(world: World, event: Event, change: Change) -> dict[str, Any]:
    return {
        "call": event.number, "time": event.time, "service": event.service, "operation": event.operation,
        "actor": event.actor, "kind": change.kind, "drive": change.drive, "item": change.item, "path": change.path,
        "version": change.version, "size": change.size, "sha256": world.contents.sha256_of(change.content),
    }  # fmt: skip


def _states(world: World, query: Query) -> Iterator[dict[str, Any]]:
    """Every content that was ever visible under a name, in order: was a partial object ever there?

    `?drive&under`: only of that drive, and paths that begin with `under`.
    """
    for event in _events(world, {name: value for name, value in query.items() if name != "path"}):
        for change in event.changes:
            if query.get("drive", change.drive) == change.drive and change.path.startswith(query.get("under", "")):
                yield _told(world, event, change)


def _early(world: World, query: Query) -> Iterator[Event]:
    """The calls that came for a scope before the end of what it was asked to wait."""
    return (event for event in _events(world, query) if event.early)


def _sights(world: World, query: Query) -> Iterator[dict[str, Any]]:
    """Who was shown what: each content that was sent, and which part of it."""
    for event in _events(world, query):
        for sight in event.sights:
            yield {
                "call": event.number, "time": event.time, "actor": event.actor, "operation": event.operation,
                "item": sight.item, "version": sight.version, "size": sight.size, "start": sight.start,
                "stop": sight.stop, "sha256": world.contents.sha256_of(sight.content), "sent": event.sent,
            }  # fmt: skip


QUESTIONS: dict[str, Callable[[World, Query], Iterator[Any]]] = {
    "": _events,
    "changes": _changes,
    "states": _states,
    "early": _early,
    "sights": _sights,
}


def ask(world: World, question: str, query: Query) -> Iterator[Any] | None:
    """The answers to a question, in order; None if there is no such question."""
    return QUESTIONS[question](world, query) if question in QUESTIONS else None
