"""Usage records, as clients read them."""

from __future__ import annotations

from cloudsim.api.responses.base import Object, Response, owner, shown
from cloudsim.api.responses.tag import TAG
from cloudsim.core.caller import domain_path_text
from cloudsim.core.clock import to_wire
from cloudsim.services.usage import Record

USAGE = Response(
    "usagerecord",
    boolean="hasannotations isdefault issourcenat issystem",
    date="enddate startdate",
    integer="usagetype",
    long="cpunumber cpuspeed memory size virtualsize",
    string="account accountid description domain domainid domainpath name networkid offeringid oscategoryid "
    "oscategoryname osdisplayname ostypeid project projectid rawusage templateid type usage usageid "
    "virtualmachineid vpcid zoneid",
    nested={"tags": ("set", TAG)},
)
USAGE_TYPE = Response("usagetype", integer="id", string="description name")
_WORDS = {
    1: "{name} ran",
    2: "{name} was allocated",
    3: "address {name} was held",
    6: "volume {name} was held",
    11: "load balancer rule {name} was held",
    13: "network {name} was used",
    30: "network {name} was held",
}


def record(one: Record) -> Object:
    """One record: hours of use within a day."""
    row = one.row
    words = _WORDS.get(row["type"], "{name} was used").format(name=row["name"] or row["uuid"])
    return shown(
        **owner(row),
        accountid=row["account_uuid"],
        domainid=row["domain_uuid"],
        domain=row["domain_name"],
        domainpath=domain_path_text(row["domain_path"]),
        zoneid=row["zone_uuid"],
        description=f"{words} for {one.hours:.6f} hours",
        usage=f"{one.hours:.6f} Hrs",
        rawusage=f"{one.hours:.6f}",
        usagetype=row["type"],
        usageid=row["uuid"],
        name=row["name"],
        virtualmachineid=row["vm_uuid"],
        offeringid=row["service_uuid"] or row["disk_uuid"] or row["offered_uuid"],
        templateid=row["template_uuid"],
        ostypeid=row["os_uuid"] if row["kind"] == "vm" else None,
        osdisplayname=row["os_name"] if row["kind"] == "vm" else None,
        networkid=row["network_uuid"],
        size=row["size"],
        virtualsize=row["size"],
        cpunumber=row["cpus"],
        cpuspeed=row["speed"],
        memory=row["memory"],
        isdefault=row["is_default"] if row["kind"] == "nic" else None,
        issourcenat=row["is_source_nat"] if row["kind"] == "public_ip" else None,
        issystem=row["is_default"] if row["kind"] == "public_ip" else None,
        startdate=to_wire(one.start),
        enddate=to_wire(one.end),
        tags=[],
    )
