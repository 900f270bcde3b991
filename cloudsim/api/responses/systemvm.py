"""System virtual machines, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim import CLOUDSTACK_VERSION
from cloudsim.api.responses.base import Object, Response, shown
from cloudsim.core.clock import to_wire
from cloudsim.services import system_vm
from cloudsim.services.cloud_machine import KINDS
from cloudsim.services.context import Context, Row

SYSTEM_VM = Response(
    "systemvm",
    boolean="hasannotations isdynamicallyscalable",
    date="created disconnected",
    integer="activeviewersessions",
    list="publicvlan",
    string="agentstate arch dns1 dns2 gateway guestvlan hostcontrolstate hostid hostname hypervisor id "
    "linklocalip linklocalmacaddress linklocalnetmask name networkdomain podid podname privateip "
    "privatemacaddress privatenetmask publicip publicmacaddress publicnetmask serviceofferingid "
    "serviceofferingname state systemvmtype templateid templatename version zoneid zonename",
)


@SYSTEM_VM.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """System virtual machines with their addresses."""
    return [_machine(ctx, row, nics) for row, nics in system_vm.page(ctx, ids)]


def addresses(nics: dict[str, Row]) -> Object:
    """The addresses of one of the cloud's own machines."""
    made: Object = {}
    # in zones where all machines are in one network, an address of it stands for the public one
    kinds = (("Management", "private"), ("Control", "linklocal"), ("Guest", "public"), ("Public", "public"))
    for kind, start in kinds:
        nic = nics.get(kind)
        if nic is not None:
            made.update({f"{start}ip": nic["ip"], f"{start}macaddress": nic["mac"], f"{start}netmask": nic["netmask"]})
    outside = nics.get("Public") or nics.get("Guest")
    if outside is not None:
        made["gateway"] = outside["gateway"]
    return made


def _machine(ctx: Context, row: Row, nics: dict[str, Row]) -> Object:
    runs = row["state"] == "Running"
    return shown(
        id=row["uuid"],
        systemvmtype=KINDS[row["type"]].name,
        zoneid=row["zone_uuid"],
        zonename=row["zone_name"],
        dns1=row["zone_dns1"],
        dns2=row["zone_dns2"],
        networkdomain=row["zone_domain"],
        name=row["name"],
        podid=row["pod_uuid"],
        podname=row["pod_name"],
        hostid=row["host_uuid"],
        hostname=row["host_name"],
        hostcontrolstate=row["host_state"],
        hypervisor=row["hypervisor"],
        **addresses(nics),
        publicvlan=[nics["Public"]["vlan"]] if "Public" in nics and nics["Public"]["vlan"] else None,
        templateid=row["template_uuid"],
        templatename=row["template_name"],
        created=to_wire(row["created"]),
        state=row["state"],
        agentstate=row["host_status"] if runs else None,
        version=CLOUDSTACK_VERSION if runs else None,
        activeviewersessions=0 if row["type"] == "ConsoleProxy" and runs else None,
        isdynamicallyscalable=row["dynamically_scalable"],
        serviceofferingid=row["offering_uuid"],
        serviceofferingname=row["offering_name"],
        arch=row["arch"],
        hasannotations=ctx.annotated(row["uuid"]),
    )
