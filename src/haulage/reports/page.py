"""The standalone page of a run: one HTML file that needs nothing else, runs no script and shows names as text only."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec

from haulage.ledger.work import OutcomeRow
from haulage.model import naming
from haulage.model.errors import NameRefused
from haulage.model.naming import NameRules
from haulage.model.outcome import Side
from haulage.model.words import hidden, size_text, time_text
from haulage.reports.catalogue import Entry, lookup
from haulage.reports.gather import EXAMPLES, Gathered, Group, ranked
from haulage.reports.lines import info, run_kind_text, status_text, utc_text
from haulage.reports.summary import Sum


class Cause(msgspec.Struct, frozen=True):
    """A group of items with what the catalogue says of its code.

    at: the side it happened at, in words. fix: what to do about all; several: each item has an advice of its own.
    """

    group: Group
    entry: Entry
    at: str
    fix: str
    several: bool = False


SIDES = {Side.SOURCE: "at the source", Side.DESTINATION: "at the destination"}


def causes(groups: dict[tuple[str, str | None, str | None], Group]) -> list[Cause]:
    """The groups with their explanations, the largest first. What the outcomes advise goes before the general rule."""
    found = []
    for group in ranked(groups):
        entry = lookup(group.code)
        advice = {row.fix for row in group.examples if row.fix}
        fix = next(iter(advice)) if len(advice) == 1 else entry.fix
        at = SIDES[Side(group.side)] if group.side else ""
        found.append(Cause(group, entry, at, fix, len(advice) > 1))
    return found


def why_named(path: str, target: str, rules: NameRules | None) -> str:
    """Why an item has another name at the destination, as far as the destination's rules tell."""
    if rules is None:
        return "fitted to what the destination accepts"
    try:
        fitted = naming.fit(path, rules)
    except NameRefused as error:
        return error.message
    reasons = list(fitted.changes)
    if fitted.path != target:
        reasons.append("another item has that name at the destination")
    return "; ".join(reasons)


def visible(text: str | None) -> Any:
    """Text as markup: escaped, with every character that is not seen shown by its number."""
    from markupsafe import Markup, escape

    shown = Markup()
    for character in text or "":
        if hidden(character):
            shown += Markup('<span class="hidden">U+{:04X}</span>').format(ord(character))
        else:
            shown += escape(character)
    return shown


def moment(moment_us: int | None) -> str:
    """2026-01-31 23:59:59 UTC."""
    if moment_us is None:
        return "not yet"
    return datetime.fromtimestamp(moment_us / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def number(count: int) -> str:
    """1,234,567."""
    return f"{count:,}"


def mood(status: int) -> str:
    """How a status looks: going on, good, some problems, bad."""
    if 300 <= status < 400:
        return "going"
    return "good" if status < 200 else "some" if status < 300 else "bad"


def template(name: str, **filters: Any) -> Any:
    """A page of this package. filters: besides those that all its pages have."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("haulage.reports", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"visible": visible, "moment": moment, "number": number, "bytes": size_text, **filters}
    return environment.get_template(name)


@cache
def _template() -> Any:
    return template("report.html", duration=time_text, outcome=status_text, utc=utc_text, info=info)


def render(
    facts: Mapping[str, Any],
    added: Sum,
    gathered: Gathered,
    rules: NameRules | None,
    written_us: int,
    files: Sequence[str],
) -> str:
    """The page. facts: see summary.facts. rules: the destination's naming rules, if known. files: beside the page."""

    def why(row: OutcomeRow) -> str:
        return why_named(row.path, row.target or row.path, rules)

    page: str = _template().render(
        run=facts,
        sum=added,
        mood=mood(facts["status"]),
        kind=run_kind_text(facts["kind"]),
        problems=causes(gathered.problems),
        left_out=causes(gathered.left_out),
        gone=causes(gathered.gone),
        beyond=causes(gathered.beyond),
        proofs=sorted(gathered.proofs.items(), key=lambda one: -one[1]),
        renamed=gathered.renamed,
        kept_both=gathered.kept_both,
        weak=gathered.weak,
        why=why,
        examples=EXAMPLES,
        written_us=written_us,
        files=files,
    )
    return page.lstrip()
