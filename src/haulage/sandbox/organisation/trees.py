"""What people keep in their drives: sketches of trees, which each service turns into items of its own kind."""

import random
from collections.abc import Iterator
from typing import Literal

import msgspec

from haulage.sandbox.organisation.people import Organisation

Kind = Literal["folder", "file", "document", "spreadsheet", "presentation", "drawing", "form", "note", "shortcut"]
NATIVE: tuple[Kind, ...] = ("document", "spreadsheet", "presentation", "drawing", "form", "note")
EARLIEST = 1_400_000_000.0  # 2014; nothing is older
LATEST = 1_790_000_000.0  # autumn of 2026; nothing is younger when a sandbox starts
WORDS = (
    "Annual", "Budget", "Contract", "Draft", "Final", "Invoice", "Meeting", "Notes", "Offer", "Photo", "Plan",
    "Presentation", "Protocol", "Report", "Review", "Roadmap", "Scan", "Sketch", "Strategy", "Summary",
    "Travel", "Übersicht", "Präsentation", "été", "報告", "計画", "отчёт", "עותק", "نسخة",
)  # fmt: skip
ENDINGS = ("docx", "xlsx", "pptx", "pdf", "jpg", "png", "txt", "csv", "zip", "mp4", "html", "heic", "dwg", "md", "json")
AWKWARD = (
    " leading space", "trailing space ", "trailing dot.", "two..dots", "a#b%20c&d+e=f;g,h@i!j$k~l'm",
    "quote\"d", "a:b", "q?mark", "star*", "pipe|d", "less<more>", "back\\slash", "slash/inside", "CON",
    "nul.txt", "com1.doc", "~$lock.docx", "desktop.ini", ".DS_Store", "Thumbs.db", "_vti_cnf", "forms",
    "folder.files", "x_fichiers", "tab\tinside", "new\nline", "caf\u00e9.txt", "cafe\u0301.txt", "Case.TXT",
    "case.txt", "\U0001f600 emoji \U0001f469\u200d\U0001f4bb.png", "\u202egnp.exe",
    "\u05e9\u05dc\u05d5\u05dd.txt", "\u0645\u0631\u062d\u0628\u0627.docx",
    "\u65e5\u672c\u8a9e\u30d5\u30a1\u30a4\u30eb.txt", "\uff0e\uff0e", "zero\u200bwidth.txt",
    "=cmd|' /C calc'!A0.csv", "<img src=x onerror=alert(1)>.html", "%2e%2e%2f.txt", "x" * 200 + ".txt",
    "y" * 251 + ".txt", "\u00fc" * 120 + ".md",
)  # fmt: skip


class Grant(msgspec.Struct, frozen=True):
    """A permission. to: person, external, group, domain or link; who: number of the person, or name of the group."""

    to: Literal["person", "external", "group", "domain", "link"]
    who: int | str
    role: Literal["reader", "commenter", "writer"]


class Sketch(msgspec.Struct, frozen=True, gc=False):
    """One item. number: from 0, parents before children; parent: the number of its folder, -1 for the root.

    size: bytes of a file; None: as the pool has it (Contents.pooled). versions: how many it has, the oldest made at
    `created_at`. target: the number of the item that a shortcut points to, -1 for one that is gone. author: the
    number of a person. flags: restricted (not to be downloaded), flagged (malware), locked, orphan (no folder), twin
    (has the name of a sibling).
    """

    number: int
    parent: int
    kind: Kind
    name: str
    created_at: float
    modified_at: float
    author: int
    size: int | None = None
    versions: int = 1
    grants: tuple[Grant, ...] = ()
    target: int = -1
    flags: frozenset[str] = frozenset()


class Trees:
    """Sketches the tree of each owner; which of the items a service can hold is for the service to say."""

    def __init__(self, organisation: Organisation) -> None:
        self._organisation = organisation

    def of(self, owner: str, author: int, weight: float) -> Iterator[Sketch]:
        """The tree of an owner ("person/7", "space/2"), parents first: about 120 items for a weight of 1.

        Nothing at all for a weight of 0. Every fifth owner and every space also has the awkward part.
        """
        if weight <= 0:
            return
        grower = _Grower(self._organisation, owner, author)
        yield from grower.ordinary(int(120 * weight))
        kind, _, number = owner.partition("/")
        if kind == "space" or int(number) % 5 == 1:
            yield from grower.awkward()
            yield from grower.deep()
            yield from grower.special()

    def wide(self, owner: str, author: int, count: int) -> Iterator[Sketch]:
        """A folder "Wide" of `count` small files, to be added to an owner's root."""
        grower = _Grower(self._organisation, f"{owner}/wide", author)
        folder = grower.make(-1, "folder", "Wide")
        yield folder
        for index in range(count):
            yield grower.make(folder.number, "file", f"entry-{index:06d}.txt", size=index % 97)


class _Grower:
    def __init__(self, organisation: Organisation, owner: str, author: int) -> None:
        self._organisation = organisation
        self._dice = random.Random(f"{organisation.seed}/tree/{owner}")  # noqa: S311 - made-up files
        self._author = author
        self._count = 0

    def make(self, parent: int, kind: Kind, name: str, **more: object) -> Sketch:
        """The next item."""
        dice = self._dice
        created = EARLIEST + dice.random() ** 0.5 * (LATEST - EARLIEST)
        modified = created + dice.random() ** 3 * (LATEST - created)
        made = Sketch(self._count, parent, kind, name, created, modified, self._author)
        self._count += 1
        return msgspec.structs.replace(made, **more) if more else made

    def ordinary(self, count: int) -> Iterator[Sketch]:
        """Folders and files as people have them."""
        dice, folders = self._dice, [(-1, 0)]
        names: dict[int, set[str]] = {}
        for _ in range(count):
            parent, depth = folders[int(len(folders) * dice.random() ** 1.5)]
            taken = names.setdefault(parent, set())
            if dice.random() < 0.16 and depth < 9:
                item = self.make(parent, "folder", self._fresh(taken, ""), grants=self._grants(0.12))
                folders.append((item.number, depth + 1))
            elif dice.random() < 0.06:
                item = self.make(parent, dice.choice(NATIVE), self._fresh(taken, ""), grants=self._grants(0.1))
            else:
                name = self._fresh(taken, f".{dice.choice(ENDINGS)}")
                versions = dice.randint(2, 5) if dice.random() < 0.05 else 1
                item = self.make(parent, "file", name, versions=versions, grants=self._grants(0.04))
            yield item

    def awkward(self) -> Iterator[Sketch]:
        """Names that some service or other cannot hold, or takes for the same."""
        folder = self.make(-1, "folder", "Awkward names")
        yield folder
        for index, name in enumerate(AWKWARD):
            yield self.make(folder.number, "file", name, size=10 + index)
        for index in range(2):
            yield self.make(folder.number, "file", "twin.txt", size=500 + index, flags=frozenset({"twin"}))
            yield self.make(folder.number, "folder", "Twin folder", flags=frozenset({"twin"}))
        yield self.make(folder.number, "folder", "Empty folder")

    def deep(self) -> Iterator[Sketch]:
        """A path of more than 400 characters."""
        parent = -1
        for level in range(14):
            item = self.make(parent, "folder", f"Deep level {level:02d} with a rather long name {'x' * 4}")
            parent = item.number
            yield item
        yield self.make(parent, "file", "at the very bottom.txt", size=42)

    def special(self) -> Iterator[Sketch]:
        """Shortcuts (one to nowhere, two in a circle), and items that cannot simply be read."""
        folder = self.make(-1, "folder", "Special")
        yield folder
        original = self.make(folder.number, "file", "original.txt", size=2_048, versions=12)
        yield original
        yield self.make(folder.number, "shortcut", "to the original", target=original.number)
        yield self.make(folder.number, "shortcut", "to the folder above", target=folder.number)
        yield self.make(folder.number, "shortcut", "to nowhere", target=-1)
        for flag in ("restricted", "flagged", "locked"):
            yield self.make(folder.number, "file", f"{flag}.docx", size=3_000, flags=frozenset({flag}))
        yield self.make(-1, "file", "orphan.txt", size=77, flags=frozenset({"orphan"}))
        everyone = (
            Grant("person", 2, "writer"), Grant("external", 1_000_001, "reader"), Grant("group", "Sales", "commenter"),
            Grant("domain", "", "reader"), Grant("link", "", "reader"),
        )  # fmt: skip
        yield self.make(folder.number, "file", "shared with everyone.pdf", size=9_000, grants=everyone)

    def _fresh(self, taken: set[str], ending: str) -> str:
        dice = self._dice
        name = " ".join(dice.choice(WORDS) for _ in range(dice.randint(1, 3)))
        if dice.random() < 0.4:
            name += f" {dice.randint(2014, 2026)}"
        fitted, number = name + ending, 2
        while fitted.casefold() in taken:
            fitted, number = f"{name} {number}{ending}", number + 1
        taken.add(fitted.casefold())
        return fitted

    def _grants(self, likelihood: float) -> tuple[Grant, ...]:
        dice = self._dice
        if dice.random() >= likelihood:
            return ()
        people = self._organisation.people
        grants = [Grant("person", dice.choice(people).number, dice.choice(("reader", "writer")))]
        if dice.random() < 0.3:
            grants.append(Grant("group", dice.choice(self._organisation.groups).name, "reader"))
        if dice.random() < 0.1:
            grants.append(Grant("external", dice.choice(self._organisation.externals).number, "reader"))
        if dice.random() < 0.1:
            grants.append(Grant("link", "", "reader"))
        return tuple(one for one in grants if one.who != self._author)
