"""Users of two organisations, matched."""

from haulage.model.matching import Candidate, match


def pairs(sources: list[Candidate], destinations: list[Candidate]) -> dict[str, tuple[str, str]]:
    return {one.source.path: (one.destination.path, one.how) for one in match(sources, destinations).taken}


def test_by_address_then_alias_then_local_part() -> None:
    """The surest rule first, in any letter case; each destination once."""
    here = [
        Candidate("Ann@old.example"),
        Candidate("bea@old.example", aliases=("b.smith@new.example",)),
        Candidate("cid@old.example"),
        Candidate("dan@old.example"),
    ]
    there = [
        Candidate("ann@OLD.example"),
        Candidate("b.smith@new.example"),
        Candidate("CID@new.example"),
        Candidate("eve@new.example"),
    ]
    assert pairs(here, there) == {
        "Ann@old.example": ("ann@OLD.example", "email"),
        "bea@old.example": ("b.smith@new.example", "alias"),
        "cid@old.example": ("CID@new.example", "local part"),
    }
    left = match(here, there)
    assert [one.path for one in left.sources] == ["dan@old.example"]
    assert [one.path for one in left.destinations] == ["eve@new.example"]


def test_two_who_could_be_meant_are_nobody() -> None:
    """Somebody else's files must not go to the wrong one of two."""
    here = [Candidate("info@a.example"), Candidate("sam@a.example")]
    there = [Candidate("info@b.example"), Candidate("info@c.example"), Candidate("sam@b.example")]
    assert pairs(here, there) == {"sam@a.example": ("sam@b.example", "local part")}
    both = [Candidate("sam@a.example"), Candidate("sam@d.example")]
    assert pairs(both, there[2:]) == {}


def test_display_names_are_offered_and_not_taken() -> None:
    """They are no proof."""
    found = match([Candidate("a1@x.example", shown="Ann  Lee")], [Candidate("al@y.example", shown="ann lee")])
    assert found.taken == []
    assert [(one.source.path, one.destination.path, one.how) for one in found.offered] == [
        ("a1@x.example", "al@y.example", "name")
    ]
    assert len(found.sources) == len(found.destinations) == 1


def test_users_are_not_matched_with_drives() -> None:
    """Whatever their names."""
    assert pairs([Candidate("sales", "shared drive")], [Candidate("sales", "user")]) == {}
    assert pairs([Candidate("Sales", "shared drive")], [Candidate("sales", "team folder")]) == {
        "Sales": ("sales", "email")
    }
