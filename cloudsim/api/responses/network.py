"""Networks, as clients read them."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, owner, shown
from cloudsim.api.responses.tag import TAG, tags
from cloudsim.core.caller import domain_path_text
from cloudsim.core.clock import to_wire
from cloudsim.services import lb_capability, network_list
from cloudsim.services.context import Context, Row

SERVICE = Response("service", string="name", list="capability provider")
NETWORK = Response(
    "network",
    boolean="canusefordeploy displaynetwork egressdefaultpolicy hasannotations isdefault ispersistent issystem "
    "networkofferingconservemode redundantrouter restartrequired specifyipranges specifyvlan "
    "strechedl2subnet subdomainaccess supportsvmautoscaling",
    date="created",
    integer="privatemtu publicmtu",
    long="asnumber receivedbytes sentbytes",
    map="details",
    resourceiconresponse="icon",
    set="bgppeers ip4routes ip6routes zonesnetworkspans",
    string="account aclid aclname acltype asnumberid associatednetwork associatednetworkid broadcastdomaintype "
    "broadcasturi cidr displaytext dns1 dns2 domain domainid domainpath externalid gateway id "
    "internetprotocol ip4routing ip6cidr ip6dns1 ip6dns2 ip6gateway ip6routing name netmask networkcidr "
    "networkdomain networkofferingavailability networkofferingdisplaytext networkofferingid "
    "networkofferingname physicalnetworkid project projectid related reservediprange state traffictype "
    "tungstenvirtualrouteruuid type vlan vpcid vpcname zoneid zonename",
    nested={"service": ("list", SERVICE), "tags": ("list", TAG)},
)


@NETWORK.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Networks; VLANs and physical networks are told to root admins only."""
    return [_network(ctx, *found) for found in network_list.page(ctx, ids)]


def _network(ctx: Context, row: Row, tag_rows: list[Row], details: dict[str, str]) -> Object:
    full = ctx.caller.is_admin
    names = {service["name"] for service in row["offering_services"]}
    return shown(
        id=row["uuid"],
        name=row["name"],
        displaytext=row["display_text"],
        broadcastdomaintype="Vlan",
        traffictype=row["traffic_type"],
        gateway=row["gateway"],
        netmask=row["netmask"],
        cidr=row["cidr"],
        **_reservation(row),
        zoneid=row["zone_uuid"],
        zonename=row["zone_name"],
        networkofferingid=row["offering_uuid"],
        networkofferingname=row["offering_name"],
        networkofferingdisplaytext=row["offering_display_text"],
        networkofferingconservemode=row["offering_conserve_mode"],
        networkofferingavailability=row["offering_availability"],
        issystem=row["is_system"],
        state=row["state"],
        related=row["uuid"],
        broadcasturi=row["broadcast_uri"] if full else None,
        dns1=row["dns1"] or row["zone_dns1"],
        dns2=row["dns2"] or row["zone_dns2"],
        type=row["guest_type"],
        vlan=str(row["vlan"]) if full and row["vlan"] is not None else None,
        acltype=row["acl_type"],
        subdomainaccess=row["subdomain_access"] if row["acl_type"] == "Domain" else None,
        **owner(row),
        domainid=row["domain_uuid"],
        domain=row["domain_name"],
        domainpath=domain_path_text(row["domain_path"]),
        service=lb_capability.shown(row["offering_services"]),
        networkdomain=row["network_domain"],
        physicalnetworkid=row["physical_uuid"] if full else None,
        restartrequired=row["restart_required"],
        specifyvlan=row["offering_specify_vlan"],
        specifyipranges=row["specify_ip_ranges"],
        canusefordeploy=row["traffic_type"] == "Guest",
        ispersistent=row["offering_is_persistent"],
        tags=tags(tag_rows, "Network", row["uuid"]),
        details={name: value for name, value in details.items() if name != "externalid"},
        externalid=details.get("externalid"),
        displaynetwork=row["display"] if full else None,
        strechedl2subnet=False,
        redundantrouter=row["redundant"],
        supportsvmautoscaling="Lb" in names,
        created=to_wire(row["created"]),
        receivedbytes=0,
        sentbytes=0,
        egressdefaultpolicy=row["offering_egress_default_allow"],
        publicmtu=row["public_mtu"] or 1500,
        privatemtu=row["private_mtu"] or 1500,
        internetprotocol=row["offering_internet_protocol"],
        hasannotations=ctx.annotated(row["uuid"]),
    )


def _reservation(row: Row) -> Object:
    """The whole network and the part machines do not get, where it has one."""
    if row["cidr"] is None or row["gateway"] is None or row["netmask"] is None:
        return {}
    whole = ipaddress.IPv4Network(f"{row['gateway']}/{row['netmask']}", strict=False)
    part = ipaddress.IPv4Network(row["cidr"], strict=False)
    if part == whole:
        return {}
    first, last = whole[1], whole[-2]
    ranges = []
    if part[0] > first:
        ranges.append(f"{first}-{part[0]}")
    if part[-1] < last:
        ranges.append(f"{part[-1]}-{last}")
    return {"networkcidr": str(whole), "reservediprange": ",".join(ranges)}
