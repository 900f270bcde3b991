"""Providers of network services and their elements, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, shown
from cloudsim.services import networkprovider
from cloudsim.services.context import Context

PROVIDER = Response(
    "networkserviceprovider",
    boolean="canenableindividualservice",
    list="servicelist",
    string="destinationphysicalnetworkid id name physicalnetworkid state",
)
ROUTER_ELEMENT = Response(
    "virtualrouterelement",
    boolean="enabled",
    string="account domain domainid domainpath id nspid project projectid",
)
LB_ELEMENT = Response("internalloadbalancerelement", boolean="enabled", string="id nspid")


@PROVIDER.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Providers with what they can do."""
    return [
        shown(
            id=row["uuid"],
            name=row["name"],
            physicalnetworkid=row["network_uuid"],
            state=row["state"],
            servicelist=row["services"],
            canenableindividualservice=True,
        )
        for row in networkprovider.page(ctx, ids)
    ]


def _elements(ctx: Context, ids: Sequence[int]) -> list[Object]:
    return [
        {"id": row["uuid"], "nspid": row["provider_uuid"], "enabled": row["enabled"]}
        for row in networkprovider.elements(ctx, ids)
    ]


ROUTER_ELEMENT.presents(_elements)
LB_ELEMENT.presents(_elements)
