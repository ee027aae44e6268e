"""The pages behind the routes, and what is knowingly not simulated."""

_ENTRA = "https://learn.microsoft.com/entra/identity-platform/"
_GRAPH = "https://learn.microsoft.com/graph/api/"

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
}
OMISSIONS = (
    "sessions of the browser: prompt=none always answers login_required, and everybody signs in anew",
    "single-page applications with refresh tokens of 24 hours, the implicit flow, SAML and on-behalf-of",
    "multi-factor sign-in and Conditional Access, other than through the fault plan's answers",
    "national clouds",
)
