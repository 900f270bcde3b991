"""Snapshots of virtual machines, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, owner, shown
from cloudsim.api.responses.tag import tags
from cloudsim.core.caller import domain_path_text
from cloudsim.core.clock import to_wire
from cloudsim.services import vmsnapshot
from cloudsim.services.context import Context

VM_SNAPSHOT = Response(
    "vmSnapshot",
    boolean="current hasannotations",
    date="created",
    set="tags",
    state="state",
    string="account description displayname domain domainid domainpath hypervisor id name parent parentName project "
    "projectid type virtualmachineid virtualmachinename zoneid zonename",
)


@VM_SNAPSHOT.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Snapshots with their machines and owners."""
    return [
        shown(
            id=row["uuid"],
            name=row["name"],
            displayname=row["display_name"],
            description=row["description"],
            state=row["state"],
            type=row["type"],
            current=row["current"],
            parent=row["parent_uuid"],
            parentName=row["parent_name"],
            created=to_wire(row["created"]),
            zoneid=row["zone_uuid"],
            zonename=row["zone_name"],
            virtualmachineid=row["vm_uuid"],
            virtualmachinename=row["vm_display_name"] or row["vm_name"],
            hypervisor=row["hypervisor"],
            **owner(row),
            domainid=row["domain_uuid"],
            domain=row["domain_name"],
            domainpath=domain_path_text(row["domain_path"]),
            tags=tags(found, "VMSnapshot", row["uuid"]),
            hasannotations=ctx.annotated(row["uuid"]),
        )
        for row, found in vmsnapshot.page(ctx, ids)
    ]
