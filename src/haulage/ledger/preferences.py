"""How people want pages to look: a small value for each person and name."""

from typing import Any

import sqlalchemy as sa

from haulage.ledger.codec import dump, load
from haulage.ledger.schema import preferences


def get(connection: sa.Connection, person_id: int, name: str) -> Any:
    """What a person wants; None where they said nothing."""
    its = (preferences.c.person_id == person_id) & (preferences.c.name == name)
    value = connection.scalar(sa.select(preferences.c.value).where(its))
    return None if value is None else load(value)


def keep(connection: sa.Connection, person_id: int, name: str, value: Any) -> None:
    """Remember it; None: forget it."""
    its = (preferences.c.person_id == person_id) & (preferences.c.name == name)
    connection.execute(preferences.delete().where(its))
    if value is not None:
        connection.execute(preferences.insert().values(person_id=person_id, name=name, value=dump(value)))
