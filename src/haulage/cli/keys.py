"""`haulage keys`: the master key that seals the secrets of connectors."""

import cyclopts

from haulage.cli.choices import Json
from haulage.cli.connectors import opened, say
from haulage.cli.output import say_json
from haulage.cli.signing import actor
from haulage.operations import certificates, vaults

app = cyclopts.App(name="keys", help="The master key that seals the secrets of connectors.")


@app.command
def check(*, json: Json = False) -> None:
    """Whether everything that is sealed can be opened with the key that is here."""
    with opened() as ledger:
        named = vaults.ready(ledger)
    if json:
        say_json({"event": "key_checked", "key": named})
    else:
        say(f"Everything that is sealed opens with {named}.")


@app.command
def rotate(*, json: Json = False) -> None:
    """Change the master key: seal everything anew, then destroy the old key. Run it again if it was interrupted."""
    with opened() as ledger:
        done = vaults.rotate(ledger, actor())
    if json:
        say_json({"event": "key_rotated", **done})
    else:
        say(f"Sealed {done['resealed']} secrets anew with {done['key']}: back that up, apart from the ledger.")


@app.command
def public(*, json: Json = False) -> None:
    """The public key with which certificates of this installation are checked."""
    with opened() as ledger:
        key = certificates.public_key(ledger)
    if json:
        say_json({"event": "public_key", "key": key})
    else:
        say(key)
