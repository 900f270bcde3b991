"""Secondary addresses of network cards, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, shown
from cloudsim.services import nic_secondary
from cloudsim.services.context import Context

SECONDARY_IP = Response("nicsecondaryip", string="id ipaddress networkid nicid virtualmachineid", list="secondaryip")


@SECONDARY_IP.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Secondary addresses with their cards and networks."""
    return [
        shown(id=row["uuid"], ipaddress=row["ip"], nicid=row["nic_uuid"], networkid=row["network_uuid"])
        for row in nic_secondary.page(ctx, ids)
    ]
