"""Operations that are waited for, and their monitors.

Source: onedrive-api-docs, "Working with long-running actions".
"""

import msgspec

from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer
from haulage.sandbox.microsoft.files import errors
from haulage.sandbox.microsoft.files.desk import Desk
from haulage.sandbox.microsoft.files.items import Drive
from haulage.sandbox.microsoft.files.routes import CONSUMER, FILES, unsigned

MONITOR_SECONDS = 4 * 3600.0


class Monitor(msgspec.Struct):
    """One operation. polls: how often it says "inProgress" before it tells the end. code, message: of a failure."""

    operation: str
    begun: float
    resource: str = ""
    polls: int = 0
    asked: int = 0
    code: str = ""
    message: str = ""


class Monitors:
    """Keeps what is going on; whoever has a monitor's URL may look."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.running: dict[str, Monitor] = {}

    def routes(self) -> list[Route]:
        """The one endpoint."""
        handler = self._desk.handler(self.look)
        path = "/v1.0/monitor/{monitor}"
        return [unsigned("GET", f"{FILES} {CONSUMER}", path, "GET /monitor/{monitor}", "long-running", handler)]

    def accepted(self, call: Call, drive: Drive, monitor: Monitor) -> Answer:
        """202, with where to look."""
        name = self._desk.world.ids.guid("monitor", call.event.number)
        self.running[name] = monitor
        if drive.kind.sites:
            site = drive.base.rpartition("/")[0]
            location = f"{call.at(drive.host)}{site}/_api/v2.0/monitor/{name}"
        else:
            location = f"{call.at(CONSUMER)}/v1.0/monitor/{name}"
        return Answer(202, {"Location": location})

    def look(self, call: Call) -> Answer:
        """How far it is: 202 while it runs, then 200."""
        found = self.running.get(call.params["monitor"])
        if found is None or call.event.time > found.begun + MONITOR_SECONDS:
            raise errors.not_found()
        found.asked += 1
        document: dict[str, object] = {"operation": found.operation}
        if found.asked <= found.polls:
            share = round(100.0 * (found.asked - 0.5) / (found.polls + 0.5), 1)
            return json_answer({**document, "percentageComplete": share, "status": "inProgress"}, 202)
        if found.code:
            error = {"code": found.code, "message": found.message}
            return json_answer({**document, "status": "failed", "error": error, "errorCode": found.code})
        return json_answer(
            {**document, "percentageComplete": 100.0, "resourceId": found.resource, "status": "completed"}
        )
