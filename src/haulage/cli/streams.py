"""The program's own streams: always there, and output that cannot be written is an error of the model."""

import io
import os
import sys
from typing import Any

from haulage.model.errors import OutputLost


class _Output(io.FileIO):
    """Standard output. A write that fails raises OutputLost once; what comes after it is dropped."""

    def __init__(self, descriptor: int) -> None:
        super().__init__(descriptor, "w", closefd=False)
        self._lost = False

    def write(self, data: Any, /) -> int:
        if self._lost:
            return len(data)
        try:
            return super().write(data)
        except OSError as error:
            self._lost = True
            raise OutputLost(f"standard output cannot be written: {error.strerror}") from error


class _Errors(io.FileIO):
    """Standard error. What cannot be written there cannot be told anywhere, and keeps nothing from going on."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(data)


def install() -> None:
    """Use them from now on. A stream that was closed leads nowhere: no file of ours must get its number."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
    sys.stdout = _text(_Output(1), sys.stdout, by_line=os.isatty(1))
    sys.stderr = _text(_Errors(2, "w", closefd=False), sys.stderr, by_line=True)


def _text(raw: io.FileIO, before: Any, *, by_line: bool) -> io.TextIOWrapper:
    """What the terminal's encoding lacks is written as an escape."""
    encoding = getattr(before, "encoding", None) or "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, "backslashreplace", line_buffering=by_line)
