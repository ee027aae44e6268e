"""How far each service has come, as the file `quality.yaml` beside its code states it."""

from pathlib import Path
from typing import Any

from haulage.services import registry
from haulage.services.declaration import Service

LEVELS = ("bronze", "silver", "gold", "platinum")


def folder_of(service: Service) -> Path:
    """Where the service's code, QUIRKS.md and quality.yaml lie."""
    return Path(__file__).parent / registry.PLACES[service.id][1].rpartition(".")[2]


def quality(service: Service) -> dict[str, dict[str, Any]]:
    """The rules by level: done, open, or exempt with a reason; empty where nothing is stated."""
    from ruamel.yaml import YAML  # only where somebody asks

    path = folder_of(service) / "quality.yaml"
    if not path.exists():
        return {}
    stated = YAML(typ="safe", pure=True).load(path)
    return {level: rules for level, rules in stated.items() if isinstance(rules, dict)}


def level(service: Service) -> str | None:
    """The highest level whose rules, and those of all levels below it, are done or exempt; None below the first."""
    stated, reached = quality(service), None
    for name in LEVELS:
        if not (rules := stated.get(name)) or any(not _met(value) for value in rules.values()):
            break
        reached = name
    return reached


def _met(value: Any) -> bool:
    return value == "done" or (isinstance(value, dict) and bool(value.get("exempt")))
