"""Zones, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, shown
from cloudsim.api.responses.capacity import CAPACITY
from cloudsim.api.responses.tag import TAG, tags
from cloudsim.services import zone
from cloudsim.services.context import Context, Row

ZONE = Response(
    "zone",
    string="allocationstate asnrange description dhcpprovider displaytext dns1 dns2 domain domainid domainname "
    "guestcidraddress id internaldns1 internaldns2 ip6dns1 ip6dns2 jobid name networktype provider "
    "storageaccessgroups type zonetoken",
    boolean="allowuserspecifyvrmtu hasannotations ismultiarch isnsxenabled localstorageenabled routedmodeenabled "
    "securitygroupsenabled",
    long="gputotal gpuused",
    integer="jobstatus routerprivateinterfacemaxmtu routerpublicinterfacemaxmtu",
    map="resourcedetails",
    resourceiconresponse="icon",
    nested={"capacity": ("list", CAPACITY), "tags": ("set", TAG)},
)


@ZONE.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Zones; what only an admin needs to know is not told to others."""
    return [_zone(ctx, *found) for found in zone.page(ctx, ids)]


def _zone(ctx: Context, row: Row, tag_rows: list[Row], details: list[Row], archs: int) -> Object:
    full = ctx.caller.is_admin
    return shown(
        id=row["uuid"],
        name=row["name"],
        description=row["description"],
        dns1=row["dns1"],
        dns2=row["dns2"],
        ip6dns1=row["ip6dns1"],
        ip6dns2=row["ip6dns2"],
        internaldns1=row["internal_dns1"] if full else None,
        internaldns2=row["internal_dns2"] if full else None,
        guestcidraddress=row["guest_cidr"] if full else None,
        domain=row["domain"],
        domainid=row["domain_uuid"],
        domainname=row["domain_name"],
        networktype=row["network_type"],
        securitygroupsenabled=row["security_groups"],
        gputotal=0,
        gpuused=0,
        allocationstate=row["allocation_state"],
        zonetoken=row["token"] if full else None,
        dhcpprovider=row["dhcp_provider"],
        localstorageenabled=row["local_storage"],
        tags=tags(tag_rows, "Zone", row["uuid"]),
        resourcedetails={detail["name"]: detail["value"] for detail in details} or None,
        allowuserspecifyvrmtu=ctx.settings.flag("allow.end.users.to.specify.vr.mtu"),
        routerprivateinterfacemaxmtu=ctx.settings.number("vr.private.interface.max.mtu") or 1500,
        routerpublicinterfacemaxmtu=ctx.settings.number("vr.public.interface.max.mtu") or 1500,
        type=row["type"],
        isnsxenabled=False,
        ismultiarch=archs > 1,
        asnrange="",
        routedmodeenabled=True,
        hasannotations=ctx.annotated(row["uuid"]),
    )
