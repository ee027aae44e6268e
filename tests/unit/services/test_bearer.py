"""What an answer is that says it is well and cannot be read."""

import msgspec
import pytest

from haulage.model.errors import Mismatch, Transient
from haulage.services.bearer import decoded


class Told(msgspec.Struct):
    """An answer."""

    name: str


@pytest.mark.parametrize("body", [b"", b'{"name": "a', b"<html>busy</html>", b"\xff{}"])
def test_what_is_no_json_did_not_come_from_there(body: bytes) -> None:
    """F08: it is asked again."""
    with pytest.raises(Transient, match="Service: the answer to List is no whole JSON"):
        decoded("Service", body, "List", Told)


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"name": 1}'])
def test_another_shape_is_told(body: bytes) -> None:
    """With what is wrong about it."""
    with pytest.raises(Mismatch, match="unexpected form"):
        decoded("Service", body, "List", Told)
    assert decoded("Service", b'{"name": "a", "more": 1}', "List", Told).name == "a"
