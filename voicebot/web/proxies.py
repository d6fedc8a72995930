"""Who asks when a reverse proxy stands in front: its word counts, nobody else's.

Limits by address (calls, logins) would otherwise count a whole city as one caller.
"""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

Networks = Sequence[IPv4Network | IPv6Network]


def behind(trusted: Networks) -> Middleware:
    """Take the address and the scheme of a request from the headers of a proxy that stands in ``trusted``."""

    @web.middleware
    async def take(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not _within(request.remote or "", trusted):
            return await handler(request)
        forwarded = ",".join(request.headers.getall(hdrs.X_FORWARDED_FOR, []))
        scheme = request.headers.get(hdrs.X_FORWARDED_PROTO, "")
        return await handler(
            request.clone(
                remote=asking(request.remote or "", forwarded, trusted),
                scheme=scheme if scheme in ("http", "https") else request.scheme,
            )
        )

    return take


def asking(nearest: str, forwarded: str, trusted: Networks) -> str:
    """The address of who asks.

    ``forwarded`` is X-Forwarded-For: each proxy adds whom it serves at the end, so the last one that is no proxy of
    ours is as far as can be believed. What is no address is not believed either.
    """
    for hop in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
        if not _within(nearest, trusted) or not _is_address(hop):
            break
        nearest = hop
    return nearest


def _within(address: str, networks: Networks) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
