"""Which operation a call is: a table of the vendors' own paths."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import msgspec

from haulage.sandbox.frame.wire import Answer, Call, segments

Handler = Callable[[Call], Awaitable[Answer] | Answer]


class Route(msgspec.Struct, frozen=True):
    """One endpoint.

    path: `/drive/v3/files/{id}`; a part in braces takes one segment, a last part `{rest*}` all that is left (decoded,
    joined by slashes). operation: the vendor's own name of it. source: the vendor's page it was written from, as a key
    of the service's `sources`. scope: what the token must allow, in the vendor's words ("" for none).
    """

    method: str
    host: str
    path: str
    operation: str
    source: str
    handler: Handler
    scope: str = ""
    details: dict[str, Any] = {}


class _Node:
    __slots__ = ("ends", "named", "rest", "words")

    def __init__(self) -> None:
        self.words: dict[str, _Node] = {}
        self.named: _Node | None = None
        self.ends: dict[str, Route] = {}
        self.rest: dict[str, Route] = {}


class Table:
    """The routes of one service, found by host, method and path; a literal segment wins over a named one."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = list(routes)
        self._roots: dict[str, _Node] = {"": _Node()}
        for route in self.routes:
            for host in ("", *route.host.split()):
                self._add(self._roots.setdefault(host, _Node()), route)

    def _add(self, node: _Node, route: Route) -> None:
        for part in route.path.split("/")[1:]:
            if part.endswith("*}"):
                node.rest.setdefault(route.method, route)
                return
            if part.startswith("{") and part.endswith("}"):
                node.named = node.named or _Node()
                node = node.named
            else:
                node = node.words.setdefault(part, _Node())
        node.ends.setdefault(route.method, route)

    def find(self, host: str, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route of a call and the named parts of its path, decoded; None if there is none."""
        root = self._roots.get(host)
        parts = segments(path)
        route = self._walk(root, method, parts, 0) if root else None
        if route is None:
            return None
        params = {}
        for at, word in enumerate(route.path.split("/")[1:]):
            if word.endswith("*}"):
                params[word[1:-2]] = "/".join(parts[at:])
            elif word.startswith("{") and word.endswith("}"):
                params[word[1:-1]] = parts[at]
        return route, params

    def _walk(self, node: _Node, method: str, parts: list[str], at: int) -> Route | None:
        if at == len(parts):
            return node.ends.get(method)
        found = None
        if (word := node.words.get(parts[at])) is not None:
            found = self._walk(word, method, parts, at + 1)
        if found is None and node.named is not None and parts[at]:
            found = self._walk(node.named, method, parts, at + 1)
        return found or node.rest.get(method)
