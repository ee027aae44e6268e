"""Migrations through the API, from their users' file to their reports."""

import csv
import io
from pathlib import Path

from haulage.model.person import Role, Scope
from haulage.operations import signing_in
from haulage.reports import certificate
from tests.web.house import TEST, House, Visitor
from tests.web.test_going_on import until
from tests.web.test_passes import is_over


async def test_from_a_file_to_reports(house: House, tmp_path: Path) -> None:
    """Begun, filled, scanned, started, told of, stopped, scheduled, reported on and deleted."""
    ada = house.person("ada", Role.OPERATOR)
    for name in ("here", "there"):
        house.folder(name, "ada", tmp_path / name)
    for user in ("alice", "bob"):
        (tmp_path / "here" / user).mkdir()
        (tmp_path / "here" / user / "a.txt").write_text(user)
    _, key = signing_in.add_token(house.ledger, ada, "all", list(Scope), 1, TEST)
    visitor = Visitor(house)
    http, at = visitor.http, "/api/v1/migrations"
    http.headers["Authorization"] = f"Bearer {key}"
    made = await http.post(at, json={"name": "m", "source": "here", "destination": "there"})
    assert (made.status_code, made.json()["id"]) == (201, 1)
    assert (await http.post(at, json={"name": "n", "source": "here", "destination": "nobody's"})).status_code == 404
    rows = "\n".join(f"{tmp_path}/here/{one},{tmp_path}/there/{one},hr" for one in ("alice", "bob", "carol"))
    added = await http.post(f"{at}/1/users", json={"csv": f"Source Path,Destination Path,Tags\n{rows}\n"})
    assert added.json() == {"count": 3}
    assert (await http.post(f"{at}/1/users", json={"csv": "a,b,c,d"})).status_code == 422
    as_a_form = await http.post(f"{at}/1/passes", data={'{"kind": "copy"}': ""})  # what curl's -d makes of it
    assert (as_a_form.status_code, "Content-Type: application/json" in as_a_form.json()["detail"]) == (422, True)
    for number, kind in enumerate(("scan", "copy"), 1):
        begun = await http.post(f"{at}/1/passes", json={"kind": kind, "filter": "tags:hr"})
        assert (begun.status_code, begun.json()["id"], begun.json()["busy"]) == (201, number, 0)
        await until(lambda number=number: is_over(house.ledger, number))
    whole = (await http.get(f"{at}/1")).json()
    assert (whole["totals"]["complete"], whole["totals"]["failures"]) == (2, 1)
    assert [(one["kind"], one["users"]["succeeded"], one["goes_on"]) for one in whole["passes"]] == [("copy", 2, False)]
    assert (await http.post(f"{at}/1/passes/2/pause")).status_code == 422
    assert (await http.post(f"{at}/1/passes/9/resume")).status_code == 404
    assert (await http.post(f"{at}/1/users/cancel", json={"ids": [1]})).status_code == 422
    assert (await http.post(f"{at}/1/passes", json={"ids": [99]})).status_code == 422
    timed = {"kind": "copy", "every": "daily", "hour": 20, "zone": "Europe/Berlin", "filter": "alice", "hours": {}}
    planned = await http.post(f"{at}/1/schedules", json=timed)
    assert planned.json()["hours"] == "20:00 to 06:00 and all weekend (UTC)" and planned.json()["users"] == 1
    users = (await http.get(f"{at}/1/users", params={"filter": "status:success"})).json()
    assert users["count"] == 2
    assert [one["schedule"] for one in users["users"]] == ["daily at 20:00 (Europe/Berlin)", ""]
    table = list(csv.DictReader(io.StringIO((await http.get(f"{at}/1/reports/migration")).content.decode("utf-8-sig"))))
    assert [one["Last Status Code"] for one in table] == ["100", "100", "411"]
    for path, complete in ((f"{at}/1/certificate", False), ("/api/v1/runs/3/certificate", True)):
        (tmp_path / "certificate").write_bytes((await http.get(path)).content)
        assert certificate.check(tmp_path / "certificate")[0].complete == complete, path
    assert (await http.get("/api/v1/runs/99/certificate")).status_code == 404
    assert (await http.get(f"{at}")).json()["migrations"][0]["totals"]["transfers"] == 3
    assert (await http.delete(f"{at}/1")).status_code == 422
    assert (await http.delete(f"{at}/1", params={"confirm": "DELETE"})).status_code == 204
    assert (await http.get("/api/v1/schedules")).json() == {"schedules": []}
    await visitor.close()
