"""Public addresses, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, owner, shown
from cloudsim.api.responses.tag import TAG, tags
from cloudsim.core.caller import domain_path_text
from cloudsim.core.clock import to_wire
from cloudsim.services import publicip
from cloudsim.services.context import Context, Row

PUBLIC_IP = Response(
    "publicipaddress",
    boolean="fordisplay forprovider forsystemvms forvirtualnetwork hasannotations hasrules isportable issourcenat "
    "isstaticnat issystem",
    date="allocated",
    string="account associatednetworkid associatednetworkname domain domainid domainpath id ipaddress networkid "
    "networkname physicalnetworkid project projectid purpose state virtualmachinedisplayname "
    "virtualmachineid virtualmachinename virtualmachinetype vlanid vlanname vmipaddress vpcid vpcname "
    "zoneid zonename",
    nested={"tags": ("list", TAG)},
)


@PUBLIC_IP.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Public addresses; their VLANs are told to root admins only."""
    found = publicip.page(ctx, ids)
    holders = {**publicip.holders(ctx, found), **publicip.system_machines(ctx, found)}
    ruled = publicip.ruled(ctx, ids)
    return [_address(ctx, row, tag_rows, holders.get(row["id"]), row["id"] in ruled) for row, tag_rows in found]


def _address(ctx: Context, row: Row, tag_rows: list[Row], holder: Row | None, ruled: bool) -> Object:
    full = ctx.caller.is_admin
    whose: Object = {}
    if row["account_name"] is not None:
        whose = {
            **owner(row),
            "domainid": row["domain_uuid"],
            "domain": row["domain_name"],
            "domainpath": domain_path_text(row["domain_path"]),
        }
    return shown(
        id=row["uuid"],
        ipaddress=row["address"],
        allocated=to_wire(row["allocated"]) if row["allocated"] else None,
        zoneid=row["zone_uuid"],
        zonename=row["zone_name"],
        issourcenat=row["source_nat"],
        **whose,
        forvirtualnetwork=row["vlan_type"] == "VirtualNetwork",
        vlanid=row["vlan_uuid"] if full else None,
        vlanname=row["vlan_tag"] if full else None,
        isstaticnat=row["static_nat"],
        issystem=row["is_system"],
        associatednetworkid=row["network_uuid"],
        associatednetworkname=row["network_name"],
        networkid=row["shared_uuid"] or row["physical_uuid"],
        **_machine(row, holder),
        state=row["state"],
        physicalnetworkid=row["physical_uuid"],
        tags=tags(tag_rows, "PublicIpAddress", row["uuid"]),
        isportable=row["is_portable"],
        fordisplay=row["display"] if full else None,
        hasrules=ruled,
        forsystemvms=row["for_system_vms"],
        forprovider=False,
        hasannotations=ctx.annotated(row["uuid"]),
    )


def _machine(row: Row, holder: Row | None) -> Object:
    """The machine that has an address: by static NAT, on a shared network, or as one of the cloud's own."""
    if row["nat_uuid"] is not None:
        return {
            "virtualmachineid": row["nat_uuid"],
            "virtualmachinename": row["nat_name"],
            "virtualmachinedisplayname": row["nat_display_name"] or row["nat_name"],
            "virtualmachinetype": "User",
            "vmipaddress": row["vm_ip"],
        }
    if holder is None:
        return {}
    made = {
        "virtualmachineid": holder["uuid"],
        "virtualmachinename": holder["name"],
        "virtualmachinetype": holder.get("type", "User"),
    }
    if "display_name" in holder:
        made["virtualmachinedisplayname"] = holder["display_name"] or holder["name"]
    return made
