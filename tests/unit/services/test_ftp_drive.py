"""What only FTP has: servers that are old, odd, behind a NAT, or that hang up in the middle."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from haulage.model.errors import AuthLost, Denied, Gone, Mismatch, NameRefused, QuotaFull, Refused, Unreachable
from haulage.model.item import Carried, Kind
from haulage.services.contract import ABSENT
from haulage.services.ftp import FTP
from haulage.services.ftp.drive import CONNECTIONS, FtpDrive
from haulage.services.ftp.replies import Negative, Reply, meaning
from haulage.services.ftp.wire import Wire
from haulage.services.transport import Limits
from testbed.ftp import Pyftpdlib, Vsftpd
from testbed.oldftp import OldFtp
from tests.contract.kit import FreePacer, body_of, listed, put, read_path

DATED = ("SIZE", "MDTM")
QUICK = Limits(attempts=3, backoff_seconds=0.01, longest_backoff_seconds=0.02, idle_seconds=20, connect_seconds=10)


@asynccontextmanager
async def opened(server: OldFtp | Pyftpdlib | Vsftpd, root: str = "", **settings: str) -> AsyncIterator[FtpDrive]:
    """A drive on it."""
    drive = FtpDrive(server.settings | settings, root, FreePacer(), QUICK)
    try:
        yield drive
    finally:
        await drive.close()


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("verbs", [(), DATED, ("SIZE",)])
async def test_servers_that_only_print_tables(windows: bool, verbs: tuple[str, ...]) -> None:
    """Q5, Q6: without MLSD; where MDTM is missing too, a file is found by what is listed beside it."""
    async with OldFtp(verbs, windows=windows) as server, opened(server) as drive:
        await drive.check(write=False, create=False)
        await put(drive, "folder/a b.bin", body_of(70_000), Carried(), ABSENT)
        await put(drive, "folder/a b.bin", body_of(80_000))
        items = await listed(drive, "folder")
        assert {path: item.size for path, item in items.items()} == {"folder/a b.bin": 80_000}
        assert await drive.item("folder/a b.bin") == items["folder/a b.bin"]
        assert await drive.item("folder/none") is None
        assert await drive.item("none/none") is None
        assert await read_path(drive, "folder/a b.bin") == body_of(80_000)
        assert server.files == {b"/folder/a b.bin": body_of(80_000)}


@pytest.mark.parametrize("shows_hidden", [True, False])
async def test_hidden_names(shows_hidden: bool) -> None:
    """Q14: asked for with -a, where the server takes that for an option and not for a name."""
    async with OldFtp(DATED, shows_hidden=shows_hidden) as server, opened(server) as drive:
        server.files |= {b"/.profile": b"x", b"/plain": b"y"}
        assert set(await listed(drive)) == ({".profile", "plain"} if shows_hidden else {"plain"})


@pytest.mark.parametrize("only_hidden", [True, False])
async def test_hidden_names_without_dots(only_hidden: bool) -> None:
    """Q14: a server may take "-a" for an option, and leave "." and ".." out all the same."""
    async with OldFtp(DATED, shows_hidden="without dots") as server, opened(server) as drive:
        server.files |= {b"/.profile": b"x"} | ({} if only_hidden else {b"/plain": b"y"})
        assert set(await listed(drive)) == {".profile"} | (set() if only_hidden else {"plain"})


async def test_a_server_that_refuses_minus_a() -> None:
    """Q14: it looks for something of that name; what it lists without is the folder."""
    async with OldFtp(DATED, shows_hidden="refused") as server, opened(server) as drive:
        server.files |= {b"/plain": b"y"}
        assert set(await listed(drive)) == {"plain"}
        assert set(await listed(drive)) == {"plain"}


@pytest.mark.parametrize(
    "reply", [b"226-3 of many\r\n226 Output truncated to 3 matches", b"226 Done (but failed to open directory)."]
)
async def test_a_list_that_says_it_is_not_whole(reply: bytes) -> None:
    """Q9: Pure-FTPd cuts long lists, vsftpd lists nothing of a folder that it may not read; both say 226."""
    async with OldFtp(DATED, ends={"LIST": reply}) as server, opened(server) as drive:
        server.files |= {b"/plain": b"y"}
        with pytest.raises((Mismatch, Denied)):
            await listed(drive)


async def test_a_folder_that_nobody_may_enter_is_not_gone() -> None:
    """Q3: 550 without a reason, and the folder above shows it."""
    async with OldFtp(DATED, closed={b"/mine"}) as server, opened(server) as drive:
        server.folders |= {b"/mine"}
        with pytest.raises(Denied):
            await listed(drive, "mine")
        with pytest.raises(Gone):
            await listed(drive, "nobody's")


async def test_servers_that_say_goodbye_to_the_idle() -> None:
    """Q11: whatever number of connections was left alone for too long, the next call goes out on a good one."""
    async with OldFtp(DATED) as server, opened(server) as drive:
        await asyncio.gather(*(put(drive, f"{number}.bin", b"x") for number in range(20)))
        assert len(server.links) >= QUICK.attempts
        for link in server.links:
            link.hang_up(b"421 idle for too long")
        await asyncio.sleep(0.1)
        assert len(await listed(drive)) == 20


def test_words_in_names_are_no_reasons() -> None:
    """Q3: a server's text quotes the name."""
    said = Negative("RETR", Reply(550, [b"/files/a/disk quota exceeded.txt: Permission denied"]))
    assert isinstance(meaning(said, "a/disk quota exceeded.txt"), Denied)
    said = Negative("RETR", Reply(550, [b"permission denied.txt: No such file or directory"]))
    assert isinstance(meaning(said, "a/permission denied.txt"), Gone)
    assert isinstance(meaning(Negative("STOR", Reply(550, [b"No space left on device"])), "a/e"), QuotaFull)


@pytest.mark.parametrize("epsv", ["ok", "none", "port"])
async def test_data_connections_go_to_the_control_host(epsv: str) -> None:
    """Q7: PASV tells an address of another network; EPSV is unknown, or a firewall stands before its port."""
    async with OldFtp(DATED, epsv=epsv) as server, opened(server) as drive:
        await put(drive, "a.bin", body_of(1000))
        assert await read_path(drive, "a.bin") == body_of(1000)
        assert (b"PASV" in server.asked) == (epsv != "ok")


async def test_a_real_server_that_tells_a_foreign_address(tmp_path: Path) -> None:
    """Q7: the same with pyftpdlib, as it is set up behind a NAT."""
    server = Pyftpdlib(tmp_path, more="masquerade_address=192.0.2.7")
    server.start()
    try:
        async with opened(server) as drive:
            await put(drive, "a.bin", body_of(1000))
            assert await read_path(drive, "a.bin") == body_of(1000)
    finally:
        server.stop()


@pytest.mark.parametrize("verb", ["STOR", "RETR", "LIST"])
async def test_the_control_connection_is_dropped_while_data_flows(verb: str) -> None:
    """Q11: all bytes went over, the reply never comes; what the server holds decides, and nothing is written twice."""
    async with OldFtp(DATED, drops={verb: 1}) as server, opened(server) as drive:
        await put(drive, "a.bin", body_of(300_000))
        assert await read_path(drive, "a.bin") == body_of(300_000)
        assert set(await listed(drive)) == {"a.bin"}
        assert server.files == {b"/a.bin": body_of(300_000)}
        assert server.drops == {verb: 0}
        assert server.asked.count(b"STOR") == 1


async def test_a_full_disk_is_told() -> None:
    """Q3: the data connection breaks first, and the reply says why: no reason to try again."""
    async with OldFtp(DATED, breaks={"STOR": b"552 quota exceeded"}) as server, opened(server) as drive:
        with pytest.raises(QuotaFull):
            await put(drive, "a.bin", body_of(5_000_000))
        assert server.asked.count(b"STOR") == 1
        assert server.files == {}


async def test_half_a_listing_is_none() -> None:
    """Q9: a listing that ends early and says so is asked for again."""
    async with OldFtp(DATED, breaks={"LIST": b"426 broken off"}) as server, opened(server) as drive:
        server.files |= {b"/%d" % number: b"" for number in range(20)}
        assert len(await listed(drive)) == 20


async def test_half_a_file_is_none() -> None:
    """Q9: a body that ends early is no end, whatever the reply is."""
    async with OldFtp(DATED, breaks={"RETR": b"226 done"}) as server, opened(server) as drive:
        server.files[b"/a.bin"] = body_of(100_000)
        with pytest.raises(Exception, match="before its end"):
            await read_path(drive, "a.bin")


async def test_names_in_another_encoding() -> None:
    """Q1: as chosen; names that are not of it are told, and what cannot be written in it is refused."""
    async with OldFtp(DATED) as server, opened(server, encoding="latin-1") as drive:
        await put(drive, "café/ß.bin", b"1")
        assert set(server.files) == {"/café/ß.bin".encode("latin-1")}
        assert set(await listed(drive, "café")) == {"café/ß.bin"}
        with pytest.raises(NameRefused):
            await put(drive, "漢.bin", b"2")
        async with opened(server) as as_utf8:
            items = await listed(as_utf8)
            assert {path: item.kind for path, item in items.items()} == {"caf\\xe9": Kind.OTHER}
            assert "not utf-8" in (items["caf\\xe9"].note or "")


@pytest.mark.parametrize("name", ["a\r\nDELE b", "a\nb", "a\rb", "a\0b"])
async def test_a_name_is_no_command(name: str) -> None:
    """Q2: the end of a line in a name never reaches the server."""
    async with OldFtp(DATED) as server, opened(server) as drive:
        with pytest.raises(NameRefused):
            await put(drive, name, b"x")
        assert b"DELE" not in server.asked


async def test_a_read_goes_on_from_its_offset(ftp_server: Pyftpdlib, tmp_path: Path) -> None:
    """REST, within a file."""
    (ftp_server.root / tmp_path.name).mkdir()
    async with opened(ftp_server, tmp_path.name) as drive:
        await put(drive, "a.bin", body_of(100_000))
        item = await drive.item("a.bin")
        assert item is not None
        async with drive.open(item, 60_000) as content:
            assert b"".join([chunk async for chunk in content.chunks()]) == body_of(100_000)[60_000:]
        assert drive.calls["REST"] == 1


async def test_every_data_connection_resumes_the_session(vsftpd: Vsftpd, tmp_path: Path) -> None:
    """Q8: vsftpd refuses data connections that do not (require_ssl_reuse); many, side by side."""
    async with opened(vsftpd, f"data/{tmp_path.name}") as drive:
        await drive.check(write=True, create=True)
        await asyncio.gather(*(put(drive, f"{number}.bin", body_of(20_000, number)) for number in range(12)))
        assert len(await listed(drive)) == 12
        for number in range(12):
            assert await read_path(drive, f"{number}.bin") == body_of(20_000, number)
        assert drive.calls["connect"] <= CONNECTIONS


async def test_a_certificate_that_nobody_vouches_for(ftps_server: Pyftpdlib) -> None:
    """The password is not sent."""
    async with opened(ftps_server, ca_file="") as drive:
        with pytest.raises(Unreachable, match="certificate"):
            await drive.check(write=False, create=False)


async def test_a_wrong_password(ftps_server: Pyftpdlib) -> None:
    """Told as such, once."""
    async with opened(ftps_server, password="wrong") as drive:
        with pytest.raises(AuthLost):
            await drive.check(write=False, create=False)


@pytest.mark.parametrize(
    "settings",
    [
        {"encryption": "none"},
        {"encryption": "some"},
        {"encoding": "klingon"},
        {"proof": "hope"},
        {"ca_file": "/does/not/exist.pem"},
        {"server": ""},
    ],
)
def test_settings_that_are_refused(settings: dict[str, str]) -> None:
    """Before any call; a password over an open link has to be allowed."""
    with pytest.raises(Refused):
        FtpDrive({"server": "h", "user": "u", "password": "p"} | settings, "", FreePacer())


def test_urls() -> None:
    """ftps:// is TLS from the first byte."""
    assert FTP.at_url is not None
    assert FTP.at_url("ftp", "me@h:2121/x") == ({"user": "me", "server": "h", "port": "2121", "base_path": "/"}, "x")
    assert FTP.at_url("ftps", "h/~/x") == ({"server": "h", "base_path": "~", "encryption": "implicit"}, "x")


@pytest.mark.parametrize(
    ("case", "form", "rules"),
    [(False, False, (True, None)), (True, False, (False, None)), (False, True, (True, "NFC"))],
)
async def test_what_the_probe_finds_out(
    ftp_server: Pyftpdlib,
    tmp_path: Path,
    case: bool,
    form: bool,
    rules: tuple[bool, str | None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Q17: in a folder of our own, which is gone again afterwards; the server is made to take other names for it."""
    root = ftp_server.root / tmp_path.name
    root.mkdir()
    ask = Wire.ask

    async def folds(self: Wire, verb: str, argument: str = "") -> Reply:
        above, _, name = argument.rpartition("/")
        if verb == "CWD" and case and name.isupper():
            name = name.lower()
        if verb == "CWD" and form and name == "\u00e4":
            name = "a\u0308"
        return await ask(self, verb, f"{above}/{name}" if above else argument)

    monkeypatch.setattr(Wire, "ask", folds)
    async with opened(ftp_server, tmp_path.name) as drive:
        await drive.check(write=True, create=False)
        names = drive.traits.names
        assert (names.case_sensitive, names.unicode_form) == rules
        assert list(root.iterdir()) == []


@pytest.mark.parametrize("missing", [b"550 no such file", b"450 not available"])
async def test_a_server_that_only_tells_times(missing: bytes) -> None:
    """Q13: MDTM with a time in front is the name of a missing file to it, whatever number it has for that."""
    async with OldFtp(DATED, missing=missing) as server, opened(server) as drive:
        await put(drive, "a.bin", b"x", Carried(modified_us=1_600_000_000_000_000))
        assert server.files == {b"/a.bin": b"x"}


async def test_signs_that_a_server_loses_or_refuses() -> None:
    """Q17: pure-FTPd makes "_" of control characters and refuses a backslash, ProFTPD takes no folder with "*"."""
    async with OldFtp(DATED, mangled=b"\t\x7f", refused=b"*\\") as server, opened(server) as drive:
        await drive.check(write=True, create=False)
        assert set("*\\\t\x01") <= set(drive.traits.names.forbidden)
        assert not set(':?"<>|;#% ') & set(drive.traits.names.forbidden)
        assert drive.traits.names.no_trailing == drive.traits.names.no_leading == ""
        assert server.folders == {b"/"}
        with pytest.raises(NameRefused, match="invalid directory name"):
            await drive.create_folder("a*b")


async def test_a_server_that_takes_no_hidden_names() -> None:
    """Told at the start, and as what it is."""
    async with OldFtp(DATED, refused=b".") as server, opened(server) as drive:
        with pytest.raises(Refused, match="no hidden names"):
            await drive.check(write=True, create=False)


async def test_an_encoding_without_accents_of_their_own(ftp_server: Pyftpdlib, tmp_path: Path) -> None:
    """Q17: names get the one form that can be written."""
    (ftp_server.root / tmp_path.name).mkdir()
    async with opened(ftp_server, tmp_path.name, encoding="cp1252") as drive:
        await drive.check(write=True, create=False)
        assert drive.traits.names.unicode_form == "NFC"
        assert drive.traits.names.case_sensitive
        assert list((ftp_server.root / tmp_path.name).iterdir()) == []
