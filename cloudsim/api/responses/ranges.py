"""Ranges of storage and portable addresses, and acquired addresses of pods, as clients read them."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from cloudsim.api.responses.base import Object, Response, shown
from cloudsim.core.clock import to_wire
from cloudsim.services import addressing, portable_range, storage_range
from cloudsim.services.context import Context, Row

STORAGE_RANGE = Response(
    "storagenetworkiprange",
    integer="vlan",
    string="endip gateway id netmask networkid podid startip zoneid",
    words={"networkid": "The id of the storage network, which is no network of its own here"},
)
_ADDRESS = Response(
    "portableipaddress",
    date="allocated",
    integer="regionid",
    string="accountid domainid ipaddress networkid physicalnetworkid state vpcid zoneid",
)
PORTABLE_RANGE = Response(
    "portableiprange",
    integer="regionid",
    string="endip gateway id netmask startip vlan",
    nested={"portableipaddress": ("list", _ADDRESS)},
)
POD_ADDRESS = Response(
    "podipaddress",
    long="hostmac id nicid podid",
    string="cidr gateway ipaddress",
    words={
        "id": "The number to release it by",
        "nicid": "The number of the network card that has it: none has",
        "podid": "The number of the pod",
    },
)


@STORAGE_RANGE.presents
def present_storage(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Ranges of the storage network with their places."""
    return [
        shown(
            id=row["uuid"],
            vlan=row["vlan"],
            podid=row["pod_uuid"],
            startip=row["start"],
            endip=row["end"],
            zoneid=row["zone_uuid"],
            netmask=row["netmask"],
            gateway=row["gateway"],
        )
        for row in storage_range.page(ctx, ids)
    ]


@PORTABLE_RANGE.presents
def present_portable(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Portable ranges with their addresses."""
    return [
        shown(
            id=row["uuid"],
            regionid=row["region"],
            gateway=row["gateway"],
            netmask=row["netmask"],
            vlan=row["tag"],
            startip=row["start"],
            endip=row["end"],
            portableipaddress=[_address(row, one) for one in addresses],
        )
        for row, addresses in portable_range.page(ctx, ids)
    ]


def _address(row: Row, one: Row) -> Object:
    return shown(
        regionid=row["region"],
        ipaddress=one["address"],
        state=one["state"],
        accountid=one["account_uuid"],
        domainid=one["domain_uuid"],
        zoneid=one["zone_uuid"],
        physicalnetworkid=one["physical_uuid"],
        networkid=one["network_uuid"],
        allocated=to_wire(one["allocated"]) if one["allocated"] else None,
    )


def pod_address(found: dict[str, Any]) -> Object:
    """An address of a pod that was acquired; its places are numbers, as on the reference."""
    pod = found["pod"]
    # of a range of our own beside those of network cards
    mac = bytes((10, pod["zone_id"] % 256)) + int(ipaddress.IPv4Address(found["address"])).to_bytes(4, "big")
    return shown(
        id=found["id"],
        ipaddress=found["address"],
        podid=pod["id"],
        gateway=pod["gateway"],
        cidr=str(addressing.network(pod["gateway"], pod["netmask"])),
        hostmac=int.from_bytes(mac, "big"),
    )
