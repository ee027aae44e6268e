"""Promises: the numbered cases, faults and goals, and the tests that cite each."""

import ast
import re
import tokenize
from collections import defaultdict
from pathlib import Path

from docs.generator.markdown import code, page, plain, table

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "docs" / "promises.tsv"
TITLES = {
    "T": "Cases: defects that real tools had",
    "F": "Faults, and what happens then",
    "G": "Goals, in numbers",
    "S": "Security rules",
}
_RANGE = re.compile(r"\b([TFS](?=\d\d)|G)(\d{1,2})(?:\s?(?:-|to|\u2013)\s?([TFS](?=\d\d)|G)(\d{1,2}))?\b")


def promises() -> dict[str, tuple[str, str]]:
    """Number -> (case, promise)."""
    lines = LIST.read_text(encoding="utf-8").splitlines()
    return {number: (case, promise) for number, case, promise in (line.split("\t") for line in lines)}


def numbers(text: str) -> set[str]:
    """The promises that a text cites; F46-F48 are three."""
    found = set()
    for letter, first, letter_again, last in _RANGE.findall(text):
        end = int(last) if last and letter_again == letter else int(first)
        found |= {f"{letter}{number:02}" for number in range(int(first), end + 1)}
        if last and letter_again != letter:
            found.add(f"{letter_again}{int(last):02}")
    return found


def citations(folder: Path = ROOT / "tests") -> dict[str, list[str]]:
    """Number -> the tests (or files) whose docstring or comment cites it."""
    cited: dict[str, set[str]] = defaultdict(set)
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
        tests: list[tuple[int, int, str]] = []
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for number in numbers(ast.get_docstring(tree) or ""):
            cited[number].add(name)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                tests.append((node.lineno, node.end_lineno or node.lineno, node.name))
                for number in numbers(ast.get_docstring(node) or ""):
                    cited[number].add(f"{name}::{node.name}" if node.name.startswith("test") else name)
        with path.open("rb") as source:
            for token in tokenize.tokenize(source.readline):
                if token.type == tokenize.COMMENT:
                    inside = [one for first, last, one in tests if first <= token.start[0] <= last and "test" in one]
                    for number in numbers(token.string):
                        cited[number].add(f"{name}::{inside[-1]}" if inside else name)
    return {number: sorted(where) for number, where in cited.items()}


def _cell(where: list[str]) -> str:
    return "<br>".join(code(one.removeprefix("tests/")) for one in where[:6]) + (
        f"<br>and {len(where) - 6} more" if len(where) > 6 else ""
    )


def render() -> str:
    """The page."""
    known, cited = promises(), citations()
    held = sum(number in cited for number in known)
    parts = [
        "Each line is a promise of the whole project. The tests that hold it cite its number in a docstring or a "
        f"comment; they are collected from `tests/`. {held} of {len(known)} are cited. Where no test is named, the "
        "promise is not held by a test yet: most of those belong to services and faces that this version does not "
        "have. A citation says that the test is about the promise, not that it covers all of it.",
    ]
    for letter, title in TITLES.items():
        rows = [
            [number, plain(case), plain(promise), _cell(cited.get(number, []))]
            for number, (case, promise) in known.items()
            if number[0] == letter
        ]
        parts += [f"## {title}", table(["No.", "Case", "Promise", "Tests"], rows)]
    return page("Promises and the tests that hold them", *parts)
