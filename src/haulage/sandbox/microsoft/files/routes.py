"""What the routes of files have in common."""

from haulage.sandbox.frame.routing import Handler, Route

FILES = "graph.microsoft.com *.sharepoint.com"  # under /v1.0, and under the /_api/v2.0 of a tenant's own host
CONTENT = "*.sharepoint.com my.microsoftpersonalcontent.com"
CONSUMER = "api.onedrive.com"
ITEM = "/drives/{drive}/items/{item}"
# https://learn.microsoft.com/graph/permissions-reference: any of these will do
WRITE_SITES = "Sites.ReadWrite.All Sites.Manage.All Sites.FullControl.All"
READ_SITES = f"Sites.Read.All {WRITE_SITES}"
WRITE = f"Files.ReadWrite Files.ReadWrite.All {WRITE_SITES}"
READ = f"Files.Read Files.Read.All Sites.Read.All {WRITE}"


def route(method: str, path: str, source: str, handler: Handler, scope: str, units: float = 1) -> Route:
    """An endpoint of Graph; units: its price in resource units."""
    return Route(method, FILES, f"/v1.0{path}", f"{method} {path}", source, handler, scope, {"units": units})


def unsigned(method: str, hosts: str, path: str, operation: str, source: str, handler: Handler) -> Route:
    """An endpoint whose URL is the permission: no bearer is asked for."""
    return Route(method, hosts, path, operation, source, handler, "", {"open": True})
