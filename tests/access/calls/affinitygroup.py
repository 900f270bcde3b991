"""Affinity groups, and which of them machines are in."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing

from cloudsim.db import schema


@thing("affinitygroup")
async def _affinity_group(cast: Cast, **owner: Any) -> str:
    return await cast.insert(
        schema.affinity_group,
        **cast.owned(owner),
        name="apart",
        type="host anti-affinity",
        acl_type="Account",
        subdomain_access=False,
    )


STOPPED = "UPDATE vm SET state = 'Stopped' WHERE uuid = :id"

ROWS = [
    Row("createAffinityGroup", name="made", type="host anti-affinity"),
    Row("deleteAffinityGroup", "affinitygroup"),
    Row("listAffinityGroups", "affinitygroup"),
    Row("listAffinityGroupTypes", spread=False),
    Row("updateVMAffinityGroup", "virtualmachine", affinitygroupids="@affinitygroup", given=STOPPED),
    Row("explainVirtualMachinePlacement", "virtualmachine", by="virtualmachineid"),
]
