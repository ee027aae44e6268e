"""How long a client may take: the server's protocol with a limit on slow heads and on answers that nobody takes (S45).

There are as many connections as the server is set up for. When all are taken, those that ask for nothing make room.

Bodies are measured in `guarding`, which knows how much each route takes.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 15.0
"""For the whole head of a request, from its first byte or from the connection on: bytes that trickle gain nothing."""
UNTAKEN_SECONDS = 120.0
"""For as long an answer waits for a client that takes none of it."""


class Patient(H11Protocol):
    """HTTP/1.1 whose clients are waited for, but not for ever. Between requests, the keep-alive limit holds."""

    _head: asyncio.TimerHandle | None = None
    _untaken: asyncio.TimerHandle | None = None
    _quiet_since = 0.0

    def connection_made(self, transport: Any) -> None:
        """See asyncio.Protocol."""
        super().connection_made(transport)
        self._quiet_since = self.loop.time()
        self._make_room()
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol. What follows an answered request is the next head, or a body that nobody wanted."""
        super().data_received(data)
        if self._asks():
            self._head_came()
        elif self._head is None and not self.transport.is_closing():
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._head_came()
        self._taken()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        super().pause_writing()
        self._untaken = self.loop.call_later(UNTAKEN_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._taken()
        super().resume_writing()

    def on_response_complete(self) -> None:
        """See H11Protocol."""
        self._quiet_since = self.loop.time()
        super().on_response_complete()

    def _asks(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _make_room(self) -> None:
        """Where the server has as many connections as it takes, end the one that has been quiet for longest.

        If none is quiet, one whose request has not come whole; never one that is being answered.
        """
        if self.limit_concurrency is None or len(self.connections) < self.limit_concurrency:
            return
        all_open = [one for one in self.connections if isinstance(one, Patient) and not one.transport.is_closing()]
        others = [one for one in all_open if one is not self]
        endable = [one for one in others if not one._asks() or one.cycle.more_body]
        if endable and len(all_open) >= self.limit_concurrency:
            min(endable, key=lambda one: (one._asks(), one._quiet_since)).transport.close()

    def _await_head(self) -> None:
        self._head = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _head_came(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _taken(self) -> None:
        if self._untaken is not None:
            self._untaken.cancel()
            self._untaken = None
