"""S28: how passwords are kept, and which ones are not taken."""

import pytest

from haulage.model.errors import Refused
from haulage.operations import passwords


def test_they_are_kept_as_argon2id() -> None:
    """With 64 MiB and 3 passes at least, each with a salt of its own; nothing else matches."""
    kept = passwords.hashed("four words nobody guesses")
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,")
    assert kept != passwords.hashed("four words nobody guesses")
    assert passwords.matches(kept, "four words nobody guesses")
    for wrong in ("", "four words nobody guesses ", "FOUR WORDS NOBODY GUESSES", kept):
        assert not passwords.matches(kept, wrong)
    assert not passwords.matches(None, "the password of nobody")


LONG = "a long sentence that nobody else would think of " + "0123456789" * 20


@pytest.mark.parametrize("good", ["four words nobody guesses", "x9$Lm2!qRt7z", "пароль из четырёх слов", LONG])
def test_nothing_is_asked_of_their_characters(good: str) -> None:
    """Twelve characters of any script, up to a thousand."""
    passwords.check(good, "ada")


@pytest.mark.parametrize(
    "bad", ["short one", "passwordpassword", "password1234", "aaaaaaaaaaaaaa", "abababababab", "ada.lovelace-2026"]
)
def test_what_others_would_guess_is_not_taken(bad: str) -> None:
    """Too short, the most used ones, repetitions, one's own name."""
    with pytest.raises(Refused):
        passwords.check(bad, "ada.lovelace")
    with pytest.raises(Refused):
        passwords.check("x9$Lm2!qRt7z" * 100, "ada")
