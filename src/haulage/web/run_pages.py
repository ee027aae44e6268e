"""Runs: the list, one as it goes on, its log, its files; and what a person can do with it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, RedirectResponse, Response, StreamingResponse
from starlette.background import BackgroundTask

from haulage.ledger import audit, work
from haulage.ledger import runs as run_rows
from haulage.ledger.runs import RunRow
from haulage.ledger.work import Search
from haulage.model.errors import Refused, TooManyFailures
from haulage.model.location import parse
from haulage.model.outcome import SUCCESSFUL, OutcomeKind
from haulage.operations import certificates, history, rights
from haulage.web.access import ForgedForm, Operator, Viewer, Visit
from haulage.web.rendering import page, render

router = APIRouter()
PAGE_RUNS = 50
PAGE_ITEMS = 100
TICK_SECONDS = 1.0
LONGEST_STREAM_SECONDS = 3600.0
MOST_STREAMS = 30
SHOWN: dict[str, tuple[str, ...]] = {
    "all": (),
    "failures": (OutcomeKind.FAILED, OutcomeKind.CHANGED_AT_SOURCE, OutcomeKind.UNSUPPORTED),
    "skipped": (OutcomeKind.SKIPPED,),
    "successful": tuple(SUCCESSFUL),
}
Show = Literal["all", "failures", "skipped", "successful"]
Sort = Literal["", "path", "size", "outcome", "code"]


@router.get("/runs")
def runs(request: Request, visit: Viewer, before: Annotated[int | None, Query(ge=1, le=2**53)] = None) -> Response:
    """The newest runs, and a way to older ones."""
    found = rights.runs(visit.ledger, visit.who, PAGE_RUNS + 1, before)
    older = found[PAGE_RUNS - 1].id if len(found) > PAGE_RUNS else None
    shown = [visit.runner.progress(one) for one in found[:PAGE_RUNS]]
    return page(request, visit, "runs.html", runs=shown, older=older)


@router.get("/runs/{run_id}")
def run(
    request: Request,
    visit: Viewer,
    run_id: int,
    text: Annotated[str, Query(max_length=500)] = "",
    show: Show = "all",
    sort: Sort = "",
    down: bool = False,
    start: Annotated[int, Query(ge=0, le=10**9)] = 0,
) -> Response:
    """One run: how far it is, and its log."""
    found = rights.run(visit.ledger, visit.who, run_id)
    search = Search(text, SHOWN[show], sort, down, start, PAGE_ITEMS)
    rows, count = visit.ledger.read(work.outcome_page, run_id, search)
    facts: dict[str, Any] = {"told": visit.runner.progress(found), "rows": rows, "count": count, "show": show}
    facts["later"] = None if found.ended_us is None else visit.ledger.read(run_rows.later, found)
    facts |= {"search": search, "run_id": run_id, "page_items": PAGE_ITEMS, **_fractions(visit, found)}
    return page(request, visit, "_log.html" if request.headers.get("hx-request") else "run.html", **facts)


def _fractions(visit: Visit, found: RunRow) -> dict[str, Any]:
    """How much of what is known to be done is done, in percent; None where that cannot be told yet."""
    counts = visit.runner.progress(found)["counts"]
    planned = counts.get("planned_bytes", 0)
    if found.ended_us is not None or not counts.get("source_complete") or not planned:
        return {"percent": None}
    return {"percent": min(100, int(100 * counts.get("successful_bytes", 0) / planned))}


@router.get("/runs/{run_id}/events")
async def events(request: Request, visit: Viewer, run_id: int) -> Response:
    """The run as it goes on, once a second: `progress` is the page's own piece, `ended` says to load the page anew."""
    if request.headers.get("origin", "null") not in {"null", *visit.settings.origins}:
        raise ForgedForm
    await asyncio.to_thread(rights.run, visit.ledger, visit.who, run_id)
    if watching(request)[visit.person.id] >= MOST_STREAMS:
        raise TooManyFailures("too many pages of yours watch runs", "Close some of them.", wait_seconds=60)
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(_told(request, visit, run_id), media_type="text/event-stream", headers=headers)


def watching(request: Request) -> Counter[int]:
    """How many pages watch runs just now, by person (S45)."""
    streams: Counter[int] = request.app.state.streams
    return streams


async def _told(request: Request, visit: Visit, run_id: int) -> AsyncIterator[str]:
    watching(request)[visit.person.id] += 1
    try:
        async for one in _events(request, visit, run_id):
            yield one
    finally:
        watching(request)[visit.person.id] -= 1


async def _events(request: Request, visit: Visit, run_id: int) -> AsyncIterator[str]:
    until = asyncio.get_running_loop().time() + LONGEST_STREAM_SECONDS
    while asyncio.get_running_loop().time() < until and not await request.is_disconnected():
        found = await asyncio.to_thread(history.find, visit.ledger, run_id)
        if found.ended_us is not None and not visit.runner.undecided(run_id):
            yield "event: ended\ndata: \n\n"
            return
        facts: dict[str, Any] = {"told": visit.runner.progress(found), **_fractions(visit, found)}
        lines = render("_progress.html", **facts).splitlines()
        yield "event: progress\n" + "".join(f"data: {line}\n" for line in lines if line.strip()) + "\n"
        await asyncio.sleep(TICK_SECONDS)


@router.post("/runs/{run_id}/{what}")
async def change(visit: Operator, run_id: int, what: Literal["pause", "cancel", "resume"]) -> Response:
    """Pause, cancel, or go on where it stood."""
    found = await asyncio.to_thread(rights.run, visit.ledger, visit.who, run_id)
    if what != "resume":
        await visit.runner.stop(run_id, visit.actor, pause=what == "pause")
        return RedirectResponse(f"/runs/{run_id}", 303)
    await asyncio.to_thread(may_go_on, visit, found)
    return RedirectResponse(f"/runs/{await visit.runner.go_on(found, visit.actor)}", 303)


def may_go_on(visit: Visit, found: RunRow) -> None:
    """Whoever starts a transfer again needs both of its connectors. Raises Missing (S41)."""
    for place in (found.source, found.destination):
        if parse(place).connector is None:
            fix = "Start it again at the terminal where it was begun."
            raise Refused(f"this run was begun by a command, and {place} is reached by commands only", fix)
        rights.location(visit.ledger, visit.who, place)


@router.get("/runs/{run_id}/certificate")
def certificate(visit: Viewer, run_id: int) -> Response:
    """The completeness certificate of a run that has ended."""
    found = rights.run(visit.ledger, visit.who, run_id)
    path = certificates.made_for(visit.ledger, visit.actor, run=found.id)
    gone = BackgroundTask(path.unlink, missing_ok=True)
    return FileResponse(path, media_type="application/zip", filename=f"run-{run_id}-certificate.zip", background=gone)


@router.get("/runs/{run_id}/download/{kind}")
def download(visit: Viewer, run_id: int, kind: Literal["csv", "html", "jsonl"]) -> Response:
    """The run's report: its log as a table, or as a page that stands alone."""
    found = rights.run(visit.ledger, visit.who, run_id)
    report = history.report(visit.ledger, found.id)
    visit.ledger.do(audit.append, visit.actor, "run export", f"run {found.id}", kind=kind)
    path = Path({"csv": report.csv, "html": report.html, "jsonl": report.jsonl}[kind])
    kinds = {"csv": "text/csv", "html": "text/html", "jsonl": "application/jsonl"}
    return FileResponse(path, media_type=f"{kinds[kind]}; charset=utf-8", filename=path.name)
