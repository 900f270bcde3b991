"""Which addresses a URL of a client may lead to: those of the public internet, and what the settings let in.

>>> permitted(ip_address("169.254.169.254"), sites("10.1.0.0/16"))
False
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: Beyond what the address registries say of themselves.
_NOT_PUBLIC: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        # where one cloud keeps the metadata of machines, amid public addresses
        "168.63.129.16/32",
        "192.0.0.0/24",
        # relays of 6to4
        "192.88.99.0/24",
        "240.0.0.0/4",
        # NAT64 with a prefix of one's own: what it leads to cannot be known
        "64:ff9b:1::/48",
        "100::/64",
        # Teredo, benchmarks, ORCHID, documentation
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fec0::/10",
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_PUBLIC_6 = IPv6Network("2000::/3")
#: The interface part of ISATAP, with the bit that says whether the address below is unique set or not.
_ISATAP = (0x00005EFE, 0x02005EFE)


@lru_cache(maxsize=64)
def sites(text: str) -> tuple[Network, ...]:
    """The networks of the setting ``secstorage.allowed.internal.sites``: CIDRs separated by commas."""
    found: list[Network] = []
    for part in text.replace(";", ",").split(","):
        try:
            found.append(ip_network(part.strip(), strict=False))
        except ValueError:
            continue  # what is no network lets nobody through
    return tuple(found)


def embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address is only another way to write, or to reach."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return IPv4Address((int(address) >> 80) & 0xFFFFFFFF)
    if (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def public(address: Address) -> bool:
    """Whether an address is one of the public internet, and not another way to one that is not."""
    inner = embedded(address)
    if inner is not None:
        return public(inner) and (address.ipv4_mapped is not None or _plain(address))  # type: ignore[union-attr]
    return _plain(address)


def _plain(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        if address not in _PUBLIC_6 and address not in _NAT64:
            return False
    elif not address.is_global:
        return False
    if address.is_multicast or address.is_loopback or address.is_link_local or address.is_unspecified:
        return False
    return not any(address in network for network in _NOT_PUBLIC)


def permitted(address: Address, allowed: tuple[Network, ...]) -> bool:
    """Whether a URL of a client may lead to an address; `allowed`: networks that are let in beside the public ones."""
    known = embedded(address)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    plain = mapped or address
    if plain.is_multicast or plain.is_unspecified or (known is not None and known.is_unspecified):
        return False
    return public(address) or within(address, allowed)


def within(address: Address, allowed: tuple[Network, ...]) -> bool:
    """Whether an address lies in one of some networks; one that only writes an IPv4 address counts as that."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return any((mapped or address) in network for network in allowed)


def parsed(text: str) -> Address | None:
    """An address as getaddrinfo and URLs write it, None for what is none."""
    try:
        return ip_address(text)
    except ValueError:
        return None
