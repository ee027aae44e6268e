"""Every code that the program can give is in the catalogue, with a sentence and a fix."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import haulage
from haulage.model.errors import HaulageError
from haulage.reports.catalogue import CATALOGUE, lookup

SOURCES = Path(haulage.__file__).parent
CODE_PACKAGES = ("engine", "ledger", "operations", "services", "connectors", "cli", "model")
CONSTRUCTORS = {"Outcome": 4}


def modules() -> list[Path]:
    return [path for package in CODE_PACKAGES for path in (SOURCES / package).rglob("*.py")]


def error_classes() -> Iterator[type[HaulageError]]:
    for module in pkgutil.walk_packages(haulage.__path__, "haulage."):
        if ".migrations" not in module.name:
            importlib.import_module(module.name)
    waiting: list[type[HaulageError]] = [HaulageError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        yield kind


def codes_in(tree: ast.AST, positions: dict[str, int]) -> Iterator[str]:
    """Texts that stand where a code is meant: assigned to `code`, keyed "code", passed as `code` by name or place."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets, value=value) if any(names_code(target) for target in targets):
                yield from texts(value)
            case ast.AnnAssign(target=ast.Name(id="code"), value=ast.expr() as value):
                yield from texts(value)
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == "code":
                        yield from texts(value)
            case ast.Call(func=func, args=args, keywords=keywords):
                for keyword in keywords:
                    if keyword.arg == "code":
                        yield from texts(keyword.value)
                name = func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""
                if name in positions and len(args) > positions[name]:
                    yield from texts(args[positions[name]])


def names_code(target: ast.expr) -> bool:
    return (isinstance(target, ast.Name) and target.id == "code") or (
        isinstance(target, ast.Attribute) and target.attr == "code"
    )


def texts(value: ast.expr) -> Iterator[str]:
    match value:
        case ast.Constant(value=str() as text) if text:
            yield text
        case ast.IfExp(body=first, orelse=second):
            yield from texts(first)
            yield from texts(second)
        case ast.BoolOp(values=several):
            for one in several:
                yield from texts(one)


def positions_of_code(trees: list[ast.Module]) -> dict[str, int]:
    """Functions that take a `code` by position, and at which."""
    found = dict(CONSTRUCTORS)
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names = [argument.arg for argument in node.args.args if argument.arg not in ("self", "cls")]
                if "code" in names:
                    found[node.name] = names.index("code")
    return found


def test_every_error_has_an_entry_with_its_own_fix() -> None:
    for kind in error_classes():
        assert kind.code in CATALOGUE, f"{kind.__name__} has the code {kind.code!r}, which the catalogue lacks"
    for kind in error_classes():
        if "code" in vars(kind):
            assert CATALOGUE[kind.code].fix == kind.default_fix, f"{kind.__name__}: the fix in the catalogue is another"


def test_every_code_that_stands_in_the_sources_has_an_entry() -> None:
    trees = {path: ast.parse(path.read_text()) for path in modules()}
    positions = positions_of_code([*trees.values()])
    assert positions["_settled"] == 2  # the search does find the planner's way to give a code
    used = {code: path for path, tree in trees.items() for code in codes_in(tree, positions)}
    assert {"filter", "not_a_file", "destination_changed", "kept_both", "removed_since", "mass_anomaly"} <= used.keys()
    missing = {code: str(path.relative_to(SOURCES)) for code, path in used.items() if code not in CATALOGUE}
    assert not missing, f"codes that the catalogue lacks, and where they are used: {missing}"
    stale = CATALOGUE.keys() - used.keys() - {kind.code for kind in error_classes()}
    assert not stale, f"codes that nothing uses any more: {stale}"


def test_every_entry_says_something() -> None:
    for code, entry in CATALOGUE.items():
        assert entry.code == code
        assert entry.heading and not entry.heading.endswith(".")
        assert entry.meaning.endswith(".") and entry.fix.endswith("."), code
        assert "retry" not in entry.fix, f"{code}: a fix says what to do"


def test_an_unknown_code_is_told_by_its_name() -> None:
    assert lookup("from_the_future").heading == "from_the_future"
    assert lookup(None).fix
