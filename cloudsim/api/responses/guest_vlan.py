"""VLANs of guest networks and ranges of them that are dedicated, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, owner, shown
from cloudsim.core.caller import domain_path_text
from cloudsim.core.clock import to_wire
from cloudsim.services import guest_vlan
from cloudsim.services.context import Context, Row

GUEST_VLAN = Response(
    "guestvlan",
    boolean="isdedicated",
    date="taken",
    list="network",
    long="id",
    string="account allocationstate domain domainid domainpath physicalnetworkid physicalnetworkname project projectid "
    "vlan zoneid zonename",
    words={"id": "The number of the VLAN's record", "network": "The network that has it: its id and name"},
)
GUEST_VLAN_RANGE = Response(
    "dedicatedguestvlanrange",
    long="physicalnetworkid zoneid",
    string="account domain domainid domainpath guestvlanrange id project projectid",
    words={"physicalnetworkid": "The number of the physical network", "zoneid": "The number of the zone"},
)


def _whose(row: Row) -> Object:
    if row["account_name"] is None:
        return {}
    path = domain_path_text(row["domain_path"])
    return {**owner(row), "domainid": row["domain_uuid"], "domain": row["domain_name"], "domainpath": path}


@GUEST_VLAN.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """VLANs with the networks that have them."""
    return [_vlan(row) for row in guest_vlan.page(ctx, ids)]


def _vlan(row: Row) -> Object:
    used = row["network_id"] is not None
    return shown(
        id=row["id"],
        vlan=str(row["vlan"]),
        allocationstate="Allocated" if used else "Free",
        taken=to_wire(row["taken"]) if row["taken"] else None,
        zoneid=row["zone_uuid"],
        zonename=row["zone_name"],
        physicalnetworkid=row["physical_uuid"],
        physicalnetworkname=row["physical_name"],
        isdedicated=row["guest_range_id"] is not None,
        **_whose(row),
        network=[{"id": row["network_uuid"], "name": row["network_name"]}] if used else None,
    )


@GUEST_VLAN_RANGE.presents
def present_ranges(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Dedicated ranges; their places are numbers, as on the reference."""
    return [
        shown(
            id=row["uuid"],
            guestvlanrange=f"{row['first']}-{row['last']}",
            **_whose(row),
            physicalnetworkid=row["physical_network_id"],
            zoneid=row["zone_id"],
        )
        for row in guest_vlan.ranges(ctx, ids)
    ]
