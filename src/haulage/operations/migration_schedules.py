"""Schedules of migrations as commands and files set them: in whose name a migration starts by itself."""

from haulage.ledger import people
from haulage.ledger.audit import Actor
from haulage.ledger.store import Ledger
from haulage.model.errors import Refused
from haulage.model.person import Person, Role
from haulage.operations import rights


def starter(ledger: Ledger, source: str, destination: str, actor: Actor, named: str = "") -> Person:
    """In whose name a migration between these connectors starts: whom a command names, or whoever runs it.

    Raises Refused where there is no such person, or they may not start it.
    """
    every = ledger.read(people.every)
    found = [one for one in every if (one.name.casefold() == named.casefold() if named else one.owns(actor.who))]
    if not found:
        nobody = f"there is no person {named!r}" if named else f"{actor.who} is no person of the web application"
        raise Refused(
            f"{nobody}, in whose name it would start",
            "Name one with --person; the first one begins with the link that haulage up shows.",
        )
    if not found[0].role.covers(Role.OPERATOR):
        raise Refused(f"{found[0].name} may only look", "Name somebody else with --person.")
    if not rights.works_between(ledger, found[0], source, destination):
        raise Refused(
            f"{found[0].name} may not use both connectors of the migration",
            "Share them, or name somebody else with --person.",
        )
    return found[0]


def name_of(ledger: Ledger, person_id: int) -> str:
    """A person's name; empty where the account was deleted."""
    return next((one.name for one in ledger.read(people.every) if one.id == person_id), "")
