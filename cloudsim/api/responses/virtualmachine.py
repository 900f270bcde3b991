"""Virtual machines, as clients read them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cloudsim.api.responses import affinitygroup
from cloudsim.api.responses.affinitygroup import AFFINITY_GROUP
from cloudsim.api.responses.base import Object, Response, owner, shown
from cloudsim.api.responses.securitygroup import SECURITY_GROUP, of_machine
from cloudsim.api.responses.tag import TAG, tags
from cloudsim.core import dhcp
from cloudsim.core.caller import domain_path_text
from cloudsim.core.clock import to_wire
from cloudsim.services import static_nat, stats, vm_lease_rules, vm_view
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
        "affinitygroup": ("set", AFFINITY_GROUP),
        "securitygroup": ("set", SECURITY_GROUP),
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
    parts = {
        kind: {row_id: make(row, full) for row_id, row in found.common[kind].items()} for kind, make in _PARTS.items()
    }
    made = [
        _machine(
            row,
            parts,
            found.nics.get(row["id"], []),
            found.volumes.get(row["id"], []),
            _details(found.details[row["id"]], frozenset() if full else hidden) if row["id"] in found.details else {},
            tags(found.tags[row["id"]], "UserVm", row["uuid"]) if row["id"] in found.tags else [],
            full,
            readonly,
        )
        for row in found.rows
    ]
    for row, one in zip(found.rows, made, strict=True):
        if row["iso_id"] is not None:
            image = found.common["template"][row["iso_id"]]
            one.update(isoid=image["uuid"], isoname=image["name"], isodisplaytext=image["display_text"])
        if row["lease_state"] == vm_lease_rules.PENDING:
            one["leaseexpirydate"] = to_wire(row["lease_expiry"])
            one["leaseexpiryaction"] = row["lease_action"]
            one["leaseduration"] = vm_lease_rules.days_left(ctx.now, row["lease_expiry"])
    public = static_nat.of_machines(ctx, ids)
    if public:
        places = {row["id"]: one for row, one in zip(found.rows, made, strict=True)}
        for address in public:
            _public(places[address["vm_id"]], address)
    if found.security:
        for row, one in zip(found.rows, made, strict=True):
            whose = parts["account"][row["account_id"]]
            one["securitygroup"] = [of_machine(group, whose) for group in found.security.get(row["id"], [])]
    if found.secondary:
        for row, one in zip(found.rows, made, strict=True):
            for card, told in zip(found.nics.get(row["id"], ()), one["nic"], strict=True):
                told["secondaryip"] = secondary(found.secondary.get(card["id"], ()))
    if found.affinity:
        for row, one in zip(found.rows, made, strict=True):
            one["affinitygroup"] = [affinitygroup.of_machine(group) for group in found.affinity.get(row["id"], ())]
    if ctx.cloud.observed.machines:
        for row, one in zip(found.rows, made, strict=True):
            if row["state"] == "Running" and row["uuid"] in ctx.cloud.observed.machines:
                one.update(stats.machine(ctx.cloud.observed.machines[row["uuid"]]))
    if ctx.cloud.annotated:
        for one in made:
            one["hasannotations"] = ctx.annotated(one["id"])
    return made


def _public(made: Object, address: Row) -> None:
    """A machine, and its card, with the public address that is its own by static NAT."""
    held = {"publicip": address["address"], "publicipid": address["uuid"]}
    for one in (made, *(card for card in made["nic"] if card["networkid"] == address["network_uuid"])):
        if "publicip" not in one:
            one.update(held)


def host_part(row: Row, full: bool) -> Object:
    """What a machine tells of its host; which one it is only with `full`."""
    if row["status"] == "Up" and row["resource_state"] == "Enabled":
        state = "Enabled"
    elif row["status"] != "Up":
        state = "Offline"
    else:
        state = "Maintenance" if "Maintenance" in row["resource_state"] else "Disabled"
    made = {"hostid": row["uuid"], "hostname": row["name"]} if full else {}
    return {**made, "hostcontrolstate": state}


def _template(row: Row, full: bool) -> Object:
    return shown(
        templateid=row["uuid"],
        templatename=row["name"],
        templatetype=row["type"],
        templateformat=row["format"],
        templatedisplaytext=row["display_text"],
    )


#: Of what machines have in common: the fields that each of them gets. Made once for a page.
_PARTS: dict[str, Callable[[Row, bool], Object]] = {
    "account": lambda row, full: owner(row, "name"),
    "domain": lambda row, full: {
        "domainid": row["uuid"],
        "domain": row["name"],
        "domainpath": domain_path_text(row["path"]),
    },
    "user": lambda row, full: {"userid": row["uuid"], "username": row["username"]},
    "zone": lambda row, full: {"zoneid": row["uuid"], "zonename": row["name"]},
    "host": host_part,
    "template": _template,
    "offering": lambda row, full: {"serviceofferingid": row["uuid"], "serviceofferingname": row["name"]},
    "os": lambda row, full: {"guestosid": row["uuid"], "ostypeid": row["uuid"], "osdisplayname": row["name"]},
    "group": lambda row, full: {"groupid": row["uuid"], "group": row["name"]},
    "userdata": lambda row, full: {"userdataid": row["uuid"], "userdataname": row["name"]},
    "network": lambda row, full: network_part(row["uuid"], row["name"], row["traffic_type"], row["guest_type"]),
    "pool": lambda row, full: {"pooltype": row["type"]},
    "disk": lambda row, full: {"diskofferingid": row["uuid"], "diskofferingname": row["name"]},
}
_NOTHING: Object = {}


def network_part(uuid: str, name: str, traffic: str, kind: str | None) -> Object:
    """What a network card tells of its network."""
    return shown(networkid=uuid, networkname=name, traffictype=traffic, type=kind)


#: Fields that may hold nothing; the others are always there.
_NIC_MAYBE = ("netmask", "gateway", "ipaddress", "isolationuri", "broadcasturi")
_MAYBE = ("displayname", "lastupdated", "ipaddress", "instancename", "displayvm", "bootmode", "boottype", "arch")
#: Fields that hold nothing on most cards, and the columns they are from: set where there is something.
_NIC_SELDOM = (("ip6address", "ip6"), ("ip6gateway", "ip6_gateway"), ("ip6cidr", "ip6_cidr"), ("mtu", "mtu"))


def without_nothing(made: Object, maybe: Sequence[str]) -> Object:
    """The object without those of its `maybe` fields that hold nothing (quicker than looking at every field)."""
    for name in maybe:
        if made[name] is None:
            del made[name]
    return made


def nic(row: Row, network: Object) -> Object:
    """A network card; `network` as `network_part` makes it."""
    made: Object = {
        "id": row["uuid"],
        **network,
        "netmask": row["netmask"],
        "gateway": row["gateway"],
        "ipaddress": row["ip"],
        "isolationuri": row["isolation_uri"],
        "broadcasturi": row["broadcast_uri"],
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
    return [
        {"codename": dhcp.name(code), "code": int(code), "value": value}
        for code, value in options.items()
        if code.isdigit()
    ]


def secondary(rows: Sequence[Row]) -> list[Object]:
    """The secondary addresses of a network card."""
    return [{"id": row["uuid"], "ipaddress": row["ip"]} for row in rows]


def _machine(
    row: Row,
    parts: dict[str, dict[int, Object]],
    nics: list[Row],
    volumes: list[Row],
    details: dict[str, str],
    tag_objects: list[Object],
    full: bool,
    readonly: str,
) -> Object:
    address = None
    cards = []
    networks = parts["network"]
    for card in nics:
        cards.append(nic(card, networks[card["network_id"]]))
        if card["is_default"]:
            address = card["ip"]
    made: Object = {
        "id": row["uuid"],
        "name": row["name"],
        "displayname": row["display_name"],
        **parts["account"][row["account_id"]],
        **parts["user"][row["user_id"]],
        **parts["domain"][row["domain_id"]],
        "created": to_wire(row["created"]),
        "lastupdated": to_wire(row["updated"]),
        "state": row["state"],
        "haenable": row["ha_enabled"],
        **parts["zone"][row["zone_id"]],
        **parts["host"].get(row["host_id"], _NOTHING),
        **parts["template"][row["template_id"]],
        "passwordenabled": row["password_enabled"],
        **parts["offering"][row["service_offering_id"]],
        "cpunumber": row["cpu"],
        "cpuspeed": row["speed"],
        "memory": row["memory"],
        **parts["os"][row["guest_os_id"]],
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
        "bootmode": row["boot_mode"],
        "boottype": row["boot_type"],
        "receivedbytes": 0,
        "sentbytes": 0,
        "arch": row["arch"] if full else None,
        "tags": tag_objects,
        "hasannotations": False,
    }
    _add_disks(made, parts, volumes)
    if row["group_id"] is not None:
        made.update(parts["group"].get(row["group_id"], _NOTHING))
    if row["userdata_id"] is not None:
        made.update(parts["userdata"].get(row["userdata_id"], _NOTHING))
    if row["keypairs"]:
        made["keypairs"] = ",".join(row["keypairs"])
    if readonly and not full:
        made["readonlydetails"] = readonly
    return without_nothing(made, _MAYBE)


def _add_disks(made: Object, parts: dict[str, dict[int, Object]], volumes: list[Row]) -> None:
    """What is told of the root volume and of the first data volume."""
    data = False
    for volume in volumes:
        if volume["type"] == "ROOT":
            made["rootdevicetype"] = "ROOT"
            if volume["device_id"] is not None:
                made["rootdeviceid"] = volume["device_id"]
            made.update(parts["pool"].get(volume["pool_id"], _NOTHING))
        elif not data:
            data = True
            made.update(parts["disk"].get(volume["disk_offering_id"], _NOTHING))
