"""Guest operating systems and their categories, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, shown
from cloudsim.core.clock import to_wire
from cloudsim.services import guestosmapping, ostype
from cloudsim.services.context import Context

OS_TYPE = Response(
    "ostype", boolean="fordisplay isuserdefined", string="description id name oscategoryid oscategoryname"
)
OS_CATEGORY = Response(
    "oscategory", boolean="isfeatured", date="created", resourceiconresponse="icon", string="id name"
)
OS_MAPPING = Response(
    "guestosmapping",
    string="hypervisor hypervisorversion id isuserdefined osdisplayname osnameforhypervisor ostypeid",
)
GUEST_NAME = Response("guestos", string="osdisplayname osnameforhypervisor")
GUEST_NAMES = Response(
    "hypervisorguestosnames",
    integer="guestoscount",
    string="hypervisor hypervisorversion",
    nested={"guestoslist": ("list", GUEST_NAME)},
    words={"guestoslist": "The guests"},
)


@OS_TYPE.presents
def present_os_types(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """OS types with their categories."""
    return [
        shown(
            id=row["uuid"],
            name=row["short_name"] or row["name"],
            oscategoryid=row["category_uuid"],
            oscategoryname=row["category_name"],
            description=row["name"],
            isuserdefined=row["user_defined"],
            fordisplay=row["for_display"],
        )
        for row in ostype.page(ctx, ids)
    ]


@OS_CATEGORY.presents
def present_categories(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Categories of OS types."""
    return [
        shown(id=row["uuid"], name=row["name"], isfeatured=row["featured"], created=to_wire(row["created"]))
        for row in ostype.categories(ctx, ids)
    ]


@OS_MAPPING.presents
def present_mappings(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """What hypervisors call OS types."""
    return [
        {
            "id": row["uuid"],
            "hypervisor": row["hypervisor"],
            "hypervisorversion": row["hypervisor_version"],
            "ostypeid": row["os_uuid"],
            "osdisplayname": row["os_name"],
            "osnameforhypervisor": row["hypervisor_name"],
            "isuserdefined": "true" if row["user_defined"] else "false",
        }
        for row in guestosmapping.page(ctx, ids)
    ]
