"""How long and how often: the numbers of the transport, each of which the environment may set."""

import os
from collections.abc import Mapping

import msgspec

from haulage.model.errors import Refused


class Limits(msgspec.Struct, frozen=True):
    """How long and how often. `limits()` reads each from HAULAGE_ and its name in capitals (HAULAGE_IDLE_SECONDS).

    attempts: sends of one request at most; being throttled does not count. backoff_seconds, longest_backoff_seconds:
    full jitter between 0 and backoff * 2^n, the latter also for a throttling service that does not say how long.
    connect_seconds, idle_seconds: socket time-outs. least_bytes in window_seconds: the minimum rate of a body.
    """

    attempts: int = 8
    backoff_seconds: float = 0.25
    longest_backoff_seconds: float = 60.0
    connect_seconds: float = 20.0
    idle_seconds: float = 60.0
    least_bytes: int = 64 * 1024
    window_seconds: float = 60.0


def limits(environment: Mapping[str, str] | None = None) -> Limits:
    """The limits that hold here. Raises Refused for what is no positive number."""
    environment = os.environ if environment is None else environment
    set_here: dict[str, float] = {}
    for field in msgspec.structs.fields(Limits):
        variable = f"HAULAGE_{field.name.upper()}"
        if text := environment.get(variable):
            try:
                value = field.type(text)
            except ValueError:
                value = 0
            if not 0 < value < float("inf"):
                raise Refused(f"{variable} is {text!r}, which is no positive number", f"Correct or unset {variable}.")
            set_here[field.name] = value
    return msgspec.structs.replace(Limits(), **set_here)
