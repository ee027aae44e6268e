"""Everything that is in a drive, by the record of its changes: one sequence of pages, not a call a folder (Q19)."""

from collections.abc import Iterable, Iterator

import msgspec

from haulage.model.item import Item, Kind, Page
from haulage.services.microsoft.items import SELECT, DriveItem, item_of

FIELDS = f"{SELECT},parentReference,deleted,root"


class Above(msgspec.Struct):
    """Where an item lies; a path is not told here."""

    id: str | None = None


class Node(DriveItem):
    """An item as delta tells it."""

    above: Above = msgspec.field(name="parentReference", default_factory=Above)
    deleted: dict[str, object] | None = None
    root: dict[str, object] | None = None


class Nodes(msgspec.Struct):
    """A page of them."""

    value: list[Node]
    next_link: str | None = msgspec.field(name="@odata.nextLink", default=None)


class Enumeration:
    """Finds the paths of items that tell no more than their parent's id. It remembers folders, not files."""

    def __init__(self) -> None:
        self._paths: dict[str, str] = {}
        self._inside: set[str] = set()
        self._waiting: dict[str, list[Node]] = {}
        self._again: list[str] = []

    def page(self, nodes: Nodes) -> Page:
        """The items of one page that have their place by now; on the last one, what has none makes it incomplete."""
        items = [item for node in nodes.value for item in self._placed(node)]
        again, self._again = tuple(self._again), []
        if nodes.next_link is None and self._waiting:
            count = sum(map(len, self._waiting.values()))
            return Page(items, None, False, f"{count} items lie in folders that the service did not tell", again)
        return Page(items, nodes.next_link, again=again)

    def _placed(self, node: Node) -> Iterator[Item]:
        """The item, and whatever waited for it. What was deleted, lies in a package or was told before is left out."""
        above = node.above.id
        if node.root is not None:
            self._paths[node.id] = ""
            yield from self._below(node)
        elif node.deleted is not None:
            return
        elif above in self._inside:
            self._inside.add(node.id)
            yield from self._below(node)
        elif above is None or above not in self._paths:
            self._waiting.setdefault(above or "", []).append(node)
        else:
            yield from self._at("/".join(filter(None, (self._paths[above], node.name))), node)

    def _at(self, path: str, node: Node) -> Iterator[Item]:
        item = item_of(path, node)
        if item.kind is Kind.OTHER:
            self._inside.add(node.id)
            yield item
            yield from self._below(node)
        elif item.kind is Kind.FOLDER:
            before = self._paths.get(node.id)
            if before == path:
                return
            if before is not None:  # moved while it was listed: what was told of it has other paths now
                self._again.append(path)
            self._paths[node.id] = path
            yield item
            yield from self._below(node)
        elif node.c_tag is None:  # not the revision that the file itself will tell
            self._again.append(path.rpartition("/")[0])
        else:
            yield item

    def _below(self, node: Node) -> Iterator[Item]:
        for one in self._waiting.pop(node.id, ()):
            yield from self._placed(one)


def tells_revisions(nodes: Iterable[Node]) -> bool:
    """Whether all files among them have the tag of their content: work drives leave it out here, as documented."""
    return all(node.c_tag is not None for node in nodes if node.file is not None and node.deleted is None)
