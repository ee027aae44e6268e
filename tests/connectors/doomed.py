"""Work in a process of its own that is killed at a moment of its choosing, as by SIGKILL at any instant."""

import importlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from typing import Any

FORK = multiprocessing.get_context("fork")


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def _doom(where: str, when: str, call: int) -> None:
    """Have this process killed before or after the call number `call` of "module:name" or "module:Class.name"."""
    module, _, path = where.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, name = path.split(".")
    for one in outer:
        owner = getattr(owner, one)
    inner, calls = getattr(owner, name), 0

    def doomed(*args: Any, **more: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call and when == "before":
            _die()
        found = inner(*args, **more)
        if calls == call and when == "after":
            _die()
        return found

    async def doomed_later(*args: Any, **more: Any) -> Any:
        found = await inner(*args, **more)
        _die()
        return found

    setattr(owner, name, doomed_later if when == "answered" else doomed)


def _work(where: str, when: str, call: int, work: Callable[[], None]) -> None:
    _doom(where, when, call)
    work()


def killed(where: str, when: str, work: Callable[[], None], call: int = 1) -> None:
    """Do the work in a process that dies there. when: "before" or "after" a call; "answered" when an await is over."""
    process = FORK.Process(target=_work, args=(where, when, call, work))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL, f"it was not killed {when} {where}"
