"""The pages behind the routes, and what is knowingly not simulated."""

_ENTRA = "https://learn.microsoft.com/entra/identity-platform/"
_GRAPH = "https://learn.microsoft.com/graph/api/"
_FILES = (
    "drive-get", "drive-list", "driveitem-copy", "driveitem-createlink", "driveitem-createuploadsession",
    "driveitem-delete", "driveitem-delta", "driveitem-get", "driveitem-get-content", "driveitem-invite",
    "driveitem-list-children", "driveitem-list-permissions", "driveitem-list-versions", "driveitem-permanentdelete",
    "driveitem-post-children", "driveitem-put-content", "driveitem-restore", "driveitem-search", "driveitem-update",
    "driveitemversion-delete", "driveitemversion-get", "driveitemversion-get-contents", "driveitemversion-restore",
    "permission-delete", "permission-get", "permission-update", "site-get", "site-getallsites", "site-list-subsites",
    "site-search",
)  # fmt: skip

SOURCES = {
    "code": f"{_ENTRA}v2-oauth2-auth-code-flow",
    "device": f"{_ENTRA}v2-oauth2-device-code",
    "app": f"{_ENTRA}v2-oauth2-client-creds-grant-flow",
    "consent": f"{_ENTRA}v2-admin-consent",
    "openid": f"{_ENTRA}v2-protocols-oidc",
    "instance": f"{_ENTRA}msal-net-instantiate-public-client-config-options",
    "refresh": f"{_ENTRA}refresh-tokens",
    "errors": f"{_ENTRA}reference-error-codes",
    "user-get": f"{_GRAPH}user-get",
    "user-list": f"{_GRAPH}user-list",
    "organization-get": f"{_GRAPH}organization-list",
    "group-list": f"{_GRAPH}group-list",
    "group-get": f"{_GRAPH}group-get",
    "group-members": f"{_GRAPH}group-list-members",
    "licence": f"{_GRAPH}user-list-licensedetails",
    "revoke": f"{_GRAPH}user-revokesigninsessions",
    "throttling": "https://learn.microsoft.com/sharepoint/dev/general-development/how-to-avoid-getting-throttled-or-blocked-in-sharepoint-online",
    "json-batching": "https://learn.microsoft.com/graph/json-batching",
    "long-running": "https://learn.microsoft.com/graph/long-running-actions-overview",
    **{name: f"{_GRAPH}{name}" for name in _FILES},
}
OMISSIONS = (
    "sessions of the browser: prompt=none always answers login_required, and everybody signs in anew",
    "single-page applications with refresh tokens of 24 hours, the implicit flow, SAML and on-behalf-of",
    "multi-factor sign-in and Conditional Access, other than through the fault plan's answers",
    "national clouds",
)
