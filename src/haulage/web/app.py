"""The application: its layers, its routes, and what goes on behind them while it runs."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.staticfiles import StaticFiles

from haulage import __version__
from haulage.api import migration_routes
from haulage.api import routes as api_routes
from haulage.api.access import Allows
from haulage.engine.context import Options
from haulage.ledger import people
from haulage.ledger.audit import Actor
from haulage.ledger.codec import load
from haulage.ledger.schedules import ScheduleRow
from haulage.ledger.store import Ledger
from haulage.model.filters import Filters
from haulage.operations import notices, rights, schedules
from haulage.operations.authorised_again import AuthorisedAgain
from haulage.operations.building import Builds
from haulage.operations.running import Runner
from haulage.operations.server_passes import Passes
from haulage.operations.signing_in import Who
from haulage.web import (
    account_pages,
    adding_pages,
    connector_pages,
    elsewhere_pages,
    issue_pages,
    migrating_pages,
    migration_pages,
    people_pages,
    problems,
    run_pages,
    scan_report_pages,
    schedule_pages,
    sign_in_pages,
    transfer_pages,
    wizard_pages,
)
from haulage.web.access import Needs, Open
from haulage.web.guarding import Guard
from haulage.web.rendering import HERE
from haulage.web.settings import Settings

PAGES = (
    sign_in_pages,
    elsewhere_pages,
    wizard_pages,
    migration_pages,
    adding_pages,
    migrating_pages,
    issue_pages,
    transfer_pages,
    scan_report_pages,
    connector_pages,
    run_pages,
    schedule_pages,
    account_pages,
    people_pages,
)
API = (api_routes, migration_routes)


def make_app(ledger: Ledger, settings: Settings) -> FastAPI:
    """The application on a ledger. It starts what schedules want, and pauses its runs when it ends."""

    @asynccontextmanager
    async def living(app: FastAPI) -> AsyncIterator[None]:
        app.state.runner = Runner(ledger, lambda run, who: notices.tell(ledger, run, who, settings.public_url))
        runner = app.state.runner
        passes = app.state.passes = Passes(ledger, lambda one: notices.tell_of_pass(ledger, one, settings.public_url))
        builds = app.state.builds = Builds(ledger)
        begun = [
            asyncio.create_task(schedules.keep_starting(ledger, _starting(ledger, runner, passes))),
            asyncio.create_task(runner.resume_interrupted()),
            asyncio.create_task(passes.recover()),
            asyncio.create_task(AuthorisedAgain(ledger, passes).keep_looking()),
        ]
        try:
            yield
        finally:
            for task in begun:
                task.cancel()
            await asyncio.gather(*begun, return_exceptions=True)
            await passes.close()
            await builds.close()
            await app.state.runner.close()

    app = FastAPI(
        title="Haulage", version=__version__, lifespan=living, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.state.ledger, app.state.settings, app.state.streams = ledger, settings, Counter()
    for pages in PAGES:
        app.include_router(pages.router, include_in_schema=False)
    for routes in API:
        app.include_router(routes.router)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    problems.install(app)
    if undeclared := _undeclared():
        raise RuntimeError(f"routes that do not say who may call them: {', '.join(undeclared)}")
    app.add_middleware(Guard, settings=settings, unexpected=problems.unexpected)
    return app


def _starting(ledger: Ledger, runner: Runner, passes: Passes) -> schedules.Start:
    async def start(row: ScheduleRow) -> int:
        person = await asyncio.to_thread(ledger.read, people.get, row.person_id)
        if row.migration_id is not None:
            migration = await asyncio.to_thread(rights.work_on, ledger, Who(person), row.migration_id)
            found = await asyncio.to_thread(schedules.chosen, ledger, migration, row)
            more: dict[str, Any] = {"hours": row.hours, "schedule_id": row.id}
            begun = await passes.start(migration, found, row.kind, Actor(person.name, "schedule"), **more)
            return begun.id
        await asyncio.to_thread(rights.may_copy, ledger, Who(person), row.source, row.destination)
        options = Options(msgspec.convert(load(row.filters), Filters))
        return await runner.start(row.source, row.destination, options, Actor(person.name, "schedule"))

    return start


def declared(route: APIRoute) -> Needs | Open | Allows | None:
    """Who may call a route, as it says itself."""
    calls = [one.call for one in route.dependant.dependencies]
    return next((one for one in calls if isinstance(one, Needs | Open | Allows)), None)


def every_route() -> list[APIRoute]:
    """All routes, of pages and of the API."""
    routers = (one.router for one in (*PAGES, *API))
    return [route for router in routers for route in router.routes if isinstance(route, APIRoute)]


def _undeclared() -> list[str]:
    """Deny by default: routes that say nothing (S40)."""
    return [route.path for route in every_route() if declared(route) is None]
