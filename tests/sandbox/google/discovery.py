"""Google's own descriptions of its interfaces as judge: of every answer, and of every request that was accepted.

The documents are those inside google-api-python-client. An unknown name, a value of the wrong type, a 64-bit number
that is no text, a scope that the method does not list: each is an AssertionError.
"""

import json
import re
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl, urlsplit

DOCUMENTS = {"/drive/v3/": "drive.v3.json", "/admin/directory/v1/": "admin.directory_v1.json"}
EXTRA = {"uploadType", "upload_id", "setModifiedDate", "access_token"}
PREFIXES = ("/resumable/upload", "/upload")
INTEGERS = {"int32", "uint32"}


@lru_cache
def document(name: str) -> dict[str, Any]:
    """A discovery document."""
    found = files("googleapiclient.discovery_cache.documents") / name
    read: dict[str, Any] = json.loads(found.read_text())
    return read


def _methods(resources: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for one in resources.get("resources", {}).values():
        found += [*one.get("methods", {}).values(), *_methods(one)]
    return found


@lru_cache
def _table(name: str) -> list[tuple[str, re.Pattern[str], dict[str, Any]]]:
    told = document(name)
    base = "/" + told["servicePath"]
    rows = []
    for method in _methods(told):
        path = re.sub(r"\{\+?(\w+)\}", r"(?P<\1>[^/]+)", base + method["path"])
        rows.append((method["httpMethod"], re.compile(path), method))
    return sorted(rows, key=lambda row: row[1].pattern.count("(?P"))


def find(verb: str, path: str) -> tuple[str, dict[str, Any]] | None:
    """The document's name and the method of a call; None where the call is of another interface."""
    for prefix in PREFIXES:
        path = path.removeprefix(prefix)
    for start, name in DOCUMENTS.items():
        if path.startswith(start):
            for method, pattern, found in _table(name):
                if method == verb and pattern.fullmatch(path):
                    return name, found
            raise AssertionError(f"{verb} {path} is no method of {name}")
    return None


def check_call(verb: str, url: str, sent: bytes, answer: bytes, scopes: set[str] | None = None) -> str:
    """A call that was answered without an error. Returns the method's ID, "" for what is described nowhere."""
    parts = urlsplit(url)
    if (found := find("PATCH" if verb == "PUT" and "/upload/" in url else verb, parts.path)) is None:
        return ""
    name, method = found
    where = str(method["id"])
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    _check_query(where, name, method, query)
    if sent and "request" in method:
        check(name, method["request"]["$ref"], json.loads(sent), where)
    if scopes is not None and "scopes" in method:
        assert scopes & set(method["scopes"]), f"{where}: accepted with {sorted(scopes)}"
    if query.get("alt") == "media" or where == "drive.files.export":
        return where
    if "response" in method:
        check(name, method["response"]["$ref"], json.loads(answer), where)
    else:
        assert not answer, f"{where}: answers {answer[:100]!r}"
    return where


def _check_query(where: str, name: str, method: dict[str, Any], query: dict[str, str]) -> None:
    known = {**document(name)["parameters"], **method.get("parameters", {})}
    for key, value in query.items():
        if key in EXTRA:
            continue
        assert key in known, f"{where}: there is no parameter {key}"
        told = known[key]
        if told["type"] == "boolean":
            assert value in ("true", "false"), f"{where}: {key}={value}"
        if told["type"] == "integer":
            assert re.fullmatch(r"-?\d+", value), f"{where}: {key}={value}"
        if "enum" in told:
            assert value in told["enum"], f"{where}: {key}={value}"
    for key, told in method.get("parameters", {}).items():
        missing = told.get("required") and told["location"] == "query" and key not in query
        assert not missing, f"{where}: accepted without {key}"


def check(name: str, schema: str, value: Any, where: str) -> None:
    """A document against a schema."""
    _check(name, {"$ref": schema}, value, where)


def _check(name: str, told: dict[str, Any], value: Any, where: str) -> None:
    if "$ref" in told:
        told = document(name)["schemas"][told["$ref"]]
    kind, form = told.get("type", "any"), told.get("format", "")
    assert value is not None or "readOnly" not in told, f"{where}: null"
    if kind == "object":
        _check_object(name, told, value, where)
    elif kind == "array":
        assert isinstance(value, list), f"{where}: {value!r} is no list"
        for index, one in enumerate(value):
            _check(name, told["items"], one, f"{where}[{index}]")
    elif kind == "string":
        assert isinstance(value, str), f"{where}: {value!r} is no text"
        _check_text(told, form, value, where)
    elif kind == "boolean":
        assert isinstance(value, bool), f"{where}: {value!r} is neither true nor false"
    elif kind == "integer":
        assert isinstance(value, int) and not isinstance(value, bool), f"{where}: {value!r} is no whole number"
    elif kind == "number":
        assert isinstance(value, int | float), f"{where}: {value!r} is no number"


def _check_object(name: str, told: dict[str, Any], value: Any, where: str) -> None:
    assert isinstance(value, dict), f"{where}: {value!r} is no object"
    known, rest = told.get("properties", {}), told.get("additionalProperties")
    for key, one in value.items():
        assert key in known or rest is not None, f"{where}: there is no field {key}"
        _check(name, known.get(key) or rest, one, f"{where}.{key}")


def _check_text(told: dict[str, Any], form: str, value: str, where: str) -> None:
    if form in ("int64", "uint64"):
        assert re.fullmatch(r"-?\d+", value), f"{where}: {value!r} is no 64-bit number"
    if form == "date-time":
        datetime.fromisoformat(value)
    if "enum" in told:
        assert value in told["enum"], f"{where}: {value!r}"
