"""The simulated services."""

from haulage.sandbox.box.service import Box
from haulage.sandbox.frame.simulator import Simulator

SIMULATORS: dict[str, type[Simulator]] = {Box.id: Box}
