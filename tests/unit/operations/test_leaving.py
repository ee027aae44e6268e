"""A person leaves: what was theirs ends with the account, and what was moved stays."""

from pathlib import Path

import pytest

from haulage.ledger import connectors as connector_rows
from haulage.ledger import migration_rows
from haulage.ledger.audit import Actor
from haulage.ledger.store import Ledger
from haulage.model.errors import Refused
from haulage.operations import connectors, departures, migrations, people
from haulage.services.registry import service

ADA, BOB = Actor("ada", "cli"), Actor("bob", "cli")
PASSWORD = "a horse that nobody has ever guessed"


async def test_an_account_goes_with_its_connectors_and_migrations(tmp_path: Path) -> None:
    """Another person's migration that uses nothing of theirs stays."""
    ledger = Ledger.open(tmp_path / "ledger.db")
    key = people.first_claim(ledger, "ada")
    assert key is not None
    ada = people.claim(ledger, key, "Ada", PASSWORD)
    local = service("local")
    for name, owner in (("here", ADA), ("there", ADA), ("theirs", BOB), ("other", BOB)):
        connectors.add(ledger, name, local, {}, actor=owner)
    migrations.create(ledger, "Mine", "here", "there", ADA)
    migrations.create(ledger, "Theirs", "theirs", "other", BOB)
    with pytest.raises(Refused, match="migration Mine"):
        await departures.delete(ledger, "here", ADA)
    assert await people.leave(ledger, ada, ADA) == []
    assert [one.name for one in ledger.read(migration_rows.every)] == ["Theirs"]
    assert [one.name for one in ledger.read(connector_rows.every)] == ["other", "theirs"]
    ledger.close()
