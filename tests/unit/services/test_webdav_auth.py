"""How a password is used: Basic and Digest."""

import base64

import pytest

from haulage.model.errors import Refused
from haulage.services.transport import Request
from haulage.services.webdav.auth import SENT, Login, parse_challenges

DIGEST = 'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="7ypf", opaque="FQhe"'
BASIC = 'Basic realm="files, \\"all\\""'


def request() -> Request:
    return Request("Get", "GET", "http://www.example.org/dir/index.html", {})


def test_challenges() -> None:
    """Several in one header, quoted commas and quotes."""
    found = parse_challenges(f"{DIGEST}, {BASIC}, Negotiate")
    assert [name for name, _ in found] == ["digest", "basic", "negotiate"]
    assert found[0][1]["nonce"] == "7ypf"
    assert found[0][1]["qop"] == "auth, auth-int"
    assert found[1][1]["realm"] == 'files, "all"'


def test_the_example_of_the_rfc(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 7616, 3.9.1."""
    nonce, cnonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    monkeypatch.setattr("secrets.token_hex", lambda _count: cnonce)
    for algorithm, answer in (
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ):
        login = Login("Mufasa", "Circle of Life", "digest", encrypted=True)
        asked = request()
        login.sign(asked)
        offer = f'Digest realm="http-auth@example.org", qop="auth", algorithm={algorithm}, nonce="{nonce}"'
        assert login.asked(asked, [offer])
        assert f'response="{answer}"' in login.sign(asked)["Authorization"]


def test_basic_over_an_encrypted_link() -> None:
    """Q17: the password as it is, once the server has asked; what went along is not sent itself."""
    login = Login("ü", "p:w", "auto", encrypted=True)
    asked = request()
    assert "Authorization" not in login.sign(asked)
    assert login.asked(asked, [DIGEST, BASIC])
    headers = login.sign(asked)
    assert base64.b64decode(headers["Authorization"].split()[1]).decode() == "ü:p:w"
    assert SENT not in headers
    assert not login.asked(asked, [DIGEST, BASIC])


def test_digest_over_an_open_link() -> None:
    """Q17: it does not show the password; Basic only where there is nothing else."""
    login = Login("u", "p", "auto", encrypted=False)
    asked = request()
    login.sign(asked)
    assert login.asked(asked, [DIGEST, BASIC])
    first = login.sign(asked)["Authorization"]
    assert first.startswith("Digest ")
    assert "nc=00000001" in first
    assert "nc=00000002" in login.sign(asked)["Authorization"]
    assert not login.asked(asked, [DIGEST])  # refused again with the same nonce: the password is wrong
    assert login.asked(asked, [DIGEST.replace("7ypf", "newer") + ", stale=true"])
    assert 'nonce="newer"' in login.sign(asked)["Authorization"]
    alone = Login("u", "p", "auto", encrypted=False)
    alone.sign(asked := request())
    assert alone.asked(asked, [BASIC])
    assert alone.sign(asked)["Authorization"].startswith("Basic ")


def test_what_one_is_not_asked_for() -> None:
    """A way that is not allowed, an algorithm that is not known, nobody to sign in as."""
    for login, offers in (
        (Login("u", "p", "digest", encrypted=True), [BASIC]),
        (Login("u", "p", "auto", encrypted=True), ['Digest realm="r", nonce="n", algorithm=SHA-512-256', "Negotiate"]),
        (Login("", "", "auto", encrypted=True), [BASIC]),
    ):
        asked = request()
        login.sign(asked)
        assert not login.asked(asked, offers)


def test_settings_that_are_none() -> None:
    for username, auth in (("a:b", "auto"), ("u", "ntlm")):
        with pytest.raises(Refused):
            Login(username, "p", auth, encrypted=True)


def test_the_password_is_not_shown() -> None:
    assert "secret" not in repr(Login("u", "secret", "auto", encrypted=True))
