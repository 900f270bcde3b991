"""Physical networks, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, shown
from cloudsim.services import physicalnetwork
from cloudsim.services.context import Context

PHYSICAL_NETWORK = Response(
    "physicalnetwork",
    string="broadcastdomainrange domainid id isolationmethods name networkspeed state tags vlan zoneid zonename",
)


@PHYSICAL_NETWORK.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Physical networks with their VLANs."""
    return [
        shown(
            id=row["uuid"],
            name=row["name"],
            broadcastdomainrange="ZONE",
            zoneid=row["zone_uuid"],
            zonename=row["zone_name"],
            state=row["state"],
            vlan=vlans,
            isolationmethods=row["isolation_methods"],
            networkspeed=row["speed"],
            tags=row["tags"],
        )
        for row, vlans in physicalnetwork.page(ctx, ids)
    ]
