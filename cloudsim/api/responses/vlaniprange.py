"""Ranges of addresses, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, owner, shown
from cloudsim.core.caller import domain_path_text
from cloudsim.services import addressing, vlaniprange
from cloudsim.services.context import Context, Row

VLAN = Response(
    "vlan",
    boolean="forsystemvms forvirtualnetwork",
    string="account cidr description domain domainid domainpath endip endipv6 gateway id ip6cidr ip6gateway "
    "netmask networkid physicalnetworkid podid podname project projectid provider startip startipv6 vlan "
    "zoneid",
)


@VLAN.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Ranges with their places and owners."""
    return [_range(row) for row in vlaniprange.page(ctx, ids)]


def _range(row: Row) -> Object:
    return shown(
        id=row["uuid"],
        forvirtualnetwork=row["type"] == "VirtualNetwork",
        zoneid=row["zone_uuid"],
        vlan=row["tag"],
        **owner(row),
        domainid=row["domain_uuid"],
        domain=row["domain_name"],
        domainpath=domain_path_text(row["domain_path"]) if row["domain_path"] else None,
        podid=row["pod_uuid"],
        podname=row["pod_name"],
        gateway=row["gateway"],
        netmask=row["netmask"],
        cidr=str(addressing.network(row["gateway"], row["netmask"])),
        startip=row["start"],
        endip=row["end"],
        networkid=row["network_uuid"],
        physicalnetworkid=row["physical_uuid"],
        forsystemvms=row["for_system_vms"],
    )
