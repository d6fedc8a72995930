"""Reading what an identity provider signed. No socket is near: bytes, keys and the time come in.

Source: OpenID Connect Core 1.0, 3.1.3.7 (ID Token Validation); RFC 7517 (keys); RFC 8725 (JWT best practices).
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, KeySet
from joserfc.jwt import JWTClaimsRegistry

from voicebot.web.sign_in import refusal

ALGORITHMS = ("RS256", "ES256")
"""No symmetric one and no "none": a token must be beyond the power of everybody but the provider."""

_KINDS_OF_KEY = ("RSA", "EC")


class UnknownKeyError(Exception):
    """Signed with a key that is not among those at hand: the provider may have new ones."""


def keys_of(document: Mapping[str, Any]) -> KeySet:
    """The keys of a JWK Set that can have signed; others are passed over. Empty when the document is none."""
    keys = []
    offered = document.get("keys")
    for each in offered if isinstance(offered, list) else ():
        with suppress(JoseError, ValueError, TypeError, KeyError):
            if each["kty"] in _KINDS_OF_KEY and each.get("use", "sig") == "sig":
                keys.append(JWKRegistry.import_key(each))
    return KeySet(keys)


def check(
    token: str, keys: KeySet, *, issuer: str, client_id: str, nonce: str, now: datetime, leeway_s: int
) -> dict[str, Any]:
    """The claims of an ID token that ``issuer`` signed for ``client_id`` in answer to ``nonce``.

    Raises `UnknownKeyError`, or `SignInError` for a token that says or is anything else.
    """
    required = JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=leeway_s,
        iss={"essential": True, "value": issuer},
        sub={"essential": True},
        aud={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    try:
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        required.validate(claims)
    except InvalidKeyIdError as error:
        raise UnknownKeyError from error
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise refusal("token_invalid", getattr(error, "claim", "") or type(error).__name__) from error
    # Meant for others, too: they could show it here. azp names the one it was made for.
    if claims["aud"] not in (client_id, [client_id]) or claims.get("azp", client_id) != client_id:
        raise refusal("token_invalid", "aud")
    return claims
