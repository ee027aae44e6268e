"""A wide folder on request."""

from tests.sandbox.google.conftest import Client


async def test_a_wide_folder_on_request(nobody: Client) -> None:
    member = nobody.number(3)
    made = nobody.google.do_wide_folder({"user": member.user, "count": 2_500})
    query = {"q": f"'{made['folder']}' in parents", "pageSize": 1_000, "fields": "nextPageToken,files(id,name)"}
    found, token = [], ""
    while True:
        page = (await member.get("/drive/v3/files", **query, **({"pageToken": token} if token else {}))).json
        found += [one["name"] for one in page["files"]]
        if not (token := page.get("nextPageToken", "")):
            break
    assert len(found) == len(set(found)) == 2_500
    assert nobody.google.do_wide_folder({"user": member.user, "count": 2_500}) == made, "it is made once"
