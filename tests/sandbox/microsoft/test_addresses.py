"""The spellings of one path all end as one."""

import pytest

from haulage.sandbox.microsoft.files.addresses import argument, rewrite

DRIVE = "/v1.0/drives/b!d"


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("/v1.0/drives/b!d", DRIVE),
        ("/v1.0/drives/b!d/root", f"{DRIVE}/items/root"),
        ("/v1.0/drives/b!d/items/root", f"{DRIVE}/items/root"),
        ("/v1.0/drives/b!d/root/children", f"{DRIVE}/items/root/children"),
        ("/v1.0/drives/b!d/root:", f"{DRIVE}/items/root"),
        ("/v1.0/drives/b!d/root:/A/b%20c.txt", f"{DRIVE}/items/root:%2FA%2Fb%20c.txt"),
        ("/v1.0/drives/b!d/root:/A/b.txt:", f"{DRIVE}/items/root:%2FA%2Fb.txt"),
        ("/v1.0/drives/b!d/root:/A/b.txt:/content", f"{DRIVE}/items/root:%2FA%2Fb.txt/content"),
        ("/v1.0/drives/b!d/root%3A/A/b.txt%3a/content", f"{DRIVE}/items/root:%2FA%2Fb.txt/content"),
        ("/v1.0/drives/b!d/items/root%3A%2FA%2Fb.txt%3A", f"{DRIVE}/items/root:%2FA%2Fb.txt"),
        ("/v1.0/drives/b!d/items/01X:/", f"{DRIVE}/items/01X"),
        ("/v1.0/drives/b!d/items/01X:/name:", f"{DRIVE}/items/01X:%2Fname"),
        ("/v1.0/drives/b!d/items/01X:/name:/createUploadSession", f"{DRIVE}/items/01X:%2Fname/createUploadSession"),
        ("/v1.0/drives/b!d/items/01X/delta()", f"{DRIVE}/items/01X/delta"),
        ("/v1.0/drives/b!d/root/microsoft.graph.delta(token='T')", f"{DRIVE}/items/root/delta"),
        ("/v1.0/drives/b!d/root/search(q='x y')", f"{DRIVE}/items/root/search"),
        ("/v1.0/drives/b!d/special/documents/children", f"{DRIVE}/items/special~documents/children"),
        ("/v1.0/me/drive", "/v1.0/drives/me"),
        ("/v1.0/me/drive/root:/A:/children", "/v1.0/drives/me/items/root:%2FA/children"),
        ("/v1.0/me/drives/b!d/root", f"{DRIVE}/items/root"),
        ("/v1.0/me/drives", "/v1.0/me/drives"),
        ("/v1.0/me", "/v1.0/me"),
        ("/v1.0/users/u@x/drive/items/01X", "/v1.0/drives/users~u@x/items/01X"),
        ("/v1.0/users/u@x/drives", "/v1.0/users/u@x/drives"),
        ("/v1.0/users/u@x", "/v1.0/users/u@x"),
        ("/v1.0/groups/g/drive/root", "/v1.0/drives/groups~g/items/root"),
        ("/v1.0/sites/h,1,2/drive/root/delta", "/v1.0/drives/sites~h,1,2/items/root/delta"),
        ("/v1.0/sites/h,1,2/drives/b!d/root", f"{DRIVE}/items/root"),
        ("/v1.0/sites/h,1,2/lists/Documents/drive", "/v1.0/drives/sites~h,1,2~Documents"),
        ("/v1.0/sites/root:/sites/x", "/v1.0/sites/root%2Fsites%2Fx"),
        ("/v1.0/sites/h:/sites/x:/drives", "/v1.0/sites/h%2Fsites%2Fx/drives"),
        (
            "/v1.0/sites/h:/sites/x:/drive/root:/A:/children",
            "/v1.0/drives/sites~h%2Fsites%2Fx/items/root:%2FA/children",
        ),
        ("/v1.0/sites/getAllSites()", "/v1.0/sites/getAllSites"),
        ("/v1.0/sites", "/v1.0/sites"),
        ("/_api/v2.0/drives/b!d/root", f"{DRIVE}/items/root"),
        ("/personal/u/_api/v2.0/drives/b!d/items/01X/uploadSession", f"{DRIVE}/items/01X/uploadSession"),
        ("/beta/drives/b!d/items/01X/contentStream", f"{DRIVE}/items/01X/contentStream"),
        ("/common/oauth2/v2.0/token", "/common/oauth2/v2.0/token"),
    ],
)
def test_spelling(sent: str, meant: str) -> None:
    """Each form of the addressing page, and those that clients were seen to send."""
    assert rewrite(sent) == meant


def test_argument_of_a_function() -> None:
    """The token of delta(token='T') and the words of search(q='W')."""
    assert argument("/v1.0/drives/d/root/delta(token='abc')") == "abc"
    assert argument("/v1.0/drives/d/root/search(q=%27a%20b%27)") == "a%20b"
    assert argument("/v1.0/drives/d/root/delta") is None
