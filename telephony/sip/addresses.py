"""Numbers and addresses, in SIP headers and for people to dial."""

import re
import socket
from collections.abc import Mapping

ADDRESS_SCHEMES = ("sip:", "sips:")
"""How a target begins that is a SIP address and not a number."""

_URI = re.compile(r"(?:sips?|tel):(?:([^@;>\s]+)@)?([^;>\s]*)", re.IGNORECASE)
_WITHHELD = {"anonymous", "unknown", "unavailable", "restricted", "private"}


def number_of(header: str) -> str:
    """The number in a name-addr or URI ("" when there is none or it is withheld).

    ``"x" <sip:+8613800138000@ims;user=phone>`` gives ``+8613800138000``, ``tel:12345`` gives ``12345``.
    """
    match = _URI.search(header)
    if not match:
        return ""
    user, host = match.groups()
    if user is None:
        return host if match[0].lower().startswith("tel:") else ""
    user = user.partition(":")[0]
    return "" if is_withheld(user) or host.lower().endswith("anonymous.invalid") else user


def is_withheld(user: str) -> bool:
    """Does this stand where a number would, because the caller shows none?"""
    return user.lower() in _WITHHELD


def caller_number(headers: Mapping[str, str], peer: str) -> str:
    """The caller: P-Asserted-Identity (RFC 3325), else From; "" when the caller asked for privacy (RFC 3323)."""
    known = {name.lower(): value for name, value in headers.items()}
    if {"id", "user", "header"} & set(re.split(r"[;,\s]+", known.get("privacy", "").lower())):
        return ""
    return number_of(known.get("p-asserted-identity", "")) or number_of(known.get("from", "") or peer)


def header_number(headers: Mapping[str, str], name: str) -> str:
    """The number in a header by its name, whatever its case; "" when it is missing."""
    return next((number_of(value) for key, value in headers.items() if key.lower() == name.lower()), "")


def host_of(uri: str) -> str:
    """Host and port of a SIP URI."""
    match = _URI.search(uri)
    return match[2] if match else ""


def sip_uri(target: str, host: str) -> str:
    """A SIP address as it is, and a number or an extension as an address at ``host``."""
    return target if target.startswith(ADDRESS_SCHEMES) else f"sip:{target}@{host}"


def shown_address(listen_address: str) -> str:
    """The address to tell people: this machine's own when the service listens on all of them."""
    if listen_address not in ("0.0.0.0", "::"):  # noqa: S104  compared, not bound
        return listen_address
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737 documentation address: nothing is sent, only a route is chosen
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
