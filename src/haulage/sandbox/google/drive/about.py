"""drive.about.get: who the caller is, what is used, and which conversions there are."""

from typing import Any

from haulage.sandbox.frame.routing import Route
from haulage.sandbox.frame.wire import Answer, Call, json_answer
from haulage.sandbox.google.accounts import Account
from haulage.sandbox.google.caller import caller_of
from haulage.sandbox.google.drive.formats import EXPORTS, IMPORTS, MAX_IMPORT, PALETTE
from haulage.sandbox.google.drive.store import Store
from haulage.sandbox.google.errors import KIND, refuse
from haulage.sandbox.google.fields import ANY, Shape, parse, prune

SCOPES = "drive drive.appdata drive.file drive.metadata drive.metadata.readonly drive.photos.readonly drive.readonly"
USER: Shape = dict.fromkeys(("kind", "displayName", "photoLink", "me", "permissionId", "emailAddress"), None)
THEME: Shape = dict.fromkeys(("id", "backgroundImageLink", "colorRgb"), None)
ABOUT: Shape = {
    "kind": None, "user": USER, "exportFormats": ANY, "importFormats": ANY, "maxImportSizes": ANY,
    "maxUploadSize": None, "folderColorPalette": None, "appInstalled": None, "canCreateDrives": None,
    "canCreateTeamDrives": None, "driveThemes": THEME, "teamDriveThemes": THEME,
    "storageQuota": dict.fromkeys(("limit", "usage", "usageInDrive", "usageInDriveTrash"), None),
}  # fmt: skip
LARGEST_UPLOAD = 5_497_558_138_880  # 5 TiB
EXTERNAL_LIMIT = 16_106_127_360  # 15 GiB
THEMES = ("abacus", "blueprint", "bok_choy", "cells")


def user_of(account: Account, me: str) -> dict[str, Any]:
    """An account as resources name it. me: the caller's key."""
    return {
        "kind": "drive#user", "displayName": account.name, "me": account.key == me, "permissionId": account.key,
        "emailAddress": account.email,
    }  # fmt: skip


class About:
    """The handler. limits: bytes that accounts may use, by key; none for those of the organisation."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.limits: dict[str, int] = {}

    def routes(self) -> list[Route]:
        """Its endpoint."""
        host, path = "www.googleapis.com", "/drive/v3/about"
        return [Route("GET", host, path, "drive.about.get", "about", self.get, SCOPES, {"cost": "read"})]

    def get(self, call: Call) -> Answer:
        """GET /drive/v3/about: `fields` has to be there."""
        if not call.query.get("fields", "").strip():
            message = "The 'fields' parameter is required for this method."
            raise refuse(400, "required", message, location="fields")
        mask = parse(call.query["fields"], ABOUT)
        account = caller_of(call).account
        wanted = ABOUT.keys() if mask is None else mask.keys()
        told: dict[str, Any] = {"kind": "drive#about", "user": user_of(account, account.key)}
        if "storageQuota" in wanted:
            told["storageQuota"] = self.quota(account)
        told |= {
            "exportFormats": {kind: list(formats) for kind, formats in EXPORTS.items()},
            "importFormats": IMPORTS, "maxImportSizes": {kind: str(size) for kind, size in MAX_IMPORT.items()},
            "maxUploadSize": str(LARGEST_UPLOAD), "folderColorPalette": list(PALETTE), "appInstalled": False,
            "canCreateDrives": bool(account.customer) and not account.service,
            "canCreateTeamDrives": bool(account.customer) and not account.service,
            "driveThemes": _themes(), "teamDriveThemes": _themes(),
        }  # fmt: skip
        return json_answer(prune(told, mask), kind=KIND)

    def limit(self, account: Account) -> int | None:
        """How many bytes an account may use; None for no limit of its own."""
        if account.service:
            return 0
        return self.limits.get(account.key)

    def quota(self, account: Account) -> dict[str, str]:
        """What an account uses, and may use."""
        store = self._store
        store.plant_for(account)
        files = (store.files[one] for one in store.owned.get(account.key, ()))
        trash = sum(one.size for one in files if store.trashed(one))
        used = str(store.used.get(account.key, 0))
        told = {"usage": used, "usageInDrive": used, "usageInDriveTrash": str(trash)}
        if (limit := self.limit(account)) is not None:
            told["limit"] = str(limit)
        return told


def _themes() -> list[dict[str, str]]:
    base = "https://ssl.gstatic.com/team_drive_themes"
    return [{"id": one, "backgroundImageLink": f"{base}/{one}_background.jpg", "colorRgb": "#455a64"} for one in THEMES]
