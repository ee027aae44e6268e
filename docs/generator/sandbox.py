"""The sandbox: every endpoint that is simulated, the page it was written from, and who else has called it."""

import tempfile
from collections import defaultdict
from pathlib import Path

from docs.generator.markdown import code, codes, page, plain, table
from haulage.sandbox.frame.faults import ON_THE_WIRE, PRESETS
from haulage.sandbox.frame.simulator import Simulator
from haulage.sandbox.frame.world import World
from haulage.sandbox.services import SIMULATORS

WITNESSES = Path(__file__).resolve().parents[1] / "witnesses.tsv"


def witnesses() -> dict[tuple[str, str], list[str]]:
    """(Service, operation) -> the clients that have exercised it, as the tests recorded them."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    if WITNESSES.exists():
        for line in WITNESSES.read_text(encoding="utf-8").splitlines():
            service, operation, name, _ = line.split("\t")
            found[service, operation].add(name)
    return {key: sorted(names) for key, names in found.items()}


def simulators() -> list[Simulator]:
    """One of each, of a small organisation, serving nobody."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), seed=7, users=3)
        made = [kind(world) for kind in SIMULATORS.values()]
        world.close()
    return made


def _endpoints(simulator: Simulator, seen: dict[tuple[str, str], list[str]]) -> str:
    rows = [
        [
            code(f"{route.method} {route.path}"),
            code(route.operation),
            code(route.source),
            plain(", ".join(seen.get((simulator.id, route.operation), [])) or "unwitnessed"),
        ]
        for route in simulator.table.routes
    ]
    return table(["Endpoint", "Operation", "Source", "Witness"], rows)


def _quotas(simulator: Simulator) -> str:
    rows = [
        [
            code(one.name),
            "none" if one.amount is None else f"{one.amount:,g}",
            f"{one.window_seconds:,g} s",
            plain(one.source),
        ]
        for one in simulator.limits
    ]
    return table(["Quota", "Units", "In", "Source"], rows) if rows else "No quotas."


def _deeds(simulator: Simulator) -> str:
    deeds = sorted(name for name in dir(simulator) if name.startswith("do_"))
    rows = [
        [code(name[3:].replace("_", "-")), plain((getattr(simulator, name).__doc__ or "").split("\n\n")[0])]
        for name in deeds
    ]
    return table(["Deed", "What it does"], rows) if rows else "No deeds."


def _service(simulator: Simulator, seen: dict[tuple[str, str], list[str]]) -> list[str]:
    sources = [[code(key), plain(text)] for key, text in sorted(simulator.sources.items())]
    return [
        f"## {simulator.title}",
        f"Hosts: {codes(simulator.hosts)}. Product services: {codes(simulator.offers())}.",
        _endpoints(simulator, seen),
        "### Not simulated" if simulator.omissions else "",
        "\n".join(f"- {plain(one)}" for one in simulator.omissions),
        f"### Quotas of {simulator.title}",
        _quotas(simulator),
        f"### Deeds of {simulator.title}",
        f"Through the control port: `POST do/{simulator.id}/DEED`, details as JSON.",
        _deeds(simulator),
        f"### Sources of {simulator.title}",
        table(["Key", "Page"], sources),
    ]


def render() -> str:
    """The page."""
    seen = witnesses()
    faults = [
        [code(number), code(name), plain(ON_THE_WIRE.get(name, "in the service's own way"))]
        for number, (name, _) in PRESETS.items()
    ]
    parts = [
        "Each endpoint that `haulage sandbox up` simulates. *Witness*: clients that were not written by this project "
        "and whose calls to it were answered in a test; *unwitnessed* means that no such client has called it yet, so "
        "its source was read twice. Any other endpoint answers 501 and says so.",
        "## Faults",
        "Set through the control port: `POST faults` with a rule such as "
        '`{"fault": "F02", "service": "google", "operation": "drive.files.list", "nth": 3}`.',
        table(["Number", "Fault", "What it does"], faults),
    ]
    for simulator in simulators():
        parts += _service(simulator, seen)
    return page("The sandbox's endpoints", *(part for part in parts if part))
