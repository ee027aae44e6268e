"""YAML as a person writes it, read with line numbers and within bounds: texts, lists and keys, and nothing else.

Nothing is guessed: `no`, `1` and `2026-01-01` are the texts that were written. Anchors, aliases, tags and a second
document are refused, so that a short file stays short however it is read.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from haulage.model.errors import Refused

MOST_NODES = 3_000_000
MOST_DEPTH = 8
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""In C, thirty times as quick as any in Python; only its events are used."""
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
EMPTY = frozenset({"", "~", "null", "Null", "NULL"})


class Text(msgspec.Struct, frozen=True, gc=False):
    """A text. line: where it stands, from 1; bare: without quotes."""

    line: int
    value: str
    bare: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing was written, or what stands for nothing."""
        return self.bare and self.value in EMPTY


class Listed(msgspec.Struct, frozen=True, gc=False):
    """A list of nodes."""

    line: int
    items: "tuple[Node, ...]"


class Keys(msgspec.Struct, frozen=True, gc=False):
    """Nodes by their keys, in their order. lines: where each key stands."""

    line: int
    values: "dict[str, Node]"
    lines: dict[str, int]


Node = Text | Listed | Keys


class FileRefused(Refused):
    """It is not as it has to be. line: where."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}", "Correct it and give the file again.")
        self.line = line
        self.why = why


def read(text: str) -> Node:
    """The one document of a file. Raises FileRefused."""
    reader = _Reader(_events(text))
    return reader.document()


def write(document: Any) -> str:
    """As YAML: block style, keys in their order, quotes where a text would be taken for something else."""
    written = yaml.dump(document, Dumper=DUMPER, sort_keys=False, allow_unicode=True, width=2**31 - 1)
    return str(written)


def _events(text: str) -> Iterator[Any]:
    try:
        yield from yaml.parse(text, Loader=LOADER)
    except yaml.reader.ReaderError as error:
        character = error.character if isinstance(error.character, str) else chr(error.character)
        before = text.find(character)
        line = text.count("\n", 0, max(before, 0)) + 1
        raise FileRefused(line, f"the character U+{ord(character):04X} has no place in a file") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else 1
        raise FileRefused(line, f"no YAML: {error.problem or error.context}") from None


class _Reader:
    """Makes nodes of events, and counts them."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._nodes = 0

    def document(self) -> Node:
        """The only one."""
        found: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent) and found is not None:
                raise FileRefused(event.start_mark.line + 1, "a second document begins; one file holds one")
            if isinstance(event, yaml.NodeEvent):
                found = self._node(event, 0)
        if found is None:
            raise FileRefused(1, "there is nothing in the file")
        return found

    def _node(self, event: Any, depth: int) -> Node:
        line = event.start_mark.line + 1
        self._nodes += 1
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise FileRefused(line, "anchors (&) and aliases (*) are not taken; write it out, or put it in quotes")
        if event.tag is not None:
            raise FileRefused(line, f"the tag {event.tag[:40]} is not taken; write the value alone")
        if depth > MOST_DEPTH or self._nodes > MOST_NODES:
            raise FileRefused(line, "there is more in the file, or deeper, than any migration needs")
        if isinstance(event, yaml.ScalarEvent):
            return Text(line, event.value, not event.style)
        if isinstance(event, yaml.SequenceStartEvent):
            return Listed(line, tuple(self._items(depth)))
        return self._keys(line, depth)

    def _items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._node(event, depth + 1)

    def _keys(self, begun: int, depth: int) -> Keys:
        values, lines = dict[str, Node](), dict[str, int]()
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            if not isinstance(key, Text):
                raise FileRefused(key.line, "a key has to be a word")
            if key.value in values:
                raise FileRefused(key.line, f"{key.value[:40]!r} is there twice, first in line {lines[key.value]}")
            values[key.value] = self._node(next(self._events), depth + 1)
            lines[key.value] = key.line
        return Keys(begun, values, lines)
