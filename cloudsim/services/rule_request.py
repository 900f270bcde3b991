"""What is asked for of a rule: protocols, ports, ICMP types, networks and addresses, read and checked."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from cloudsim.core.errors import InvalidValue
from cloudsim.db.database import Row
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK, NETWORK_OFFERING, PUBLIC_IP


def port(value: int, name: str) -> int:
    """A port. Raises `InvalidValue`."""
    if not 1 <= value <= 65535:
        raise InvalidValue(f"{name} goes from 1 to 65535: {value} does not")
    return value


def ports(start: int, end: int | None, first: str, last: str) -> tuple[int, int]:
    """A range of ports, of one where `end` is not said. Raises `InvalidValue`."""
    found = port(start, first), port(start if end is None else end, last)
    if found[0] > found[1]:
        raise InvalidValue(f"{first} {found[0]} is above {last} {found[1]}")
    return found


def span(protocol: str, start: int | None, end: int | None) -> tuple[int | None, int | None]:
    """The ports of a rule that may be for all of them (None). Raises `InvalidValue`."""
    if start is None and end is None:
        return None, None
    if protocol not in ("tcp", "udp"):
        raise InvalidValue(f"startport and endport are for tcp and udp, not {protocol}")
    if start is None:
        raise InvalidValue("endport goes with startport: give both or none")
    return ports(start, end, "startport", "endport")


def icmp(protocol: str, type_: int | None, code: int | None) -> tuple[int | None, int | None]:
    """Type and code of ICMP; any (-1) where they are not said. Raises `InvalidValue`."""
    if protocol != "icmp":
        if type_ is not None or code is not None:
            raise InvalidValue(f"icmptype and icmpcode are for protocol icmp, not {protocol}")
        return None, None
    type_, code = -1 if type_ is None else type_, -1 if code is None else code
    if not -1 <= type_ <= 255 or not -1 <= code <= 255:
        raise InvalidValue("icmptype and icmpcode go from 0 to 255, or are -1 for any")
    if type_ == -1 and code != -1:
        raise InvalidValue("an icmpcode belongs to an icmptype: for any type it is -1")
    return type_, code


def cidrs(texts: Sequence[str] | None, name: str = "cidrlist") -> list[str]:
    """IPv4 networks as they were written, each once. Raises `InvalidValue`."""
    for text in texts or ():
        try:
            ipaddress.IPv4Network(text, strict=False)
        except ValueError:
            raise InvalidValue(f"{name} takes networks such as 10.1.1.0/24, not '{text[:64]}'") from None
        if "/" not in text:
            raise InvalidValue(f"{name} takes networks: write {text[:64]}/32 for one address")
    return list(dict.fromkeys(texts or ()))


def network_of(ctx: Context, address: Row, service: str) -> Row:
    """The network whose routers serve a public address, and have a service. Raises `InvalidValue`, `PermissionDenied`."""
    access.must_own(ctx, PUBLIC_IP, address)
    if address["state"] != "Allocated" or address["network_id"] is None:
        raise InvalidValue(f"public address {address['address']} is not associated with a network")
    found = access.row(ctx, NETWORK, address["network_id"])
    check_service(ctx, found, service)
    return found


def has_service(ctx: Context, found: Row, service: str) -> bool:
    """Whether a network has a service, by its offering."""
    offered = access.row(ctx, NETWORK_OFFERING, found["offering_id"])
    return service in {one["name"] for one in offered["services"]}


def check_service(ctx: Context, found: Row, service: str) -> None:
    """Raises `InvalidValue` where a network does not have a service."""
    if not has_service(ctx, found, service):
        raise InvalidValue(f"network {found['name']} does not have service {service} (by its network offering)")
