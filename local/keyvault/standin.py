"""Key Vault's `GET /secrets/{name}[/{version}]`, `PUT /secrets/{name}`, the list of versions, its challenge.

Error codes are those of Key Vault's REST reference and of its page on authentication errors.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aiohttp import web

from local.keyvault.vault import Vault
from local.standin import CONTROL_PREFIX, StandIn, tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local.keyvault.vault import SecretVersion

RESOURCE = "https://vault.azure.net"
API_VERSIONS = frozenset(
    ["2016-10-01", "7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "2025-07-01", "2026-04-01"]
)
"""What azure-keyvault-secrets 4.12 lists in its `ApiVersion`."""
CERTIFICATE_TYPES = ("application/x-pem-file", "application/x-pkcs12")
NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")
LARGEST_PAGE = 25
_ACTION = "Microsoft.KeyVault/vaults/secrets/{}/action"


class KeyVaultStandIn(StandIn):
    """A vault whose secrets only the permitted principals may read.

    Args:
        authority: the Entra authority with the tenant, `https://…/<tenant id>`, named in the challenge.
        key: the stack's shared token key.
        permitted: object ids (`oid` claims) of the principals that may get secrets.
        officers: those of the principals that may set them as well.
    """

    def __init__(
        self, authority: str, key: bytes, permitted: Iterable[str], officers: Iterable[str] = ()
    ) -> None:
        super().__init__("keyvault")
        self.vault = Vault()
        self.permitted = frozenset(permitted)
        self.officers = frozenset(officers)
        self.soft_deleted: set[str] = set()
        """Names of secrets that were deleted and not purged: no new one can be called so."""
        self.lists_unknown = True
        """Versions of a secret that was never there are an empty list; else a 404: no source tells."""
        self._seen: set[str] = set()
        self._revoked: frozenset[str] = frozenset()
        self._authority = authority
        self._key = key
        router = self.app.router
        router.add_get("/secrets/{name}/versions", self._list_versions, allow_head=False)
        for path in ("/secrets/{name}", "/secrets/{name}/", "/secrets/{name}/{version}"):
            router.add_get(path, self._get, allow_head=False)
        router.add_put("/secrets/{name}", self._set)
        router.add_post(CONTROL_PREFIX + "secrets/{name}", self._put_secret)
        router.add_patch(CONTROL_PREFIX + "secrets/{name}", self._patch_secret)
        router.add_put(CONTROL_PREFIX + "permitted", self._put_permitted)
        router.add_post(CONTROL_PREFIX + "revoke", self._post_revoke)

    async def _get(self, request: web.Request) -> web.Response:
        name, version = request.match_info["name"], request.match_info.get("version", "")
        refusal = (
            self._challenge(request) or _refuse_request(request, name) or self._forbid(request, "getSecret")
        )
        if refusal is not None:
            return refusal
        found = self.vault.find(name, version)
        if found is None:
            return _not_found(name + (f"/{version}" if version else ""))
        if not found.enabled:
            return _refuse(
                403, "Forbidden", "Operation get is not allowed on a disabled secret.", "SecretDisabled"
            )
        return web.json_response(_render(found, str(request.url.origin())))

    async def _set(self, request: web.Request) -> web.Response:
        """Add a version: `{"value", "contentType"}`; what else a new secret may hold is not known here."""
        name = request.match_info["name"]
        refusal = (
            self._challenge(request)
            or _refuse_request(request, name)
            or self._forbid(request, "setSecret", self.officers)
        )
        if refusal is not None:
            return refusal
        body: Any = await request.json()
        given = {key for key, value in body.items() if value is not None} if isinstance(body, dict) else set()
        if "value" not in given or given - {"value", "contentType"} or not isinstance(body["value"], str):
            return _refuse(400, "BadParameter", "The request body holds what this stand-in does not know.")
        if name in self.soft_deleted:
            text = f"Secret {name} is currently in a deleted but recoverable state; its name can't be reused."
            return _refuse(409, "Conflict", text, "ObjectIsDeletedButRecoverable")
        made = self.vault.put(name, body["value"], content_type=str(body.get("contentType") or ""))
        return web.json_response(_render(made, str(request.url.origin())))

    async def _list_versions(self, request: web.Request) -> web.Response:
        """A page of a secret's versions, disabled ones as well, without their values."""
        name = request.match_info["name"]
        refusal = (
            self._challenge(request)
            or _refuse_request(request, name)
            or self._forbid(request, "readMetadata")
        )
        if refusal is not None:
            return refusal
        size, first = request.query.get("maxresults", str(LARGEST_PAGE)), request.query.get("$skiptoken", "0")
        if not (size.isdecimal() and first.isdecimal() and 1 <= int(size) <= LARGEST_PAGE):
            return _refuse(400, "BadParameter", f"maxresults must be from 1 to {LARGEST_PAGE}.")
        found = self.vault.versions(name)
        if not found and not self.lists_unknown:
            return _not_found(name)
        after = int(first) + int(size)
        origin = str(request.url.origin())
        following = f"{origin}/secrets/{name}/versions?" + urlencode(
            {"api-version": request.query["api-version"], "$skiptoken": after, "maxresults": size}
        )
        entries = [_render(each, origin) for each in found[int(first) : after]]
        for entry in entries:
            del entry["value"]
        return web.json_response({"value": entries, "nextLink": following if after < len(found) else None})

    def _challenge(self, request: web.Request) -> web.Response | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            return self._unauthorized("AKV10000: Request is missing a Bearer or PoP token.")
        self._seen.add(token)
        reason = "revoked" if token in self._revoked else tokens.check(self._key, token, RESOURCE)
        if reason == "wrong audience":
            return self._unauthorized(f"AKV10022: Invalid audience. Expected {RESOURCE}.", "invalid_token")
        if reason is not None:
            text = f"[BearerReadAccessTokenFailed] Error validating token: {reason}."
            return self._unauthorized(text, "invalid_token")
        return None

    def _unauthorized(self, text: str, error: str | None = None) -> web.Response:
        challenge = f'Bearer authorization="{self._authority}", resource="{RESOURCE}"'
        if error is not None:
            challenge += f', error="{error}"'
        response = _refuse(401, "Unauthorized", text)
        response.headers["WWW-Authenticate"] = challenge
        return response

    def _forbid(
        self, request: web.Request, action: str, permitted: frozenset[str] | None = None
    ) -> web.Response | None:
        """Refuse who is not permitted; called after `_challenge` found the token fine."""
        token = request.headers["Authorization"].partition(" ")[2]
        if tokens.read_claims(token).get("oid") in (self.permitted if permitted is None else permitted):
            return None
        text = f"Caller is not authorized to perform action '{_ACTION.format(action)}'."
        return _refuse(403, "Forbidden", text, "ForbiddenByRbac")

    async def _put_secret(self, request: web.Request) -> web.Response:
        """Add a version with the value given; `exp` (Unix seconds) and `contentType` if they are given.

        A certificate is kept as Key Vault keeps it for readers of secrets: with its key, as PEM or as
        PKCS #12 in Base64, under the certificate's name.
        """
        name = request.match_info["name"]
        if NAME.fullmatch(name) is None:
            raise web.HTTPBadRequest(text="not a secret's name")
        body: dict[str, Any] = await request.json()
        made = self.vault.put(name, str(body["value"]), body.get("exp"), str(body.get("contentType", "")))
        return web.json_response({"version": made.version})

    async def _patch_secret(self, request: web.Request) -> web.Response:
        """Enable or disable a version (without `version` the current one): `{"enabled": false}`."""
        body: dict[str, Any] = await request.json()
        try:
            self.vault.enable(request.match_info["name"], body.get("version", ""), enabled=body["enabled"])
        except LookupError as error:
            raise web.HTTPNotFound(text=str(error)) from None
        return web.json_response({})

    def revoke(self) -> None:
        """Refuse every token that was sent so far, as after a revocation; new ones are taken."""
        self._revoked = frozenset(self._seen)

    async def _post_revoke(self, request: web.Request) -> web.Response:
        """See `revoke`; no body."""
        del request
        self.revoke()
        return web.json_response({})

    async def _put_permitted(self, request: web.Request) -> web.Response:
        """Replace the permitted principals: `{"principals": ["<object id>"]}`."""
        self.permitted = frozenset((await request.json())["principals"])
        return web.json_response({})


def _refuse_request(request: web.Request, name: str) -> web.Response | None:
    version = request.query.get("api-version")
    if version is None:
        return _refuse(400, "BadParameter", "api-version must be specified")
    if version not in API_VERSIONS:
        return _refuse(400, "BadParameter", f"The specified version ({version}) is not recognized.")
    if NAME.fullmatch(name) is None:
        return _refuse(400, "BadParameter", "The request URI contains an invalid name.")
    return None


def _render(secret: SecretVersion, origin: str) -> dict[str, Any]:
    return {
        "value": secret.value,
        "id": f"{origin}/secrets/{secret.name}/{secret.version}",
        "attributes": {
            "enabled": secret.enabled,
            "created": secret.created,
            "updated": secret.updated,
            **({} if secret.expires is None else {"exp": secret.expires}),
            "recoveryLevel": "Recoverable+Purgeable",
            "recoverableDays": 90,
        },
        "tags": {},
        **_of_certificate(secret, origin),
    }


def _of_certificate(secret: SecretVersion, origin: str) -> dict[str, Any]:
    """What a secret has besides that belongs to a certificate."""
    if secret.content_type not in CERTIFICATE_TYPES:
        return {"contentType": secret.content_type} if secret.content_type else {}
    return {
        "contentType": secret.content_type,
        "kid": f"{origin}/keys/{secret.name}/{secret.version}",
        "managed": True,
    }


def _not_found(what: str) -> web.Response:
    text = (
        f"A secret with (name/id) {what} was not found in this key vault. If you recently deleted this "
        "secret you may be able to recover it."
    )
    return _refuse(404, "SecretNotFound", text)


def _refuse(status: int, code: str, text: str, inner: str | None = None) -> web.Response:
    error: dict[str, Any] = {"code": code, "message": text}
    if inner is not None:
        error["innererror"] = {"code": inner}
    return web.json_response({"error": error}, status=status)
