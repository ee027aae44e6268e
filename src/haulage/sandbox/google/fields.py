"""Partial answers: the `fields` parameter.

Grammar (developers.google.com/workspace/drive/api/guides/fields-parameter): `a,b(c,d),e/f,*`. A mask is None for
everything, or a dict from the names that are wanted to the mask of each.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from haulage.sandbox.frame.wire import Refusal
from haulage.sandbox.google.errors import bad_parameter

Mask = dict[str, Any] | None
Shape = Mapping[str, Any]
"""The names that a resource can have, each with the shape below it: None for a plain value, ANY for a map."""

ANY: Shape = {}
NAME = re.compile(r"\*|[A-Za-z0-9_\-]+")


class _Reader:
    """Reads one mask. Raises Refusal with what could not be read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def all(self, shape: Shape) -> Mask:
        mask = self._list(shape)
        if self._at < len(self._text):
            raise self._wrong(self._text[self._at :])
        return mask

    def _list(self, shape: Shape) -> Mask:
        mask: Mask = {}
        while True:
            mask = merged(mask, self._field(shape))
            if not self._take(","):
                return mask

    def _field(self, shape: Shape) -> Mask:
        self._skip()
        found = NAME.match(self._text, self._at)
        if found is None:
            raise self._wrong(self._text[self._at :])
        self._at = found.end()
        name = found.group()
        if name == "*":
            return self._everything(shape)
        if shape is not ANY and name not in shape:
            raise self._wrong(name)
        below = ANY if shape is ANY else shape[name]
        return {name: self._below(below, name)}

    def _everything(self, shape: Shape) -> Mask:
        """`*`, or `*/id` and `*(id)`: of everything, what is named there and exists there."""
        if self._peek() not in "/(":
            return None
        start, mask = self._at, {}
        for name, below in shape.items():
            if below is not None:
                self._at = start
                mask[name] = self._below(below, name)
        return mask

    def _below(self, shape: Shape | None, name: str) -> Mask:
        if self._take("/"):
            if shape is None:
                raise self._wrong(name)
            return self._field(shape)
        if self._take("("):
            if shape is None:
                raise self._wrong(name)
            mask = self._list(shape)
            if not self._take(")"):
                raise self._wrong(self._text)
            return mask
        return None

    def _skip(self) -> None:
        while self._text[self._at : self._at + 1] == " ":
            self._at += 1

    def _peek(self) -> str:
        self._skip()
        return self._text[self._at : self._at + 1] or " "

    def _take(self, sign: str) -> bool:
        if self._peek() != sign:
            return False
        self._at += 1
        return True

    def _wrong(self, what: str) -> Refusal:
        return bad_parameter(f"Invalid field selection {what}", "fields")


def merged(one: Mask, other: Mask) -> Mask:
    """What either of two masks wants."""
    if one is None or other is None:
        return None
    mask = dict(one)
    for name, below in other.items():
        mask[name] = merged(mask[name], below) if name in mask else below
    return mask


@lru_cache(maxsize=1024)
def _parsed(text: str, shape_id: int) -> Mask:
    return _Reader(text).all(_SHAPES[shape_id])


_SHAPES: dict[int, Shape] = {}


def parse(text: str, shape: Shape) -> Mask:
    """The mask of that text. An empty text wants nothing at all. Raises Refusal (400) for an unknown name."""
    if not text.strip():
        return {}
    _SHAPES[id(shape)] = shape
    return _parsed(text, id(shape))


def prune(value: Any, mask: Mask) -> Any:
    """What a mask leaves of a document."""
    if mask is None:
        return value
    if isinstance(value, list):
        return [prune(one, mask) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: prune(value[name], below) for name, below in mask.items() if name in value}
