"""Virtual machines, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudsim.api.responses.base import Object, Response
from cloudsim.api.responses.tag import TAG, tags
from cloudsim.core.caller import PROJECT, domain_path_text
from cloudsim.core.clock import to_wire
from cloudsim.services import vm_view
from cloudsim.services.context import Context, Row

NIC = Response(
    "nic",
    string="adaptertype broadcasturi deviceid gateway id ip6address ip6cidr ip6gateway ipaddress isolatedpvlantype "
    "isolationuri macaddress netmask networkid networkname nsxlogicalswitch nsxlogicalswitchport publicip publicipid "
    "traffictype type virtualmachineid vpcid vpcname",
    boolean="isdefault",
    integer="isolatedpvlan mtu vlanid",
    list="extradhcpoption ipaddresses secondaryip",
)
VIRTUAL_MACHINE = Response(
    "virtualmachine",
    string="account arch autoscalevmgroupid autoscalevmgroupname backupofferingid backupofferingname bootmode boottype "
    "cpuused diskofferingid diskofferingname displayname domain domainid domainpath gpucardid gpucardname group groupid "
    "guestosid hostcontrolstate hostid hostname hypervisor id instancename ipaddress isodisplaytext isoid isoname jobid "
    "keypairs leaseexpiryaction name osdisplayname ostypeid password pooltype project projectid publicip publicipid "
    "readonlydetails rootdevicetype serviceofferingid serviceofferingname servicestate state templatedisplaytext "
    "templateformat templateid templatename templatetype userdata userdatadetails userdataid userdataname "
    "userdatapolicy userid username vgpu vgpuprofileid vgpuprofilename vmtype zoneid zonename",
    boolean="deleteprotection displayvm forvirtualnetwork haenable hasannotations isdynamicallyscalable passwordenabled",
    integer="cpunumber cpuspeed gpucount jobstatus leaseduration memory",
    long="diskioread diskiowrite diskkbsread diskkbswrite maxheads maxresolutionx maxresolutiony memoryintfreekbs "
    "memorykbs memorytargetkbs networkkbsread networkkbswrite receivedbytes rootdeviceid sentbytes videoram",
    date="created lastupdated leaseexpirydate",
    map="details vnfdetails",
    list="vnfnics",
    resourceiconresponse="icon",
    nested={
        "nic": ("set", NIC),
        "tags": ("set", TAG),
        "affinitygroup": ("set", None),
        "securitygroup": ("set", None),
    },
)


@VIRTUAL_MACHINE.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Virtual machines: where they run is told to root admins only."""
    found = vm_view.page(ctx, ids)
    full = ctx.caller.is_admin
    hidden = frozenset(name.strip() for name in ctx.settings.text("user.vm.denied.details").split(",") if name.strip())
    readonly = ", ".join(
        sorted(name.strip() for name in ctx.settings.text("user.vm.readonly.details").split(",") if name.strip())
    )
    return [
        _machine(
            row,
            found.nics.get(row["id"], []),
            found.volumes.get(row["id"], []),
            _details(found.details[row["id"]], frozenset() if full else hidden) if row["id"] in found.details else {},
            tags(found.tags[row["id"]], "UserVm", row["uuid"]) if row["id"] in found.tags else [],
            full,
            readonly,
        )
        for row in found.rows
    ]


#: Fields that may hold nothing; the others are always there.
_NIC_MAYBE = (
    "netmask", "gateway", "ipaddress", "isolationuri", "broadcasturi", "type",
)  # fmt: skip
_MAYBE = (
    "displayname", "lastupdated", "hostid", "hostname", "hostcontrolstate", "templatedisplaytext", "rootdeviceid",
    "rootdevicetype", "ipaddress", "instancename", "displayvm", "bootmode", "boottype", "pooltype", "arch",
)  # fmt: skip
#: Fields that hold nothing on most machines, and the columns they are from: set where there is something.
_NIC_SELDOM = (("ip6address", "ip6"), ("ip6gateway", "ip6_gateway"), ("ip6cidr", "ip6_cidr"), ("mtu", "mtu"))
_SELDOM = (
    ("groupid", "group_uuid"), ("group", "group_name"), ("userdataid", "userdata_uuid"),
    ("userdataname", "userdata_name"),
)  # fmt: skip


def without_nothing(made: Object, maybe: Sequence[str]) -> Object:
    """The object without those of its `maybe` fields that hold nothing (quicker than looking at every field)."""
    for name in maybe:
        if made[name] is None:
            del made[name]
    return made


def nic(row: Row) -> Object:
    """A network card."""
    made: Object = {
        "id": row["uuid"],
        "networkid": row["network_uuid"],
        "networkname": row["network_name"],
        "netmask": row["netmask"],
        "gateway": row["gateway"],
        "ipaddress": row["ip"],
        "isolationuri": row["isolation_uri"],
        "broadcasturi": row["broadcast_uri"],
        "traffictype": row["traffic_type"],
        "type": row["guest_type"],
        "isdefault": row["is_default"],
        "macaddress": row["mac"],
        "secondaryip": [],
        "extradhcpoption": _dhcp_options(row["dhcp_options"]) if row["dhcp_options"] else [],
        "deviceid": str(row["device_id"]),
    }
    for field, column in _NIC_SELDOM:
        if row[column] is not None:
            made[field] = row[column]
    return without_nothing(made, _NIC_MAYBE)


def _details(rows: list[Row], hidden: frozenset[str]) -> dict[str, str]:
    return {row["name"]: row["value"] for row in rows if row["name"] not in hidden}


def _dhcp_options(options: dict[str, str]) -> list[Object]:
    return [{"codename": name, "value": value} for name, value in options.items()]


def _machine(
    row: Row,
    nics: list[Row],
    volumes: list[Row],
    details: dict[str, str],
    tag_objects: list[Object],
    full: bool,
    readonly: str,
) -> Object:
    root = data = address = None
    cards = []
    for card in nics:
        cards.append(nic(card))
        if card["is_default"]:
            address = card["ip"]
    for volume in volumes:
        if volume["type"] == "ROOT":
            root = volume
        elif data is None:
            data = volume
    owner: dict[str, Any] = {"account": row["account_name"]}
    if row["account_type"] == PROJECT:
        owner = {"project": row["account_name"]}
    made: Object = {
        "id": row["uuid"],
        "name": row["name"],
        "displayname": row["display_name"],
        **owner,
        "userid": row["user_uuid"],
        "username": row["username"],
        "domainid": row["domain_uuid"],
        "domain": row["domain_name"],
        "domainpath": domain_path_text(row["domain_path"]),
        "created": to_wire(row["created"]),
        "lastupdated": to_wire(row["updated"]),
        "state": row["state"],
        "haenable": row["ha_enabled"],
        "zoneid": row["zone_uuid"],
        "zonename": row["zone_name"],
        "hostid": row["host_uuid"] if full else None,
        "hostname": row["host_name"] if full else None,
        "hostcontrolstate": _control_state(row),
        "templateid": row["template_uuid"],
        "templatename": row["template_name"],
        "templatetype": row["template_type"],
        "templateformat": row["template_format"],
        "templatedisplaytext": row["template_text"],
        "passwordenabled": row["password_enabled"],
        "serviceofferingid": row["offering_uuid"],
        "serviceofferingname": row["offering_name"],
        "cpunumber": row["cpu"],
        "cpuspeed": row["speed"],
        "memory": row["memory"],
        "guestosid": row["os_uuid"],
        "rootdeviceid": root["device_id"] if root else None,
        "rootdevicetype": "ROOT" if root else None,
        "securitygroup": [],
        "nic": cards,
        "hypervisor": row["hypervisor"],
        "ipaddress": address,
        "instancename": row["instance_name"] if full else None,
        "details": details,
        "affinitygroup": [],
        "displayvm": row["display"] if full else None,
        "isdynamicallyscalable": row["dynamically_scalable"],
        "deleteprotection": row["delete_protection"],
        "ostypeid": row["os_uuid"],
        "osdisplayname": row["os_name"],
        "bootmode": row["boot_mode"],
        "boottype": row["boot_type"],
        "pooltype": root["pool_type"] if root else None,
        "receivedbytes": 0,
        "sentbytes": 0,
        "arch": row["arch"] if full else None,
        "tags": tag_objects,
        "hasannotations": False,
    }
    for field, column in _SELDOM:
        if row[column] is not None:
            made[field] = row[column]
    if data is not None and data["offering_uuid"] is not None:
        made["diskofferingid"] = data["offering_uuid"]
        made["diskofferingname"] = data["offering_name"]
    if row["keypairs"]:
        made["keypairs"] = ",".join(row["keypairs"])
    if readonly and not full:
        made["readonlydetails"] = readonly
    return without_nothing(made, _MAYBE)


def _control_state(row: Row) -> str | None:
    if row["host_uuid"] is None:
        return None
    if row["host_status"] == "Up" and row["host_resource_state"] == "Enabled":
        return "Enabled"
    if row["host_status"] != "Up":
        return "Offline"
    return "Maintenance" if "Maintenance" in row["host_resource_state"] else "Disabled"
