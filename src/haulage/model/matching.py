"""Who of the source is who at the destination: by e-mail address, alias, then local part; display names are offered."""

from collections.abc import Callable, Iterable, Sequence

import msgspec


class Candidate(msgspec.Struct, frozen=True):
    """A place: path as in NAME:/path (a user's address, a shared drive's name), and what else it is known by."""

    path: str
    kind: str = "user"
    shown: str = ""
    aliases: tuple[str, ...] = ()


class Match(msgspec.Struct, frozen=True):
    """Two places taken to be the same one. how: email, alias, local part, name."""

    source: Candidate
    destination: Candidate
    how: str


class Matched(msgspec.Struct, frozen=True):
    """taken: pairs that are certain enough; offered: pairs of the same display name, for a person to decide.

    sources, destinations: those that nothing matched (the offered ones among them).
    """

    taken: list[Match]
    offered: list[Match]
    sources: list[Candidate]
    destinations: list[Candidate]


def match(sources: Sequence[Candidate], destinations: Sequence[Candidate]) -> Matched:
    """Each destination is taken once. What would match two of either side by the same rule matches neither by it.

    Users are matched with users, everything else by its name with what is of the same kind.
    """
    left, right = list(sources), list(destinations)
    taken: list[Match] = []
    for how, keys_of, keys_at in _RULES:
        pairs = _unambiguous(left, right, keys_of, keys_at)
        taken += [Match(first, second, how) for first, second in pairs]
        used_sources, used_destinations = {id(one) for one, _ in pairs}, {id(other) for _, other in pairs}
        left = [one for one in left if id(one) not in used_sources]
        right = [one for one in right if id(one) not in used_destinations]
    offered = [Match(first, second, "name") for first, second in _unambiguous(left, right, _shown, _shown)]
    order = {id(one): number for number, one in enumerate(sources)}
    taken.sort(key=lambda one: order[id(one.source)])
    return Matched(taken, offered, left, right)


Keys = Callable[[Candidate], Iterable[str]]


def _unambiguous(
    sources: Sequence[Candidate], destinations: Sequence[Candidate], keys_of: Keys, keys_at: Keys
) -> list[tuple[Candidate, Candidate]]:
    """Pairs with a key in common, where neither side has a second candidate with any key of the pair."""
    at: dict[tuple[str, str], list[Candidate]] = {}
    for one in destinations:
        for key in {*keys_at(one)}:
            at.setdefault((_class(one), key), []).append(one)
    found: list[tuple[Candidate, Candidate]] = []
    claims: dict[int, int] = {}
    for one in sources:
        hits = {id(other): other for key in keys_of(one) for other in at.get((_class(one), key), ())}
        for other in hits:
            claims[other] = claims.get(other, 0) + 1
        if len(hits) == 1:
            found.append((one, next(iter(hits.values()))))
    return [pair for pair in found if claims[id(pair[1])] == 1]


def _class(one: Candidate) -> str:
    return "user" if one.kind.startswith("user") else "place"


def _address(one: Candidate) -> Iterable[str]:
    return [one.path.casefold()]


def _addresses(one: Candidate) -> Iterable[str]:
    return [one.path.casefold(), *(alias.casefold() for alias in one.aliases)]


def _local_part(one: Candidate) -> Iterable[str]:
    return [address.partition("@")[0] for address in _address(one) if "@" in address]


def _shown(one: Candidate) -> Iterable[str]:
    return [" ".join(one.shown.casefold().split())] if one.shown.strip() else []


_RULES: tuple[tuple[str, Keys, Keys], ...] = (
    ("email", _address, _address),
    ("alias", _addresses, _addresses),
    ("local part", _local_part, _local_part),
)
