"""Users of one connector in a process of its own: `python -m tests.connectors.users LEDGER CONNECTOR COUNT [WHERE]`.

WHERE is the moment at which the process is to be killed: "begun", "sent", "answered" or "kept".
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from haulage.connectors.exchange import Exchange
from haulage.connectors.tokens import TokenKeeper
from haulage.ledger import connectors as rows
from haulage.ledger.store import Ledger
from haulage.operations.accounts import signing_in
from haulage.operations.realms import realm_of
from haulage.operations.vaults import vault_of
from haulage.services.registry import service


def keeper(ledger: Ledger, connector_id: int) -> TokenKeeper:
    """One user of a connector."""
    row = ledger.read(rows.by_id, connector_id)
    oauth = signing_in(service(row.service)).oauth
    return TokenKeeper(ledger, vault_of(ledger), connector_id, oauth, realm_of(ledger, row.realm).route)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def _doom(where: str) -> None:
    """Have this process killed at that moment of its next renewal."""
    granted, kept = Exchange.granted, rows.keep_tokens

    async def asking(self: Exchange, message: Any) -> Any:
        if where == "begun":
            _die()
        if where == "sent":
            asyncio.get_running_loop().call_later(0.2, _die)  # the service answers half a second later
        found = await granted(self, message)
        if where == "answered":
            _die()
        return found

    def keeping(*facts: Any) -> bool:
        done = kept(*facts)
        if where == "keeping":  # written, and not committed
            _die()
        return done

    Exchange.granted = asking  # type: ignore[method-assign]
    rows.keep_tokens = keeping


async def _use(ledger: Ledger, connector_id: int, count: int, where: str) -> list[str]:
    keepers = [keeper(ledger, connector_id) for _ in range(count)]
    if where == "kept":
        tokens = [await keepers[0].bearer()]
        _die()
        return tokens
    return list(await asyncio.gather(*(one.bearer() for one in keepers)))


def main(path: str, connector: str, count: str, where: str = "") -> None:
    """Use it, and print each token that was had."""
    ledger = Ledger.open(Path(path))
    if where:
        _doom(where)
    for token in asyncio.run(_use(ledger, int(connector), int(count), where)):
        print(token)
    ledger.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
