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

TRAFFIC_TYPE = Response(
    "traffictype",
    string="hypervnetworklabel id kvmnetworklabel ovm3networklabel physicalnetworkid traffictype "
    "vmwarenetworklabel xennetworklabel",
)
#: What listTrafficTypes is declared to answer on the reference: the fields of a provider. It answers traffic types.
LISTED_TRAFFIC_TYPE = Response(
    "traffictype",
    boolean="canenableindividualservice",
    list="servicelist",
    string="destinationphysicalnetworkid id name physicalnetworkid state",
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
            domainid=row["domain_uuid"],
            networkspeed=row["speed"],
            tags=row["tags"],
        )
        for row, vlans in physicalnetwork.page(ctx, ids)
    ]


@TRAFFIC_TYPE.presents
def present_types(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Traffic types with their labels."""
    return [
        shown(
            id=row["uuid"],
            traffictype=row["type"],
            physicalnetworkid=row["network_uuid"],
            **{f"{kind}networklabel": label for kind, label in row["labels"].items()},
        )
        for row in physicalnetwork.types(ctx, ids)
    ]
