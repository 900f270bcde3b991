"""Pods, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, shown
from cloudsim.api.responses.capacity import CAPACITY
from cloudsim.services import pod
from cloudsim.services.context import Context, Row

_RANGE = Response("ipranges", string="cidr endip forsystemvms gateway startip vlanid")
POD = Response(
    "pod",
    boolean="hasannotations",
    list="endip forsystemvms startip vlanid",
    string="allocationstate gateway id name netmask storageaccessgroups zoneid zonename zonestorageaccessgroups",
    nested={"capacity": ("list", CAPACITY), "ipranges": ("list", _RANGE)},
)


@POD.presents
def present_pods(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Pods with their address ranges."""
    return [_pod(ctx, row) for row in pod.page(ctx, ids)]


def _pod(ctx: Context, row: Row) -> Object:
    ranges = [
        {
            "startip": part["start"],
            "endip": part.get("end") or part["start"],
            "forsystemvms": "1" if part.get("forsystemvms") else "0",
            "vlanid": f"vlan://{part.get('vlan') or 'untagged'}",
        }
        for part in row["ranges"]
    ]
    return shown(
        id=row["uuid"],
        name=row["name"],
        zoneid=row["zone_uuid"],
        zonename=row["zone_name"],
        gateway=row["gateway"],
        netmask=row["netmask"],
        ipranges=ranges,
        **{name: [part[name] for part in ranges] for name in ("startip", "endip", "forsystemvms", "vlanid")},
        allocationstate=row["allocation_state"],
        hasannotations=ctx.annotated(row["uuid"]),
    )
