"""The simulated services."""

from haulage.sandbox.box.service import Box
from haulage.sandbox.dropbox.service import Dropbox
from haulage.sandbox.egnyte.service import Egnyte
from haulage.sandbox.frame.simulator import Simulator
from haulage.sandbox.google.service import Google
from haulage.sandbox.microsoft import Microsoft

SIMULATORS: dict[str, type[Simulator]] = {
    "box": Box,
    "dropbox": Dropbox,
    "egnyte": Egnyte,
    "google": Google,
    "microsoft": Microsoft,
}
