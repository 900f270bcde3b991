"""Where a request comes from: who sent it, or whom a trusted proxy names.

Forwarded-for headers are believed only where ``proxy.header.verify`` is set, and only from addresses in ``proxy.cidr``.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from multidict import MultiMapping

from cloudsim.core.settings import Settings

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_AUTHORITY = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
_EVERYWHERE = "0.0.0.0/0,::/0"


@lru_cache(maxsize=256)
def _networks(text: str) -> tuple[_Network, ...]:
    found = []
    for part in text.replace(";", ",").split(","):
        try:
            found.append(ipaddress.ip_network(part.strip(), strict=False))
        except ValueError:
            continue  # what is no network lets nobody in
    return tuple(found)


@lru_cache(maxsize=4096)
def within(address: str, cidrs: str) -> bool:
    """Whether an address is in one of some networks (CIDRs separated by commas)."""
    if cidrs.replace(" ", "") == _EVERYWHERE:
        return True
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return any((mapped or parsed) in network for network in _networks(cidrs))


def address(remote: str, headers: MultiMapping[str], settings: Settings) -> str:
    """The address a request counts as coming from."""
    if not settings.flag("proxy.header.verify"):
        return remote
    trusted = settings.text("proxy.cidr")
    if not trusted or not within(remote, trusted):
        return remote
    for name in settings.text("proxy.header.names").split(","):
        # the last one that is not a proxy of ours: those before it may be anybody's words
        # (a proxy may add a line of its own behind the one that the client sent)
        for part in reversed(",".join(headers.getall(name.strip(), [])).split(",")):
            text = part.strip()
            try:
                ipaddress.ip_address(text)
            except ValueError:
                break
            if not within(text, trusted):
                return text
    return remote


def encrypted(headers: MultiMapping[str]) -> bool:
    """Whether a proxy says that the client speaks TLS to it. Whoever lies here lies about the own cookies only."""
    return headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower() == "https"


def base(scheme: str, headers: MultiMapping[str], port: int = 0) -> str:
    """The server as its client calls it, such as ``http://cloud:8080``, with another `port` where one is given; empty
    where the client does not say it.
    """
    match = _AUTHORITY.fullmatch(headers.get("Host", ""))
    if match is None:
        return ""
    authority = f"{match[1]}:{port}" if port else match[0]
    return f"{'https' if encrypted(headers) else scheme}://{authority}"


def from_another_site(headers: MultiMapping[str]) -> bool:
    """Whether a browser says that a page of another site started the request."""
    return headers.get("Sec-Fetch-Site", "").lower() == "cross-site"
