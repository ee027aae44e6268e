"""How long pages take with a large ledger: `python -m bench.web [--transfers 20000] [--items 1000000]`.

Every page is asked for by an administrator and by an operator, over HTTP, from this process; the median of seven,
after one that is not counted. The target is 150 ms of server time a page. Ends with 1 where one is missed.
"""

import argparse
import asyncio
import os
import re
import statistics
import tempfile
import time
from pathlib import Path

import httpx
import uvicorn

from bench import measure
from haulage.ledger.audit import Actor
from haulage.ledger.codec import dump
from haulage.ledger.schema import items, outcomes, runs, transfers
from haulage.ledger.store import Connection, Ledger, now_us
from haulage.model.filters import Filters
from haulage.model.person import Person, Role
from haulage.model.schedule import Every, Timing
from haulage.operations import connectors, people, schedules, signing_in
from haulage.services.registry import service
from haulage.web.app import make_app
from haulage.web.settings import Settings

TARGET_SECONDS, TURNS = 0.150, 7
CONNECTORS, SCHEDULES, BATCH = 40, 200, 10_000
PASSWORD = "four words nobody guesses"
BENCH = Actor("ada", "bench")
PAGES = ("/wizard", "/wizard?source=connector 1", "/runs", "/runs?before=5000", "/runs/{run}", "/connectors")
PAGES += ("/runs/{run}?start=90000", "/runs/{run}?show=failures", "/runs/{run}?text=document-0099", "/schedules")
PAGES += ("/runs/{run}?text=document-0009", "/runs/{run}?text=DOCUMENT-0009&start=9900", "/runs/{run}?sort=path")
PAGES += ("/runs/{run}?sort=size&down=true", "/connectors/connector 1", "/account", "/connectors/new", "/runs/1")


def _counts(number: int) -> str:
    size = number * 1000
    return dump({"listed": number, "successful": number, "successful_bytes": size, "sent_bytes": size})


def fill(ledger: Ledger, ada: Person, many_transfers: int, many_items: int, largest: int) -> int:
    """Transfers with a run each; the last one holds so many of the items and their outcomes. Its number."""
    for number in range(CONNECTORS):
        connectors.add(ledger, f"connector {number}", service("local"), {}, BENCH)
    now = now_us()

    def places(connection: Connection) -> None:
        rows = []
        for number in range(1, many_transfers + 1):
            ends = number % CONNECTORS, (number + 1) % CONNECTORS
            shown = [f"connector {end}:/department/project {number}" for end in ends]
            row = {"id": number, "source": f"file:///a/{number}", "destination": f"file:///b/{number}", "filters": "{}"}
            row |= {"source_shown": shown[0], "destination_shown": shown[1], "created_us": now}
            rows.append(row | {"source_connector": ends[0] + 1, "destination_connector": ends[1] + 1})
        connection.execute(transfers.insert(), rows)
        base = {"kind": "copy", "status": 100, "started_us": now, "ended_us": now, "owner": "x", "epoch": 1}
        connection.execute(
            runs.insert(),
            [
                {**base, "id": one, "transfer_id": one, "beat_us": now, "counts": _counts(1000)}
                for one in range(1, many_transfers + 1)
            ],
        )

    ledger.do(places)
    for start in range(0, many_items, BATCH):
        numbers = range(start, min(start + BATCH, many_items))
        runs_of = [many_transfers if one < largest else 1 + one % (many_transfers - 1) for one in numbers]
        ledger.do(_batch, list(zip(runs_of, numbers, strict=True)), now)
    for number in range(SCHEDULES):
        ends = f"connector {number % CONNECTORS}:/x", f"connector {(number + 1) % CONNECTORS}:/y"
        schedules.add(ledger, ada, *ends, Filters(), Timing(Every.DAY, minute=number % 60), BENCH)
    return many_transfers


def _batch(connection: Connection, numbers: list[tuple[int, int]], now: int) -> None:
    """Items and outcomes, by run and number."""
    named = [(run, one, f"department/project {one // 200}/document-{one:08}.docx") for run, one in numbers]
    connection.execute(
        items.insert(),
        [
            {"id": one + 1, "transfer_id": run, "path": path, "kind": "file", "state": 3, "size": 1}
            for run, one, path in named
        ],
    )
    failed = {"code": "permission", "message": "not allowed", "fix": "Grant it."}
    good = {"code": None, "message": None, "fix": None}
    connection.execute(
        outcomes.insert(),
        [
            {
                **{"run_id": run, "item_id": one + 1, "path": path, "size": one % 50_000, "listed": 1, "adopted": 0},
                **{"outcome": "verified" if one % 100 else "failed", "at_us": now, **(good if one % 100 else failed)},
            }
            for run, one, path in named
        ],
    )


async def sign_in(http: httpx.AsyncClient, url: str, name: str) -> None:
    """As a browser does."""
    page = await http.get("/sign-in")
    key = re.findall(r'name="form_key" value="([0-9a-f]+)"', page.text)[0]
    form = {"form_key": key, "name": name, "password": PASSWORD}
    answer = await http.post("/sign-in", data=form, headers={"Origin": url, "Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 303, answer.text


async def timed(http: httpx.AsyncClient, path: str) -> float:
    """Seconds, the median."""
    taken = []
    for turn in range(TURNS + 1):
        began = time.perf_counter()
        answer = await http.get(path)
        assert answer.status_code in (200, 404), (path, answer.status_code)  # 404: the operator's own connector
        if turn:
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)


async def measured(ledger: Ledger, run: int) -> dict[tuple[str, str], float]:
    """Each page, for each of the two."""
    config = uvicorn.Config(None, port=0, log_config=None, access_log=False)  # type: ignore[arg-type] # set below
    found = {}
    with config.bind_socket() as listener:
        url = f"http://localhost:{listener.getsockname()[1]}"
        app = make_app(ledger, Settings(url))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)
        for name in ("ada", "chief"):
            async with httpx.AsyncClient(base_url=url, timeout=60) as http:
                await sign_in(http, url, name)
                for path in PAGES:
                    found[name, path] = await timed(http, path.format(run=run))
        server.should_exit = True
        await serving
    return found


def main() -> int:
    """Returns 1 if a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.web", description="Pages with a large ledger.")
    parser.add_argument("--transfers", type=int, default=20_000)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--largest", type=int, default=100_000, help="items of the largest run")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HAULAGE_HOME"] = folder
        ledger = Ledger.open(Path(folder) / "ledger.db")
        _, key = people.invite(ledger, "chief", Role.ADMIN, BENCH)
        people.claim(ledger, key, "", PASSWORD)
        _, key = people.invite(ledger, "ada", Role.OPERATOR, BENCH)
        ada = people.claim(ledger, key, "", PASSWORD)
        signing_in.add_token(ledger, ada, "bench", ["runs:read"], 1, BENCH)
        run = fill(ledger, ada, given.transfers, given.items, given.largest)
        speed = measure.calibrate()
        size = f"{given.transfers:,} transfers, {given.items:,} items, {given.largest:,} of them in one run"
        print(f"{size}; machine at {speed:.2f}, load {os.getloadavg()[0]:.1f}", flush=True)
        found = asyncio.run(measured(ledger, run))
        ledger.close()
    for (name, path), seconds in found.items():
        print(f"{'missed' if seconds > TARGET_SECONDS else 'met   '} {seconds * 1000:7.1f} ms  {name:6} {path}")
    return int(any(seconds > TARGET_SECONDS for seconds in found.values()))


if __name__ == "__main__":
    raise SystemExit(main())
