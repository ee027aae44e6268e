"""Passwords: hashed with argon2id, and refused where everybody would guess them."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn.frequency_lists import FREQUENCY_LISTS

from haulage.model.errors import Refused

SHORTEST, LONGEST = 12, 1024
_HASHER = PasswordHasher()  # argon2id, RFC 9106's second recommendation: 64 MiB, 3 passes


@cache
def _guessed() -> frozenset[str]:
    """The most used passwords, some 30,000."""
    return frozenset(FREQUENCY_LISTS["passwords"])


def check(password: str, name: str) -> None:
    """Raises Refused for what must not be a password. Nothing is asked of its characters (S28)."""
    if len(password) < SHORTEST:
        raise Refused(
            f"the password is shorter than {SHORTEST} characters", "Choose a longer one: a few words will do."
        )
    if len(password) > LONGEST:
        raise Refused(f"the password is longer than {LONGEST} characters", "Choose a shorter one.")
    plain = password.casefold()
    simple = plain in _guessed() or _repeated(plain) or plain.replace(" ", "").strip("0123456789!.?") in _guessed()
    if simple or (len(name) > 3 and name.casefold() in plain):
        raise Refused(
            "the password is one that others would guess", "Choose one that is nobody's: a few words will do."
        )


def _repeated(text: str) -> bool:
    """Whether it is something short, again and again, or a few characters only."""
    sizes = range(1, len(text) // 2 + 1)
    return len(set(text)) < 5 or any(text == (text[:size] * len(text))[: len(text)] for size in sizes)


def hashed(password: str) -> str:
    """As it is kept."""
    return _HASHER.hash(password)


@cache
def _nobody() -> str:
    return hashed("the password of nobody")


def matches(kept: str | None, password: str) -> bool:
    """Whether it is that password. It takes as long where there is none (S31)."""
    try:
        return _HASHER.verify(kept or _nobody(), password[: LONGEST + 1]) and kept is not None
    except (VerificationError, InvalidHashError):
        return False
