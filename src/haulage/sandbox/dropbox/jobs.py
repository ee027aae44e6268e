"""What Dropbox does after the call was answered: jobs, asked for by their id."""

from typing import Any

from haulage.sandbox.dropbox.desk import Desk
from haulage.sandbox.dropbox.model import Job
from haulage.sandbox.dropbox.wire import Arg, failure, tagged
from haulage.sandbox.frame.wire import Call

INLINE_ENTRIES = 1


class Check(Arg):
    """PollArg."""

    async_job_id: str


class JobDesk(Desk):
    """A desk some of whose routes start jobs. What a job does is done at once; it is told at the second question."""

    def doomed(self, call: Call, kind: str, count: int) -> Any:
        """Where a fault says so: the answer that starts a job which does nothing and fails; None otherwise.

        Moves and copies of version 2 have no `failed`: each of the `count` entries fails.
        """
        if call.fault("async_failure") is None:
            return None
        outcome = tagged("failed", failed=tagged("too_many_write_operations"))
        if kind in ("move", "copy"):
            one = tagged("failure", failure=tagged("too_many_write_operations"))
            outcome = tagged("complete", entries=[one] * count)
        return self.launched(call, kind, outcome)

    def launched(self, call: Call, kind: str, outcome: Any, *, inline: bool = False) -> Any:
        """The answer that starts a job. outcome: what `check` tells in the end; inline: tell it at once."""
        if inline:
            return outcome
        self.store.state.made += 1
        ids = self.world.ids
        job = f"dbjid:{ids.base64url('dropbox', 'job', self.store.state.made, count=60)}"
        self.store.state.jobs[job] = Job(kind, call.event.actor, outcome)
        return tagged("async_job_id", async_job_id=job)

    def check(self, call: Call, arg: Check) -> Any:
        """How a job is getting on."""
        job = self.store.state.jobs.get(arg.async_job_id)
        if job is None or job.account != call.event.actor:
            raise failure(call, tagged("invalid_async_job_id"))
        job.asked += 1
        return tagged("in_progress") if job.asked == 1 else job.outcome
