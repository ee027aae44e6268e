"""The token endpoint: who asks, for which grant, and what it gets."""

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
from cryptography.hazmat.primitives import hashes

from haulage.sandbox.frame.oauth import Application, Code, Grant, Token, challenge_met, client_of, same_secret, words
from haulage.sandbox.frame.signing import NotSigned, sign, thumbprint, unverified, verified
from haulage.sandbox.frame.wire import Answer, Call, Refusal, json_answer
from haulage.sandbox.microsoft.directory import MANY, Tenant, User
from haulage.sandbox.microsoft.permissions import OIDC, WORK_ONLY, BadScope, plain
from haulage.sandbox.microsoft.wire import GRAPH, LOGIN, login_error

if TYPE_CHECKING:
    from haulage.sandbox.microsoft import Microsoft

REFRESH_SECONDS = 90 * 86_400.0  # https://learn.microsoft.com/entra/identity-platform/refresh-tokens
PERSONAL_SECONDS = 3_600
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
# Why a grant has ended: number, words, suberror
ENDS = {
    "sessions": (50173, "The provided grant has expired due to it being revoked, a fresh auth token is needed.", ""),
    "password": (50173, "The provided grant has expired due to a password change, a fresh auth token is needed.", ""),
}
NO_CONSENT = (65001, "The user or administrator has not consented to use the application.", "consent_required")
MALFORMED = (70000, "The user could not be authenticated or the grant is expired. The user must sign in again.", "")

Told = dict[str, Any]


class Tokens:
    """What POST /{tenant}/oauth2/v2.0/token does."""

    def __init__(self, service: "Microsoft") -> None:
        self._service = service

    async def token(self, call: Call) -> Answer:
        """Redeem one of the grants."""
        form = await call.form()
        kind = form.get("grant_type", "")
        redeem = {
            "authorization_code": self._code,
            "refresh_token": self._refresh,
            "client_credentials": self._application,
            DEVICE_GRANT: self._device,
        }.get(kind)
        if not kind:
            raise self.refusal(call, "invalid_request", 900144, _absent("grant_type"))
        if redeem is None:
            raise self.refusal(call, "unsupported_grant_type", 70003, f"The app requested the grant type '{kind}'.")
        tenant = self._service.directory.tenant(segment := call.params["tenant"].lower())
        if tenant is None and segment not in MANY:
            raise self.refusal(call, "invalid_request", 90002, f"Tenant '{segment}' not found.")
        application = self.client(call, form, needs_public=kind == DEVICE_GRANT)
        told = redeem(call, form, application, tenant)
        if form.get("client_info") != "1":
            told.pop("client_info", None)
        return json_answer(told, headers={"Cache-Control": "no-store, no-cache"})

    def refusal(self, call: Call, error: str, number: int, text: str, suberror: str = "") -> Refusal:
        """An error of the endpoint, to be raised."""
        return Refusal(login_error(call, error, number, text, suberror))

    def client(self, call: Call, form: dict[str, str], *, needs_public: bool = False) -> Application:
        """The application that asks, once it has proven it. Raises Refusal."""
        client_id, secret, _ = client_of(call, form)
        if not client_id:
            raise self.refusal(call, "invalid_request", 900144, _absent("client_id"))
        found = self._service.oauth.application(client_id)
        if found is None:
            text = f"Application with identifier '{client_id}' was not found in the directory."
            raise self.refusal(call, "unauthorized_client", 700016, text)
        if found.public or (needs_public and found.details.get("public_flows") and not secret):
            if secret or "client_assertion" in form:
                text = "Client is public so neither 'client_assertion' nor 'client_secret' should be presented."
                raise self.refusal(call, "invalid_client", 700025, text)
            return found
        if "client_assertion" in form:
            self._check_assertion(call, form, found)
        elif not secret:
            text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
            raise self.refusal(call, "invalid_client", 7000218, text)
        elif not found.secret or not same_secret(secret, found.secret):
            text = f"Invalid client secret provided for app '{client_id}'. Ensure it is the secret's value, not its ID."
            raise self.refusal(call, "invalid_client", 7000215, text)
        elif found.details.get("secret_expired"):
            text = f"The provided client secret keys for app '{client_id}' are expired."
            raise self.refusal(call, "invalid_client", 7000222, text)
        return found

    def _check_assertion(self, call: Call, form: dict[str, str], application: Application) -> None:
        """https://learn.microsoft.com/entra/identity-platform/certificate-credentials, both editions (see sources)."""
        if form.get("client_assertion_type") != ASSERTION:
            raise self.refusal(call, "invalid_request", 900144, _absent("client_assertion_type"))
        assertion = form["client_assertion"]
        try:
            header, _ = unverified(assertion)
            certificate = self._certificate(application, header)
            if certificate is None:
                raise NotSigned("the key was not found by its thumbprint")
            claims = verified(assertion, certificate)
        except NotSigned as error:
            text = f"Client assertion contains an invalid signature. Reason: {error}"
            raise self.refusal(call, "invalid_client", 700027, text) from None
        now = self._service.world.clock.now()
        if claims.get("iss") != claims.get("sub"):
            raise self.refusal(call, "invalid_client", 50048, "Subject must match Issuer claim of the assertion.")
        if claims.get("sub") != application.client_id:
            text = "Client assertion application identifier doesn't match 'client_id' parameter."
            raise self.refusal(call, "invalid_client", 700021, text)
        if not _time(claims.get("nbf", 0)) - 300 <= now < _time(claims.get("exp", 0)) + 300:
            text = "Client assertion is not within its valid time range."
            raise self.refusal(call, "invalid_client", 700024, text)
        if not self._audience(call, str(claims.get("aud", ""))):
            text = "Client assertion audience claim does not match Realm issuer."
            raise self.refusal(call, "invalid_client", 700023, text)

    def _audience(self, call: Call, told: str) -> bool:
        """The token endpoint's own address, or its issuer's, under any name that it is reached by."""
        tenant = call.params["tenant"]
        origins = (call.at(LOGIN), f"https://{LOGIN}")
        return told in [f"{one}/{tenant}/{end}" for one in origins for end in ("oauth2/v2.0/token", "v2.0")]

    def _certificate(self, application: Application, header: dict[str, Any]) -> str | None:
        for field, algorithm in (("x5t#S256", hashes.SHA256()), ("x5t", hashes.SHA1())):  # noqa: S303 - a key's name
            wanted = str(header.get(field, "")).rstrip("=")
            for certificate in application.certificates.values():
                if wanted and thumbprint(certificate, algorithm) == wanted:
                    return certificate
        return None

    def _code(self, call: Call, form: dict[str, str], application: Application, tenant: Tenant | None) -> Told:
        if not form.get("code"):
            raise self.refusal(call, "invalid_request", 900144, _absent("code"))
        code = self._service.oauth.records.codes.get(form["code"])
        if code is None or code.client_id != application.client_id:
            raise self.refusal(call, "invalid_grant", 70000, "Provided grant is invalid or malformed.")
        if code.used:
            text = "OAuth2 Authorization code was already redeemed, please retry with a new valid code."
            raise self.refusal(call, "invalid_grant", 54005, text)
        if self._service.oauth.expired(code):
            raise self.refusal(call, "invalid_grant", 70008, "The provided authorization code has expired.")
        if tenant is not None and tenant.id != code.details["tenant"]:
            text = "The provided authorization code is intended to use against other tenant, thus rejected."
            raise self.refusal(call, "invalid_grant", 700005, text)
        if form.get("redirect_uri", "") != code.redirect_uri:
            text = "The reply address does not match the reply address provided when requesting Authorization code."
            raise self.refusal(call, "invalid_client", 500112, text)
        if not challenge_met(code, form.get("code_verifier", "")):
            text = "The Code_Verifier does not match the code_challenge supplied in the authorization request."
            raise self.refusal(call, "invalid_grant", 501481, text)
        scopes = self._asked(call, form, application) or code.scopes
        code.used = "redeemed"
        return self.signed_in(call, application, code.user, code.details["tenant"], scopes, code)

    def signed_in(
        self,
        call: Call,
        application: Application,
        upn: str,
        tenant_id: str,
        scopes: tuple[str, ...],
        code: Code | None = None,
    ) -> Told:
        """The answer to a sign-in that is over: a new grant with its tokens."""
        grant = self._service.oauth.open(application.client_id, upn, scopes, tenant=tenant_id)
        call.event.actor = upn
        nonce = code.details.get("nonce", "") if code else ""
        return self.given(grant, scopes, nonce)

    def _refresh(self, call: Call, form: dict[str, str], application: Application, tenant: Tenant | None) -> Told:
        if not form.get("refresh_token"):
            raise self.refusal(call, "invalid_request", 900144, _absent("refresh_token"))
        found = self._service.oauth.token(form["refresh_token"], "refresh")
        if found is None or found[1].client_id != application.client_id:
            raise self.refusal(call, "invalid_grant", 9002313, "Invalid request. Request is malformed or invalid.")
        token, grant = found
        call.event.actor = grant.user
        if call.fault("grant_revoked") is not None:
            grant.ended = grant.ended or "sessions"
        self._check_grant(call, token, grant, tenant)
        scopes = self._asked(call, form, application) or grant.scopes
        user = self._service.directory.signed_in(grant.user)
        self._check_consent(call, application, user, grant, scopes)
        return self.given(grant, scopes)

    def _check_grant(self, call: Call, token: Token, grant: Grant, tenant: Tenant | None) -> None:
        user = self._service.directory.account(grant.user)
        if user is None or not user.person.active:
            raise self.refusal(call, "invalid_grant", 50057, "The user account is disabled.")
        if tenant is not None and tenant.personal != user.personal:
            raise self.refusal(call, "invalid_grant", *MALFORMED[:2])
        if grant.ended:
            lost = MALFORMED if user.personal else ENDS.get(grant.ended, NO_CONSENT)
            raise self.refusal(call, "invalid_grant", *lost)
        if token.ended or self._service.oauth.expired(token):
            text = "The refresh token has expired due to inactivity."
            raise self.refusal(call, "invalid_grant", 700082, text, "bad_token")

    def _check_consent(
        self, call: Call, application: Application, user: User, grant: Grant, scopes: tuple[str, ...]
    ) -> None:
        tenant = self._service.tenant_of(grant)
        consent = self._service.consent(tenant, application.client_id)
        lacking = set(scopes) - set(OIDC) - {".default"} - set(consent.scopes) - set(consent.users.get(user.upn, ()))
        lacking -= set(WORK_ONLY) if user.personal else set()
        if lacking:
            raise self.refusal(call, "invalid_grant", *(MALFORMED if user.personal else NO_CONSENT))

    def _device(self, call: Call, form: dict[str, str], application: Application, tenant: Tenant | None) -> Told:
        found = self._service.oauth.records.codes.get(form.get("device_code", ""))
        if found is None or found.client_id != application.client_id or found.method != "device":
            raise self.refusal(call, "bad_verification_code", 70018, "Invalid verification code.")
        if found.used == "redeemed":
            raise self.refusal(call, "invalid_grant", 54005, "The device code was already redeemed.")
        if found.used == "declined":
            raise self.refusal(call, "authorization_declined", 70017, "The user declined to sign in.")
        if self._service.oauth.expired(found):
            raise self.refusal(call, "expired_token", 70019, "Verification code expired.")
        now = self._service.world.clock.now()
        asked, found.details["asked"] = float(found.details.get("asked", 0)), str(now)
        if found.used != "allowed":
            if now - asked < 1:  # the answer asked for five seconds
                raise self.refusal(call, "slow_down", 50196, "The client polls too often.")
            raise self.refusal(call, "authorization_pending", 70016, "Authorization is pending.")
        found.used = "redeemed"
        return self.signed_in(call, application, found.user, found.details["tenant"], found.scopes)

    def _application(self, call: Call, form: dict[str, str], application: Application, tenant: Tenant | None) -> Told:
        """The application by itself. What it may is what an administrator has granted it, which can be nothing."""
        if tenant is None or tenant.personal:
            text = f"The grant type is not supported over the /{call.params['tenant']} endpoint."
            raise self.refusal(call, "invalid_request", 9001023, text)
        asked = words(form.get("scope", ""))
        if not asked:
            raise self.refusal(call, "invalid_request", 900144, _absent("scope"))
        if self._asked_plain(call, asked) != (".default",):
            text = "Client credential flows must have a scope value with /.default suffixed to the resource."
            raise self.refusal(call, "invalid_scope", 1002012, text)
        known = f"{tenant.id}|{application.client_id}" in self._service.consents
        if not known and application.details.get("tenant") != tenant.id:
            text = (
                f"Application with identifier '{application.client_id}' was not found in the directory '{tenant.name}'."
            )
            raise self.refusal(call, "unauthorized_client", 700016, text)
        roles = tuple(self._service.consent(tenant, application.client_id).roles)
        if call.fault("consent_pending") is not None:
            roles = ()
        call.event.actor = f"app {application.client_id}"
        grant = self._service.oauth.open(application.client_id, "", roles, tenant=tenant.id)
        token, seconds = self._access(grant, roles)
        return {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token.value}

    def _asked_plain(self, call: Call, asked: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return plain(asked)
        except BadScope as bad:
            error = "invalid_resource" if bad.number == 500011 else "invalid_scope"
            raise self.refusal(call, error, bad.number, str(bad)) from None

    def _asked(self, call: Call, form: dict[str, str], application: Application) -> tuple[str, ...]:
        return self.expanded(application, self._asked_plain(call, words(form.get("scope", ""))))

    def expanded(self, application: Application, scopes: tuple[str, ...]) -> tuple[str, ...]:
        """The scopes, with `.default` as what the application is registered for."""
        if ".default" not in scopes:
            return scopes
        told = application.details.get("scopes", ("User.Read", "Files.ReadWrite.All"))
        return tuple(dict.fromkeys((*(one for one in scopes if one != ".default"), *told)))

    def given(self, grant: Grant, scopes: tuple[str, ...], nonce: str = "") -> dict[str, Any]:
        """The tokens of a grant. An old refresh token stays as good as the new one."""
        user = self._service.directory.signed_in(grant.user)
        scopes = tuple(one for one in scopes if not (user.personal and one in WORK_ONLY))
        token, seconds = self._access(grant, scopes)
        tenant = self._service.tenant_of(grant)
        told: dict[str, Any] = {
            "token_type": "Bearer",
            "scope": " ".join(one for one in scopes if one != "offline_access"),
            "expires_in": seconds,
            "ext_expires_in": seconds,
            "access_token": token.value,
        }
        if "offline_access" in scopes:
            prefix = "M.C5" if user.personal else "1.A"
            value = self._service.oauth.secret(160, prefix)
            told["refresh_token"] = self._service.oauth.issue(grant, "refresh", value, REFRESH_SECONDS).value
        if "openid" in scopes:
            told["id_token"] = self._id_token(grant.client_id, user, tenant, nonce)
        return {**told, "client_info": client_info(user, tenant)}

    def _access(self, grant: Grant, scopes: tuple[str, ...]) -> tuple[Token, int]:
        """An access token and its seconds: an opaque one for personal accounts, else a JWT of 60 to 90 minutes."""
        service, user = self._service, self._service.directory.account(grant.user)
        personal = user is not None and user.personal
        seconds = PERSONAL_SECONDS if personal else 3_600 + service.world.ids.number("life", grant.id, below=1_800)
        if service.access_seconds is not None:
            seconds = int(service.access_seconds)
        allowed = tuple(one for one in scopes if one not in OIDC)
        value = service.oauth.secret(300, "EwB") if personal else self._jwt(grant, user, allowed, seconds)
        return service.oauth.issue(grant, "access", value, seconds, allowed), seconds

    def _jwt(self, grant: Grant, user: User | None, allowed: tuple[str, ...], seconds: int) -> str:
        tenant, now = self._service.tenant_of(grant), int(self._service.world.clock.now())
        claims: dict[str, Any] = {
            "aud": f"https://{GRAPH}", "iss": f"https://sts.windows.net/{tenant.id}/", "iat": now, "nbf": now,
            "exp": now + seconds, "appid": grant.client_id, "tid": tenant.id, "uti": self._service.oauth.secret(22),
            "ver": "1.0",
        }  # fmt: skip
        if user is None:
            who = self._service.world.ids.guid("principal", tenant.id, grant.client_id)
            claims |= {"idtyp": "app", "oid": who, "sub": who} | ({"roles": list(allowed)} if allowed else {})
        else:
            claims |= {"idtyp": "user", "oid": user.id, "sub": user.id, "upn": user.upn, "scp": " ".join(allowed)}
        return sign(self._service.signing_key(), {"kid": self.key_id()}, claims)

    def _id_token(self, client_id: str, user: User, tenant: Tenant, nonce: str) -> str:
        now = int(self._service.world.clock.now())
        claims: dict[str, Any] = {
            "aud": client_id, "iss": f"https://{LOGIN}/{tenant.id}/v2.0", "iat": now, "nbf": now, "exp": now + 3_600,
            "name": user.person.name, "preferred_username": user.upn, "email": user.mail, "oid": user.id,
            "sub": self._service.world.ids.base64url("sub", user.id, client_id, count=43), "tid": tenant.id,
            "ver": "2.0",
        }  # fmt: skip
        claims |= {"nonce": nonce} if nonce else {}
        return sign(self._service.signing_key(), {"kid": self.key_id()}, claims)

    def key_id(self) -> str:
        """The name of the key that tokens are signed with."""
        return hashlib.sha256(self._service.signing_key().encode()).hexdigest()[:27]


def client_info(user: User, tenant: Tenant) -> str:
    """Who an answer is for, as client libraries want it."""
    uid = f"00000000-0000-0000-{user.id[:4]}-{user.id[4:]}" if user.personal else user.id
    body = msgspec.json.encode({"uid": uid, "utid": tenant.id})
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def _time(told: Any) -> float:
    return float(told) if isinstance(told, int | float) else 0.0


def _absent(name: str) -> str:
    return f"The request body must contain the following parameter: '{name}'."
