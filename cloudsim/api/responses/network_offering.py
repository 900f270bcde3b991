"""Network offerings and network services, as clients read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudsim.api.responses.base import Object, Response, ordered, shown
from cloudsim.api.responses.network import SERVICE
from cloudsim.core.clock import to_wire
from cloudsim.services import network_offering, offering
from cloudsim.services.context import Context

NETWORK_OFFERING = Response(
    "networkoffering",
    boolean="conservemode egressdefaultpolicy fornsx fortungsten forvpc hasannotations isdefault ispersistent "
    "specifyasnumber specifyipranges specifyvlan supportsinternallb supportspublicaccess "
    "supportsstrechedl2subnet",
    date="created",
    integer="maxconnections networkrate",
    map="details",
    string="availability displaytext domain domainid guestiptype id internetprotocol name networkmode "
    "routingmode serviceofferingid state tags traffictype zone zoneid",
    nested={"service": ("list", SERVICE)},
)
_CAPABILITY = Response("capability", boolean="canchooseservicecapability", string="name value")
_PROVIDER = Response(
    "provider",
    boolean="canenableindividualservice",
    list="servicelist",
    string="destinationphysicalnetworkid id name physicalnetworkid state",
)
NETWORK_SERVICE = Response(
    "networkservice",
    string="name",
    nested={"capability": ("list", _CAPABILITY), "provider": ("list", _PROVIDER)},
)


@NETWORK_OFFERING.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Network offerings; tags of physical networks are told to root admins only."""
    rows = ordered(network_offering.rows(ctx, ids), ids)
    domains, zones = offering.places(ctx, rows)
    return [
        shown(
            id=row["uuid"],
            name=row["name"],
            displaytext=row["display_text"],
            created=to_wire(row["created"]),
            traffictype=row["traffic_type"],
            isdefault=row["is_default"],
            specifyvlan=row["specify_vlan"],
            conservemode=row["conserve_mode"],
            specifyipranges=row["specify_ip_ranges"],
            availability=row["availability"],
            networkrate=row["network_rate"],
            state=row["state"],
            guestiptype=row["guest_type"],
            serviceofferingid=row["router_uuid"],
            service=row["services"],
            forvpc=row["for_vpc"],
            ispersistent=row["is_persistent"],
            egressdefaultpolicy=row["egress_default_allow"],
            tags=",".join(row["tags"]) or None if ctx.caller.is_admin else None,
            internetprotocol=row["internet_protocol"],
            domainid=",".join(uuid for uuid in row["domain_ids"] if uuid in domains) or None,
            domain=",".join(domains[uuid]["name"] for uuid in row["domain_ids"] if uuid in domains) or None,
            zoneid=",".join(uuid for uuid in row["zone_ids"] if uuid in zones) or None,
            zone=",".join(zones[uuid]["name"] for uuid in row["zone_ids"] if uuid in zones) or None,
            **row["shown"],
            hasannotations=ctx.annotated(row["uuid"]),
        )
        for row in rows
    ]


def service(found: Mapping[str, Any]) -> Object:
    """A network service, with who provides it and what it can be told."""
    return {
        "name": found["name"],
        "provider": [{"name": name} for name in found["provider"]],
        "capability": [{"name": name, "canchooseservicecapability": False} for name in found["capability"]],
    }
