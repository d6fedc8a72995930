"""An OpenID Connect provider that can be told to lie: what it says is what a test wants it to say."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

CLIENT = "hotline"


@dataclass
class HostileProvider:
    """Honest until something of it is changed. ``now`` is its clock, seconds since 1970."""

    now: Callable[[], float] = time.time
    issuer: str = ""
    key: RSAKey | ECKey = field(default_factory=lambda: RSAKey.generate_key(2048, auto_kid=True))
    claims: dict[str, Any] = field(default_factory=dict)  # put over those of the ID token; None takes one away
    header: dict[str, Any] = field(default_factory=dict)  # likewise
    signer: RSAKey | ECKey | None = None  # signs instead of the published key
    token: Callable[[str], str] = str  # what becomes of the signed token
    discovery: dict[str, Any] = field(default_factory=dict)  # put over the document
    keys: dict[str, Any] | None = None  # instead of the published ones
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)  # by path, instead of the real ones
    silent_s: float = 0.0  # before every answer
    asked: list[str] = field(default_factory=list)
    nonce: str = ""
    code_used: bool = False
    redeemed: dict[str, str] = field(default_factory=dict)  # the form of the last request for a token

    def take_over(self, location: str) -> dict[str, str]:
        """What the browser was sent with; the token will answer to its nonce."""
        query = dict(parse_qsl(urlsplit(location).query))
        self.nonce, self.code_used = query["nonce"], False
        return query

    def document(self) -> dict[str, Any]:
        """The discovery document."""
        told = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=city",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        }
        return {name: value for name, value in {**told, **self.discovery}.items() if value is not None}

    def id_token(self) -> str:
        """A signed ID token with whatever is to be wrong with it."""
        now = int(self.now())
        told = {
            "iss": self.issuer, "sub": "s-1", "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": self.nonce,
            "preferred_username": "mei", "roles": ["hotline-agents"],
        }  # fmt: skip
        claims = {name: value for name, value in {**told, **self.claims}.items() if value is not None}
        signer = self.signer or self.key
        algorithm = "RS256" if isinstance(signer, RSAKey) else "ES256"
        header = {"alg": algorithm, "kid": self.key.kid, **self.header}
        return self.token(jwt.encode({k: v for k, v in header.items() if v is not None}, claims, signer))

    async def answer(self, request: web.Request) -> web.Response:
        """Discovery, keys, tokens."""
        self.asked.append(request.path)
        await asyncio.sleep(self.silent_s)
        if request.path in self.answers:
            status, body = self.answers[request.path]
            return web.Response(status=status, body=body, content_type="application/json")
        if request.path == "/.well-known/openid-configuration":
            return web.json_response(self.document())
        if request.path == "/keys":
            return web.json_response(self.keys if self.keys is not None else KeySet([self.key]).as_dict())
        if self.code_used:
            return web.json_response({"error": "invalid_grant"}, status=400)
        self.code_used = True
        self.redeemed = {name: str(value) for name, value in (await request.post()).items()}
        return web.json_response({"access_token": "a", "token_type": "Bearer", "id_token": self.id_token()})


@asynccontextmanager
async def hostile_provider(
    now: Callable[[], float] = time.time, certificate: Path | None = None
) -> AsyncIterator[HostileProvider]:
    """One on a free port of loopback, over TLS with a ``certificate``."""
    tls = None
    if certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
    provider = HostileProvider(now)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", provider.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    provider.issuer = f"http{'s' if tls else ''}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield provider
    finally:
        await runner.cleanup()
