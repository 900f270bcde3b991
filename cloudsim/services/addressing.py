"""Addresses, ranges and VLANs as clients write them: read, checked, compared."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from cloudsim.core.errors import InvalidValue

#: VLAN numbers that exist.
VLANS = range(1, 4095)


def ip(text: str | None, what: str) -> str | None:
    """An IPv4 address in its usual form. Raises `InvalidValue`."""
    if text is None:
        return None
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise InvalidValue(f"{what} takes an IPv4 address, not '{text[:64]}'") from None


def network(gateway: str, netmask: str) -> ipaddress.IPv4Network:
    """The network of a gateway. Raises `InvalidValue`."""
    try:
        found = ipaddress.IPv4Network(f"{gateway}/{netmask}", strict=False)
    except ValueError:
        raise InvalidValue(f"'{netmask[:64]}' is not a netmask") from None
    if not 8 <= found.prefixlen <= 30:
        raise InvalidValue(f"a netmask of {found.netmask} makes no network for hosts")
    return found


def cidr(text: str, what: str) -> str:
    """A network such as ``10.1.1.0/24``. Raises `InvalidValue`."""
    try:
        found = ipaddress.IPv4Network(text)
    except ValueError:
        raise InvalidValue(f"{what} takes a network such as 10.1.1.0/24, not '{text[:64]}'") from None
    return str(found)


@dataclass(frozen=True, slots=True)
class Range:
    """Addresses from `start` to `end`, both among them."""

    start: ipaddress.IPv4Address
    end: ipaddress.IPv4Address

    def __str__(self) -> str:
        return f"{self.start}-{self.end}"

    def overlaps(self, other: Range) -> bool:
        """Whether an address is in both."""
        return self.start <= other.end and other.start <= self.end

    def addresses(self) -> list[str]:
        """Every address."""
        return [str(ipaddress.IPv4Address(number)) for number in range(int(self.start), int(self.end) + 1)]


def address_range(gateway: str, netmask: str, start: str, end: str | None) -> Range:
    """A range within the gateway's network and without the gateway. Raises `InvalidValue`."""
    within = network(gateway, netmask)
    first = ipaddress.IPv4Address(ip(start, "startip") or "")
    last = ipaddress.IPv4Address(ip(end or start, "endip") or "")
    if last < first:
        raise InvalidValue(f"endip {last} is before startip {first}")
    for address in (first, last):
        if address not in within:
            raise InvalidValue(f"{address} is not in {within}, the network of gateway {gateway}")
        if address in (within.network_address, within.broadcast_address):
            raise InvalidValue(f"{address} is no address of a host in {within}")
    found = Range(first, last)
    if first <= ipaddress.IPv4Address(gateway) <= last:
        raise InvalidValue(f"gateway {gateway} lies in the range {found}")
    return found


def stored(start: str, end: str | None) -> Range:
    """A range as it was stored."""
    return Range(ipaddress.IPv4Address(start), ipaddress.IPv4Address(end or start))


def vlans(text: str) -> set[int]:
    """VLAN numbers from ``100-200,300``. Raises `InvalidValue`."""
    made: set[int] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, dash, last = part.partition("-")
        if not (first.isascii() and first.isdigit()) or (dash and not (last.isascii() and last.isdigit())):
            raise InvalidValue(f"VLANs are written as 100-200 or 100-200,300, not '{text[:64]}'")
        low, high = int(first[:9]), int((last or first)[:9])
        if low > high or low not in VLANS or high not in VLANS:
            raise InvalidValue(f"'{part[:64]}' is no range of VLANs: they go from 1 to 4094, the smaller first")
        made.update(range(low, high + 1))
    return made


def vlan_tag(text: str | None) -> str:
    """A VLAN of a range as it is stored: ``vlan://50`` or ``vlan://untagged``. Raises `InvalidValue`."""
    word = (text or "untagged").lower().removeprefix("vlan://")
    if word == "untagged":
        return "vlan://untagged"
    numbers = vlans(word)
    if len(numbers) != 1:
        raise InvalidValue(f"a range of addresses has one VLAN, or untagged, not '{word[:64]}'")
    return f"vlan://{numbers.pop()}"


def tagged(tags: Iterable[str]) -> set[int]:
    """The VLAN numbers of stored tags."""
    words = (tag.removeprefix("vlan://") for tag in tags)
    return {int(word) for word in words if word.isdigit()}


def mac(text: str | None) -> str | None:
    """A MAC address of one card, as it is stored. Raises `InvalidValue`."""
    if text is None:
        return None
    parts = text.lower().replace("-", ":").split(":")
    if len(parts) != 6 or any(len(part) != 2 or not set(part) <= set("0123456789abcdef") for part in parts):
        raise InvalidValue(f"'{text[:64]}' is not a MAC address")
    if int(parts[0], 16) & 1:
        raise InvalidValue(f"'{text}' is a multicast address: a card needs one of its own")
    return ":".join(parts)
