"""The documentation leaves nothing out: every option, setting, variable, code, status, event and counter is in it."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
import pytest

from docs.generate import PAGES, generate
from docs.generator import cli, ledger, outcomes, promises, settings
from haulage.cli.output import Exit
from haulage.engine.counts import Counts
from haulage.engine.examine import VerifyCounts
from haulage.ledger.schema import metadata
from haulage.model.outcome import STATUS_TEXT, OutcomeKind, Status
from haulage.reports.catalogue import CATALOGUE
from haulage.services import quality, registry
from haulage.services.transport.limits import Limits

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "haulage"
EVENTS = (ROOT / "docs" / "reference" / "events.md").read_text(encoding="utf-8")
WORD = re.compile(r"[a-z][a-z0-9_]+")


@cache
def page(name: str) -> str:
    """A generated page."""
    return PAGES[name]()


@cache
def trees() -> list[ast.Module]:
    """All of the program's source, parsed."""
    return [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(SOURCE.rglob("*.py"))]


def nodes() -> Iterator[ast.AST]:
    """Every node of it."""
    for tree in trees():
        yield from ast.walk(tree)


def test_all_pages_are_written_and_written_once(tmp_path: Path) -> None:
    written = generate(tmp_path)
    assert {path.name for path in written} == set(PAGES)
    before = [path.stat().st_mtime_ns for path in written]
    assert [path.stat().st_mtime_ns for path in generate(tmp_path)] == before
    index = (ROOT / "docs" / "reference" / "index.md").read_text(encoding="utf-8")
    assert all(f"generated/{Path(name).stem}\n" in index for name in PAGES)


def test_every_command_and_option_is_explained() -> None:
    found = [(" ".join(words), command) for words, command in cli.commands()]
    assert {"haulage copy", "haulage verify", "haulage scan", "haulage connectors add"} <= {name for name, _ in found}
    for name, command in found:
        assert cli.summary(command), f"{name} has no help"
        for argument in cli.arguments(command):
            assert argument.parameter.help, f"{name} {argument.names[0]} has no help"
            assert f"`{argument.names[0]}" in page("cli.md")


def test_every_exit_code_is_explained() -> None:
    assert set(cli.EXITS) == set(Exit)
    told = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", told, re.MULTILINE)] == [int(code) for code in Exit]


def test_every_setting_is_explained() -> None:
    for service in registry.services().values():
        for field in service.fields:
            assert field.title and field.help.endswith("."), f"{service.id} {field.name}"
            assert f"`{field.name}`" in page("settings.md")
    assert set(settings.LIMITS) == {field.name for field in msgspec.structs.fields(Limits)}


def test_every_environment_variable_that_is_read_is_explained() -> None:
    """A literal name after `environ` or `environment`, and anything that begins with HAULAGE_."""
    read = set()
    for node in nodes():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "getenv"):
            holder = ast.unparse(node.func.value)
            if node.args and isinstance(node.args[0], ast.Constant) and re.search(r"environ|^os$", holder):
                read.add(str(node.args[0].value))
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            if "environ" in ast.unparse(node.value):
                read.add(str(node.slice.value))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            read.update(re.findall(r"\bHAULAGE_[A-Z_]*[A-Z]\b", node.value))
    assert "HAULAGE_HOME" in read
    assert sorted(name for name in read if name not in page("settings.md")) == []


def test_every_error_has_a_code_that_is_explained() -> None:
    missing = {kind.__name__: kind.code for kind in outcomes.family() if kind.code not in CATALOGUE}
    assert missing == {}
    for entry in CATALOGUE.values():
        assert entry.meaning.endswith(".") and entry.fix.endswith("."), entry.code
        assert f"`{entry.code}`" in page("error-codes.md")


CODE_AT = {"failed": 1, "differs": 1, "explained": 2, "_settled": 2}
"""Functions of the engine that make an outcome with a code, and which argument that is."""


def test_every_code_of_an_outcome_is_explained() -> None:
    used = set()
    for node in nodes():
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            at = CODE_AT.get(name, len(node.args))
            if at < len(node.args) and isinstance(node.args[at], ast.Constant):
                used.add(node.args[at].value)
    codes = {code for code in used if isinstance(code, str) and WORD.fullmatch(code)}
    assert {"filter", "missing", "size_only"} <= codes
    assert codes - set(CATALOGUE) == set()


def test_every_status_and_outcome_is_explained() -> None:
    assert set(outcomes.STATUSES) == set(Status) == set(STATUS_TEXT)
    assert set(outcomes.OUTCOMES) == set(OutcomeKind)
    for status in Status:
        assert f"`{int(status)}`" in page("statuses.md")


def test_every_event_is_explained() -> None:
    told = set()
    for node in nodes():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "tell":
            told |= {one.value for one in node.args[:1] if isinstance(one, ast.Constant)}
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            told |= {
                value.value
                for key, value in pairs
                if isinstance(key, ast.Constant) and key.value == "event" and isinstance(value, ast.Constant)
            }
    assert {"started", "progress", "ended"} <= told
    assert sorted(name for name in told if f"`{name}`" not in EVENTS) == []


@pytest.mark.parametrize("kind", [Counts, VerifyCounts])
def test_every_counter_is_explained(kind: type[Counts]) -> None:
    names = [field.name for field in msgspec.structs.fields(kind)]
    assert [name for name in names if f"`{name}`" not in EVENTS] == []


def test_every_table_of_the_ledger_is_explained() -> None:
    assert set(ledger.TABLES) == {table.name for table in metadata.sorted_tables}
    for table in metadata.sorted_tables:
        assert all(f"`{column.name}`" in page("ledger.md") for column in table.columns)


def test_every_service_states_its_quality() -> None:
    for service in registry.services().values():
        assert {"bronze", "silver", "gold"} <= set(quality.quality(service)), service.id
        assert (quality.folder_of(service) / "QUIRKS.md").exists()


def test_promises_that_tests_cite_are_in_the_list() -> None:
    known = promises.promises()
    assert len(known) > 200
    assert sorted(set(promises.citations()) - set(known)) == []
    assert promises.numbers("(T01, F46-F48; G12, see S3)") == {"T01", "F46", "F47", "F48", "G12"}


def test_links_between_pages_lead_somewhere() -> None:
    """Sphinx checks its own pages; this checks the README, which it does not build."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)", text)
    assert links and [link for link in links if not (ROOT / link).exists()] == []


@cache
def known_options() -> dict[tuple[str, ...], set[str]]:
    """The options of every command, by its words."""
    return {words: {name for one in cli.arguments(command) for name in one.names} for words, command in cli.commands()}


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.name)
def test_commands_in_the_pages_exist(path: Path) -> None:
    """Every `haulage COMMAND` and every option behind it, in every page that a person wrote."""
    if {"generated", "_build"} & set(path.relative_to(ROOT).parts):
        return
    options = known_options()
    for line in path.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        for said in re.findall(r"(?:^\s+|^|`|/)haulage ((?:[a-z]+)(?: [^`|#]*)?)", line):
            words = said.split()
            known = [("haulage", *words[:count]) for count in (3, 2, 1) if ("haulage", *words[:count]) in options]
            assert known or words[0] in ("connectors",), f"{said!r} is no command"
            used = {word.partition("=")[0] for word in words if word.startswith("--")}
            assert not known or used <= options[known[0]] | {"--help"}, f"{said!r} has an unknown option"
