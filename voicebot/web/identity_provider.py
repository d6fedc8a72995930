"""The identity provider over HTTP: what it offers, its keys, and a code in exchange for who somebody is.

Source: OpenID Connect Core 1.0 (3.1 authorization code flow, 5.3 UserInfo), Discovery 1.0, RP-Initiated Logout 1.0;
RFC 7636 (PKCE), RFC 9207 (issuer in the answer), RFC 6749 2.3.1 and 4.1.
"""

import base64
import hashlib
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import aiohttp
from joserfc.jwk import KeySet

from voicebot.core.errors import ConfigurationError, SignInError
from voicebot.core.ports import Clock
from voicebot.web import id_token
from voicebot.web.settings import OidcSettings, is_safe
from voicebot.web.sign_in import claim, needed_claims, refusal

CALLBACK = "/login/oidc/callback"

_MOST_BYTES = 256 * 1024  # of an answer
_GOOD_FOR_S = 3600.0  # what it offers; keys are asked for again as soon as one is unknown
_KEYS_AGAIN_S = 30.0  # but not for every token that somebody made up


@dataclass(frozen=True, slots=True)
class Offer:
    """What the provider's discovery document announces. "" for what it does not have."""

    authorization: str
    token: str
    keys: str
    user_info: str
    end_session: str
    secret_in_body: bool
    names_itself: bool  # in its answer to the browser, RFC 9207


class IdentityProvider:
    """One provider; asked only while somebody logs in or out."""

    def __init__(self, settings: OidcSettings, clock: Clock):
        self._settings = settings
        self._clock = clock
        self._tls = _tls(settings)
        self._offer: tuple[Offer, float] | None = None
        self._keys: tuple[KeySet, float] | None = None

    async def offer(self) -> Offer:
        """What it offers; asked for once an hour. Raises `SignInError`."""
        if self._offer is None or self._clock.monotonic() > self._offer[1] + _GOOD_FOR_S:
            # Two who come at once both ask: one after the other, many would wait long for a provider that is down.
            self._offer = await self._discover(), self._clock.monotonic()
        return self._offer[0]

    async def keys(self) -> KeySet:
        """The keys that it signs with. Raises `SignInError`."""
        return await self._keys_of(_GOOD_FOR_S)

    async def door(self, *, state: str, nonce: str, verifier: str) -> str:
        """Where the browser goes to log in."""
        offer = await self.offer()
        digest = hashlib.sha256(verifier.encode()).digest()
        return _with_query(
            offer.authorization,
            response_type="code",
            client_id=self._settings.client_id,
            redirect_uri=self._settings.public_url + CALLBACK,
            scope=" ".join(self._settings.scopes),
            state=state,
            nonce=nonce,
            code_challenge=base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            code_challenge_method="S256",
        )

    async def way_out(self) -> str:
        """Where the browser goes to log out of the provider, too; "" when it has no such place or cannot be asked."""
        try:
            offer = await self.offer()
        except SignInError:
            return ""
        if not offer.end_session:
            return ""
        # Without a hint of who: no token is kept. The provider asks the person instead.
        back = self._settings.public_url + "/login"
        return _with_query(offer.end_session, client_id=self._settings.client_id, post_logout_redirect_uri=back)

    async def check_issuer(self, named: str | None) -> None:
        """Raises `SignInError` when another provider answered the browser (mix-up, RFC 9207)."""
        wrong = (await self.offer()).names_itself if named is None else named != self._settings.issuer
        if wrong:
            raise refusal("token_invalid", "iss")

    async def claims(self, code: str, *, verifier: str, nonce: str) -> dict[str, Any]:
        """Who the person with this code is: the checked claims of the ID token, and of UserInfo where those lack any.

        Raises `SignInError`.
        """
        tokens = await self._redeem(code, verifier)
        token = tokens.get("id_token")
        if not isinstance(token, str):
            raise refusal("token_invalid", "no_id_token")
        claims = await self._check(token, nonce)
        access, offer = tokens.get("access_token"), await self.offer()
        lacks = any(claim(claims, name) is None for name in needed_claims(self._settings))
        if lacks and offer.user_info and isinstance(access, str):
            headers = {"Authorization": f"Bearer {access}"}
            status, more = await self._ask("GET", offer.user_info, headers=headers)
            if status != 200 or more.get("sub") != claims["sub"]:  # Core 5.3.4: not to be used then
                raise refusal("token_invalid", "user_info")
            claims = {**more, **claims}
        return claims

    async def _check(self, token: str, nonce: str) -> dict[str, Any]:
        keys = await self.keys()
        for _ in range(2):
            try:
                return id_token.check(
                    token,
                    keys,
                    issuer=self._settings.issuer,
                    client_id=self._settings.client_id,
                    nonce=nonce,
                    now=self._clock.now(),
                    leeway_s=self._settings.leeway_s,
                )
            except id_token.UnknownKeyError:
                keys = await self._keys_of(_KEYS_AGAIN_S)  # the provider may have changed them
        raise refusal("token_invalid", "key_unknown")

    async def _keys_of(self, good_for_s: float) -> KeySet:
        """The keys; asked for when those at hand are older."""
        if self._keys is None or self._clock.monotonic() > self._keys[1] + good_for_s:
            self._keys = await self._fetch_keys(), self._clock.monotonic()
        return self._keys[0]

    async def _discover(self) -> Offer:
        status, document = await self._ask(
            "GET", self._settings.issuer.rstrip("/") + "/.well-known/openid-configuration"
        )
        if status != 200:
            raise refusal("provider_down", f"discovery_{status}")
        if document.get("issuer") != self._settings.issuer:
            raise refusal("provider_invalid", "issuer")
        algorithms = document.get("id_token_signing_alg_values_supported")
        if isinstance(algorithms, list) and not set(id_token.ALGORITHMS) & {str(each) for each in algorithms}:
            raise refusal("provider_invalid", "algorithms")
        # Discovery 1.0, 3: without a word it is client_secret_basic.
        ways = document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        return Offer(
            authorization=self._place(document, "authorization_endpoint"),
            token=self._place(document, "token_endpoint"),
            keys=self._place(document, "jwks_uri"),
            user_info=self._place(document, "userinfo_endpoint", needed=False),
            end_session=self._place(document, "end_session_endpoint", needed=False),
            secret_in_body="client_secret_basic" not in ways,
            names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        )

    def _place(self, document: Mapping[str, Any], name: str, *, needed: bool = True) -> str:
        place = document.get(name)
        if place is None and not needed:
            return ""
        if not isinstance(place, str) or not is_safe(place.partition("?")[0]):
            raise refusal("provider_invalid", name)
        return place

    async def _fetch_keys(self) -> KeySet:
        status, document = await self._ask("GET", (await self.offer()).keys)
        if status != 200:
            raise refusal("provider_down", f"keys_{status}")
        keys = id_token.keys_of(document)
        if not keys:
            raise refusal("provider_invalid", "keys")
        return keys

    async def _redeem(self, code: str, verifier: str) -> dict[str, Any]:
        settings, offer = self._settings, await self.offer()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": settings.public_url + CALLBACK,
            "code_verifier": verifier,
        }
        secret, headers = settings.client_secret.get_secret_value(), {"Accept": "application/json"}
        if secret and not offer.secret_in_body:
            pair = f"{quote_plus(settings.client_id)}:{quote_plus(secret)}"  # RFC 6749 2.3.1: encoded, then joined
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            form |= {"client_id": settings.client_id, **({"client_secret": secret} if secret else {})}
        status, answer = await self._ask("POST", offer.token, headers=headers, data=form)
        if status == 200:
            return answer
        if answer.get("error") in ("invalid_client", "unauthorized_client"):
            raise refusal("client_refused", "token_endpoint")
        if status >= 500:
            raise refusal("provider_down", f"token_{status}")
        raise refusal("code_refused", f"token_{status}")

    async def _ask(self, method: str, url: str, **sent: Any) -> tuple[int, dict[str, Any]]:
        """One request; the status and the JSON object, which is empty when there is none."""
        timeout = aiohttp.ClientTimeout(total=self._settings.timeout_s)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(ssl=self._tls)) as http,
                http.request(method, url, allow_redirects=False, **sent) as answer,
            ):
                raw = b""
                async for piece in answer.content.iter_any():
                    raw += piece
                    if len(raw) > _MOST_BYTES:
                        raise refusal("provider_invalid", "too_long")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise refusal("provider_down", type(error).__name__) from error
        try:
            document = json.loads(raw)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            if answer.status == 200:
                raise refusal("provider_invalid", "no_json")
            return answer.status, {}
        return answer.status, document


def _tls(settings: OidcSettings) -> ssl.SSLContext | bool:
    if settings.tls_authorities is None:
        return True
    try:
        return ssl.create_default_context(cafile=settings.tls_authorities)
    except OSError as error:  # of which a file that holds no certificate is one, too
        raise ConfigurationError(
            f"证书文件 {settings.tls_authorities} 不能使用（{error.strerror or type(error).__name__}）。",
            code="authorities_unusable",
            remedy="请核对设置 web.oidc.tls_authorities。",
        ) from error


def _with_query(url: str, **query: str) -> str:
    """``url`` with more of a query; an endpoint may have one already (RFC 6749 3.1)."""
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(query)}"
