"""Virtual routers, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, owner, shown
from cloudsim.api.responses.virtualmachine import NIC, host_part, network_part, nic
from cloudsim.core.caller import domain_path_text
from cloudsim.core.clock import to_wire
from cloudsim.services import router_health, router_orders
from cloudsim.services.context import Context, Row

CHECK = Response(
    "routerhealthchecks",
    boolean="success",
    date="lastupdated",
    routerhealthstatus="status",
    string="checkname checktype details",
)
ROUTER = Response(
    "router",
    boolean="hasannotations healthchecksfailed isredundantrouter requiresupgrade",
    date="created",
    integer="jobstatus",
    state="state",
    string="account arch dns1 dns2 domain domainid domainpath gateway guestipaddress guestmacaddress guestnetmask "
    "guestnetworkid guestnetworkname hostcontrolstate hostid hostname hypervisor id ip6dns1 ip6dns2 jobid linklocalip "
    "linklocalmacaddress linklocalnetmask linklocalnetworkid name networkdomain podid podname project projectid "
    "publicip publicmacaddress publicnetmask publicnetworkid redundantstate role scriptsversion serviceofferingid "
    "serviceofferingname softwareversion templateid templatename version vpcid vpcname zoneid zonename",
    nested={"healthcheckresults": ("list", CHECK), "nic": ("set", NIC)},
)


@ROUTER.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Routers with their cards; where they run is told to root admins only."""
    return [_router(ctx, *found) for found in router_orders.page(ctx, ids)]


def checks(ctx: Context, row: Row) -> list[Object]:
    """The results of a router's health checks."""
    return [
        shown(
            checkname=one["name"],
            checktype=one["type"],
            success=one["success"],
            status="SUCCESS" if one["success"] else "FAILED",
            lastupdated=to_wire(one["at"]),
            details=one["details"],
        )
        for one in router_health.results(ctx, row)
    ]


def _router(ctx: Context, row: Row, guest: Row | None, outer: dict[str, Row]) -> Object:
    full = ctx.caller.is_admin
    placed: Object = {}
    if row["host_id"] is not None:
        placed = host_part({"uuid": row["host_uuid"], "name": row["host_name"], "status": row["host_status"],
                            "resource_state": row["host_state"]}, full)  # fmt: skip
        if full:
            placed["hypervisor"] = row["hypervisor"]
    linked = row["host_id"] is not None or not ctx.settings.flag("systemvm.release.control.ip.on.stop")
    return shown(
        id=row["uuid"],
        zoneid=row["zone_uuid"],
        zonename=row["zone_name"],
        dns1=row["zone_dns1"],
        dns2=row["zone_dns2"],
        ip6dns1=row["zone_ip6dns1"],
        ip6dns2=row["zone_ip6dns2"],
        name=row["name"],
        podid=row["pod_uuid"] if full else None,
        podname=row["pod_name"] if full else None,
        **placed,
        **_addresses(row, guest, outer, linked, full),
        templateid=row["template_uuid"],
        templatename=row["template_name"],
        created=to_wire(row["created"]),
        state=row["state"],
        **owner(row),
        domainid=row["domain_uuid"],
        domain=row["domain_name"],
        domainpath=domain_path_text(row["domain_path"]),
        serviceofferingid=row["offering_uuid"],
        serviceofferingname=row["offering_name"],
        isredundantrouter=row["is_redundant"],
        redundantstate=row["redundant_state"],
        version=row["template_version"],
        scriptsversion=row["scripts_version"],
        softwareversion=row["software_version"],
        role="VIRTUAL_ROUTER",
        nic=_cards(row, guest, outer, linked),
        requiresupgrade=router_health.requires_upgrade(ctx, row),
        healthchecksfailed=router_health.failed(ctx, row),
        arch=row["arch"],
        hasannotations=ctx.annotated(row["uuid"]),
    )


def _addresses(row: Row, guest: Row | None, outer: dict[str, Row], linked: bool, full: bool) -> Object:
    made: Object = {}
    if guest is not None:
        made.update(
            networkdomain=row["network_network_domain"],
            gateway=guest["gateway"],
            guestipaddress=guest["ip"],
            guestmacaddress=guest["mac"],
            guestnetmask=guest["netmask"],
            guestnetworkid=row["network_uuid"],
            guestnetworkname=row["network_name"],
        )
    for kind, start in (("Control", "linklocal"), ("Public", "public")):
        card = outer.get(kind)
        if card is None or (kind == "Control" and not full):
            continue
        made[f"{start}networkid"] = row["physical_uuid"]
        if kind == "Public" or linked:
            made.update(
                {f"{start}ip": card["ip"], f"{start}macaddress": card["mac"], f"{start}netmask": card["netmask"]}
            )
    if "Public" in outer:
        made["gateway"] = outer["Public"]["gateway"]
    return made


def _cards(row: Row, guest: Row | None, outer: dict[str, Row], linked: bool) -> list[Object]:
    made: list[Object] = []
    if guest is not None:
        card = nic(
            guest, network_part(row["network_uuid"], row["network_name"], guest["traffic_type"], guest["guest_type"])
        )
        hidden = _NOT_TOLD if row["host_id"] is not None else (*_NOT_TOLD, "broadcasturi", "isolationuri")
        made.append({name: value for name, value in card.items() if name not in hidden})
    for kind, own in outer.items():
        shows = kind == "Public" or linked
        vlan = f"vlan://{own['vlan'].removeprefix('vlan://')}" if own["vlan"] else None
        made.append(
            shown(
                id=own["uuid"],
                networkid=row["physical_uuid"],
                netmask=own["netmask"] if shows else None,
                gateway=(own["gateway"] or LINK_GATEWAY) if shows else None,
                ipaddress=own["ip"] if shows else None,
                broadcasturi=vlan,
                isolationuri=vlan,
                traffictype=kind,
                isdefault=kind == "Public",
                macaddress=own["mac"] if shows else None,
            )
        )
    return made


#: What cards of users' machines tell and those of routers do not.
_NOT_TOLD = ("deviceid", "secondaryip", "extradhcpoption")
#: Where hosts have the other end of the link to their machines.
LINK_GATEWAY = "169.254.0.1"
