"""Services: what each can do, which names it takes, and how far it has come; all from its own declaration."""

from importlib import import_module
from typing import Any

from docs.generator.markdown import code, codes, page, plain, table
from docs.generator.settings import fields_table
from haulage.model.naming import NameRules
from haulage.model.words import size_text
from haulage.services import registry
from haulage.services.contract import ListsTree, SetsFolderTimes, Traits
from haulage.services.declaration import Service
from haulage.services.quality import level, quality

UNITS = {"bytes": "bytes of UTF-8", "chars": "characters", "utf16": "UTF-16 units"}


def ranges(characters: str) -> str:
    """Characters as U+0000-U+001F, or themselves where they can be seen."""
    points = sorted({ord(one) for one in characters})
    runs: list[list[int]] = []
    for point in points:
        if runs and point == runs[-1][1] + 1:
            runs[-1][1] = point
        else:
            runs.append([point, point])
    return ", ".join(_run(first, last) for first, last in runs)


def _run(first: int, last: int) -> str:
    if first == last:
        return code(chr(first)) if chr(first).isprintable() and chr(first) != " " else f"U+{first:04X}"
    return f"U+{first:04X}-U+{last:04X}"


def visible(name: str) -> str:
    """A name whose control characters are written as escapes: a page holds none."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in name)


def name_rows(rules: NameRules) -> list[list[str]]:
    """The naming rules, those that there are."""
    unit = UNITS[rules.unit]
    rows = [
        ["Forbidden characters", ranges(rules.forbidden) or "none but `/` and NUL"],
        ["Reserved names", codes(sorted(map(visible, rules.reserved))) or "none"],
        ["May not begin with", ranges(rules.no_leading) or "no rule"],
        ["May not end with", ranges(rules.no_trailing) or "no rule"],
        [
            "May not begin, end or hold",
            codes((*rules.no_beginnings, *rules.no_endings, *rules.no_insides)) or "no rule",
        ],
        ["Refused patterns", codes(rules.refused) or "none"],
        ["Characters beyond U+FFFF", "not taken" if rules.basic_plane else "taken"],
        ["Folders may not begin with", codes(rules.no_folder_beginnings) or "no rule"],
        ["Reserved right below the root", codes(sorted(rules.reserved_first)) or "none"],
        ["Longest name", f"{rules.longest_part:,} {unit}" if rules.longest_part else "no rule"],
        ["Longest path", f"{rules.longest_path:,} {unit}" if rules.longest_path else "no rule"],
        ["Most parts of a path", f"{rules.most_parts:,}" if rules.most_parts else "no rule"],
        ["Case", "matters" if rules.case_sensitive else "does not matter"],
        ["Unicode form", rules.unicode_form or "kept as written"],
        ["Empty parts (`a//b`)", "taken" if rules.empty_parts else "not taken"],
        ["`.` and `..` as names", "taken" if rules.dot_parts else "not taken"],
        ["A file `a` beside `a/b`", "possible" if rules.folder_beside_file else "not possible"],
    ]
    return rows


def trait_rows(traits: Traits) -> list[list[str]]:
    """What the service can do."""
    times = "not kept" if traits.times is None else f"kept, to {traits.times:,} \u00b5s"
    own = "the service checks each one, by " + code(traits.part_hash) if traits.part_hash else "not checked one by one"
    return [
        ["Folders", "nodes of their own" if traits.folders == "real" else "implied by paths; an empty one is a marker"],
        ["Modification times", times],
        ["Metadata and content type", "kept" if traits.metadata else "not kept"],
        ["Largest file", size_text(traits.largest_file)],
        ["In one request up to", size_text(traits.single_put_limit)],
        ["Parts of a larger file", f"{size_text(traits.part_bytes(traits.single_put_limit + 1))} at least; {own}"],
        ["Order of parts", "one after the other" if traits.parts_in_order else "any"],
        [
            "After a restart, a large file",
            "goes on inside the file" if traits.resumes else "is sent from its beginning",
        ],
        ["Hashes sent along with a file", codes(traits.put_hashes) or "none"],
        ["Confirms a write by", "a hash of the content" if traits.confirms == "hash" else "its size"],
        ["Refuses a write that would overwrite", "yes, by itself" if traits.conditional else "looked at just before"],
    ]


def _drive_rows(service: Service) -> list[list[str]]:
    made = import_module(f"{registry.PLACES[service.id][1]}.drive")
    kinds = [one for one in vars(made).values() if isinstance(one, type) and hasattr(one, "page")]
    tree = any(hasattr(one, "tree") for one in kinds if one is not ListsTree)
    times = any(hasattr(one, "set_folder_time") for one in kinds if one is not SetsFolderTimes)
    return [
        ["Listing", "flat, all at once" if tree else "folder by folder"],
        ["Times of folders", "set" if times else "carried by markers, where there are any"],
    ]


def quality_words(rules: dict[str, dict[str, Any]]) -> str:
    """How many rules of each level are done, exempt or open."""
    said = []
    for name, stated in rules.items():
        exempt = sum(isinstance(value, dict) for value in stated.values())
        done = sum(value == "done" for value in stated.values())
        rest = len(stated) - exempt - done
        counts = [f"{count} {word}" for count, word in ((done, "done"), (exempt, "exempt"), (rest, "open")) if count]
        said.append(f"{name}: {', '.join(counts)}")
    return "; ".join(said)


def _quality_rows(rules: dict[str, dict[str, Any]]) -> list[list[str]]:
    rows = []
    for name, stated in rules.items():
        for rule, value in stated.items():
            said = f"exempt: {value['exempt']}" if isinstance(value, dict) else str(value)
            rows.append([name, plain(rule.replace("_", " ")), plain(said)])
    return rows


def _section(service: Service) -> list[str]:
    rules = quality(service)
    stated = table(["Level", "Rule", "State"], _quality_rows(rules)) if rules else "Not stated yet."
    url = f"`{service.scheme}://{service.root_title.upper()}/...`"
    where = f"locations {url}" if service.authorisation is None else "reached through a connector, `NAME:/...`"
    return [
        f"## {service.title}",
        f"Service `{service.id}`, {where}.",
        "### Settings",
        fields_table(service) if service.fields else "It has none.",
        *_authorising(service),
        *_able(service),
        "### Quality",
        f"Level reached: {level(service) or 'none yet'}. {quality_words(rules)}",
        stated,
    ]


def _able(service: Service) -> list[str]:
    if service.traits is None:
        return ["### What it can do", "Its accounts are connected and checked; its files cannot be reached yet."]
    return [
        "### What it can do",
        table(["", ""], trait_rows(service.traits) + _drive_rows(service)),
        "### Names it takes",
        table(["", ""], name_rows(service.traits.names)),
    ]


def _authorising(service: Service) -> list[str]:
    """How one signs in: the ways, the scopes, and what leaving does."""
    if (how := service.authorisation) is None:
        return []
    rows = [[code(way.id), plain(way.title), codes(way.needs)] for way in how.ways]
    asked = [["read", codes(how.oauth.read)], ["read and write", codes(how.oauth.write)]]
    if how.oauth.app_scopes:
        asked.append(["the application's own consent", codes(how.oauth.app_scopes)])
    return [
        "### How one authorises",
        table(["Way", "What it is", "Settings it needs"], rows),
        table(["For", "Scopes asked for"], asked),
        f"Deleting a connector: {how.revoking} By hand: <{how.security_page}>. Step by step: [](../../{how.guide}.md).",
    ]


def render() -> str:
    """The page."""
    intro = (
        "Read off each service's declaration. A name that a destination does not take is fitted by a fixed rule, see "
        "[](../../explanation/names.md). What had to be learned about each service, with sources and the tests that "
        "hold it, stands in `QUIRKS.md` beside its code."
    )
    parts = [part for service in registry.services().values() for part in _section(service)]
    return page("Services, their names and limits", intro, *parts)
