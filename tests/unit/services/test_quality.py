"""The quality level of a service: what its own file states, added up."""

from typing import Any

import pytest

from haulage.services import quality
from haulage.services.registry import service, services

DONE = {"a": "done", "b": {"exempt": "there is no such thing"}}


@pytest.mark.parametrize(
    ("stated", "level"),
    [
        ({}, None),
        ({"bronze": {"a": "done", "b": "open"}, "silver": DONE}, None),
        ({"bronze": {"a": {"exempt": ""}}}, None),
        ({"bronze": DONE}, "bronze"),
        ({"bronze": DONE, "silver": {"a": "open"}, "gold": DONE}, "bronze"),
        ({"bronze": DONE, "silver": DONE, "gold": {}}, "silver"),
        ({"bronze": DONE, "silver": DONE, "gold": DONE, "platinum": DONE}, "platinum"),
    ],
)
def test_levels(monkeypatch: pytest.MonkeyPatch, stated: dict[str, Any], level: str | None) -> None:
    monkeypatch.setattr(quality, "quality", lambda chosen: stated)
    assert quality.level(service("s3")) == level


def test_every_service_states_its_own() -> None:
    assert all(quality.quality(one).get("bronze") for one in services().values())
    assert quality.level(service("s3")) in quality.LEVELS
