"""The simulated services."""

from haulage.sandbox.frame.simulator import Simulator

SIMULATORS: dict[str, type[Simulator]] = {}
