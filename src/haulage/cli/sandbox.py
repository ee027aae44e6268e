"""`haulage sandbox`: the simulated services, to rehearse on."""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import cyclopts
from cyclopts import Parameter

from haulage.cli import sandbox_demo, showing
from haulage.cli.choices import Json, Several
from haulage.cli.copy import loop_factory
from haulage.cli.output import Exit, say_json
from haulage.model.errors import Refused
from haulage.sandbox import up as running
from haulage.sandbox.services import SIMULATORS

app = cyclopts.App(name="sandbox", help="The cloud services, simulated on this machine: rehearse a migration on them.")


@app.command
def up(
    *,
    users: int = 50,
    seed: int = 7,
    state: Path | None = None,
    quotas: Annotated[str, Parameter(help="documented: as the vendors state them; off: none.")] = "documented",
    latency: float = 0.0,
    clock: float | None = None,
    port: Several = (),
    only: Several = (),
    json: Json = False,
) -> int:
    """Start the simulated services with a generated organisation in them, until Ctrl-C or SIGTERM.

    Args:
        users: How many people the organisation has.
        seed: The same seed makes the same organisation.
        state: A folder that keeps everything across restarts. Without it everything is in memory.
        latency: Seconds added to every answer.
        clock: Let the sandbox's clock stand still at this Unix time, for traces that can be repeated.
        port: NAME=NUMBER: a fixed port for a service, NAME-tls, proxy or control. May be repeated.
        only: Start only this simulator. May be repeated.
    """
    if quotas not in ("documented", "off"):
        raise Refused(f"{quotas!r} is no choice of quotas", "Write --quotas documented or --quotas off.")
    for name in only:
        if name not in SIMULATORS:
            raise Refused(f"there is no simulator {name!r}", f"Choose from {', '.join(SIMULATORS)}.")
    settings = running.Settings(
        users=users, seed=seed, state=state, quotas=quotas, latency_seconds=latency, clock=clock, ports=_ports(port),
        only=only,
    )  # fmt: skip
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(running.run(settings, say_json if json else _tell))
    return Exit.OK


@app.command
def demo() -> int:
    """Watch somebody's files move from one simulated service to another: copied, verified, killed and resumed.

    What it makes is removed in the end.
    """
    with tempfile.TemporaryDirectory(prefix="haulage-demo-") as folder:
        try:
            sandbox_demo.demonstrate(Path(folder))
        except showing.StepFailed as failure:
            sys.stderr.write(f"haulage: the demonstration failed: {failure}\n")
            return Exit.STOPPED
    return Exit.OK


def _ports(texts: tuple[str, ...]) -> dict[str, int]:
    ports = {}
    for text in texts:
        name, _, number = text.partition("=")
        if not number.isdigit():
            raise Refused(f"{text!r} is no port", "Write NAME=NUMBER, such as control=8080.")
        ports[name] = int(number)
    return ports


def _tell(ready: dict[str, Any]) -> None:
    lines = [f"The sandbox is up. Control page: {ready['control']}"]
    lines += ["Clients reach the services under their own names through", f"  HTTPS_PROXY={ready['proxy']}"]
    lines += [f"  trusting the authority in {ready['ca_file']}", ""]
    for service_id, offer in ready["services"].items():
        lines.append(f"{service_id}: {offer['base_url']} (TLS: {offer['tls_url']})")
        lines.append(f"  client {offer['client_id']}, secret {offer['client_secret'] or 'none'}")
        shown = offer["accounts"][:3]
        lines += [f"  {one['role']}: {one['user']}, password {one.get('password') or 'none'}" for one in shown]
        if len(offer["accounts"]) > len(shown):
            lines.append(f"  and {len(offer['accounts']) - len(shown)} accounts more: {ready['control']}ready")
    sys.stdout.write("\n".join([*lines, "", "Ctrl-C stops it.", ""]))
    sys.stdout.flush()
