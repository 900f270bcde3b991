"""Networks."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command, OwnedList
from cloudsim.api.params import boolean, integer, long, ref, string, strings
from cloudsim.api.params import uuid as uuid_param
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.network import NETWORK
from cloudsim.core.errors import BadParameter, InvalidValue
from cloudsim.services import access, network_create, network_delete, network_list, network_restart, network_update
from cloudsim.services.context import Context
from cloudsim.services.nouns import DOMAIN, NETWORK_OFFERING, PHYSICAL_NETWORK, PROJECT, ZONE
from cloudsim.services.nouns import NETWORK as NETWORK_NOUN


class ListNetworks(OwnedList, name="listNetworks", response=NETWORK):
    """Lists networks."""

    acltype = string("Account, or Domain: those for all accounts of a domain", values=("Account", "Domain"))
    associatednetworkid = uuid_param("Only those that belong to this one: none of this server's does", since="4.17.0")
    canusefordeploy = boolean("Whether virtual machines can be deployed in it")
    displaynetwork = boolean(since="4.4", admin=True)
    forvpc = boolean("Whether it is a tier of a VPC: none of this server's is")
    id = ref(NETWORK_NOUN)
    issystem = boolean("Whether it is one of the cloud's own networks")
    name = string(since="4.22.0")
    networkfilter = string("Whose networks: " + ", ".join(network_list.FILTERS), since="4.17.0")
    networkofferingid = ref(NETWORK_OFFERING)
    physicalnetworkid = ref(PHYSICAL_NETWORK)
    restartrequired = boolean()
    retrieveonlyresourcecount = boolean("Whether only the number of networks is told")
    showicon = boolean()
    specifyipranges = boolean()
    supportedservices = strings("Only those whose offering has all of these services")
    traffictype = string()
    type = string("Isolated, Shared or L2")
    vlan = string(since="4.17.0")
    vpcid = uuid_param("Only the tiers of this VPC: this server has none")
    zoneid = ref(ZONE)

    def run(self, ctx: Context) -> Body:
        number = None
        if self.vlan is not None:
            text = self.vlan.lower().removeprefix("vlan://")
            number = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else -1
        body = self.answer(
            ctx,
            network_list.search(
                ctx,
                self.paging(ctx),
                self.scope(ctx, by_id=self.id is not None),
                self.tags,
                which=self.networkfilter,
                services=self.supportedservices or (),
                can_use=self.canusefordeploy,
                keyword=self.keyword,
                id=self.id["id"] if self.id else None,
                name=self.name,
                acltype=self.acltype.lower() if self.acltype else None,
                display=self.displaynetwork if ctx.caller.is_admin else True,
                system=self.issystem,
                offering=self.networkofferingid["id"] if self.networkofferingid else None,
                physical=self.physicalnetworkid["id"] if self.physicalnetworkid else None,
                restart=self.restartrequired,
                ranges=self.specifyipranges,
                traffic=self.traffictype.lower() if self.traffictype else None,
                type=self.type.lower() if self.type else None,
                vlan=number,
                vpc=self.forvpc,
                zone=self.zoneid["id"] if self.zoneid else None,
                none=True if self.vpcid or self.associatednetworkid else None,
            ),
        )
        if self.retrieveonlyresourcecount:
            return {"count": body["count"]} if body else {}
        return body


class CreateNetwork(Command, name="createNetwork", response=NETWORK, event="NETWORK.CREATE"):
    """Makes a network."""

    name = string(required=True)
    networkofferingid = ref(NETWORK_OFFERING, required=True)
    zoneid = ref(ZONE, required=True)
    account = string()
    aclid = uuid_param("A network ACL, for tiers of VPCs: this server has none")
    acltype = string("Account, or Domain: for all accounts of the domain", values=("Account", "Domain"))
    asnumber = long("Its AS number, for networks with dynamic routing: this server has none", since="4.20.0")
    associatednetworkid = uuid_param("The isolated network a shared one belongs to: not had here", since="4.17.0")
    bgppeerids = strings("BGP peers, for networks with dynamic routing: this server has none", since="4.20.0")
    bypassvlanoverlapcheck = boolean("Whether its VLAN may be that of another network")
    cidrsize = integer("Prefix length of a routed network: this server has none", since="4.20.0")
    displaynetwork = boolean(admin=True)
    displaytext = string()
    dns1 = string(since="4.18.0")
    dns2 = string(since="4.18.0")
    domainid = ref(DOMAIN)
    endip = string()
    endipv6 = string("Last address of its IPv6 range: networks have no IPv6 here")
    externalid = string("Its id in a system outside the cloud")
    gateway = string()
    hideipaddressusage = boolean("Whether its addresses are left out of usage records")
    ip6cidr = string("Its IPv6 CIDR: networks have no IPv6 here")
    ip6dns1 = string("An IPv6 name server: networks have no IPv6 here", since="4.18.0")
    ip6dns2 = string("An IPv6 name server: networks have no IPv6 here", since="4.18.0")
    ip6gateway = string("Its IPv6 gateway: networks have no IPv6 here")
    isolatedpvlan = string("Its private VLAN: not had here")
    isolatedpvlantype = string("The type of its private VLAN: not had here")
    netmask = string()
    networkdomain = string()
    physicalnetworkid = ref(PHYSICAL_NETWORK)
    privatemtu = integer(since="4.18.0")
    projectid = ref(PROJECT)
    publicmtu = integer(since="4.18.0")
    routerip = string("Address of the router of a shared network, where it shall not be any", since="4.16")
    routeripv6 = string("IPv6 address of the router of a shared network: not had here", since="4.16")
    sourcenatipaddress = string("The public address for its source NAT", since="4.19")
    startip = string()
    startipv6 = string("First address of its IPv6 range: networks have no IPv6 here")
    subdomainaccess = boolean("Whether a network for a domain is for those below it as well")
    tungstenvirtualrouteruuid = string("A Tungsten Fabric router: this server has none")
    vlan = string()
    vpcid = uuid_param("The VPC it is a tier of: this server has none")

    def run(self, ctx: Context) -> Body:
        for value, what in (
            (self.vpcid, "VPC"),
            (self.aclid, "network ACL"),
            (self.associatednetworkid, "network to associate"),
        ):
            if value is not None:
                raise BadParameter(f"there is no {what} with id {value}")
        for name in (
            "asnumber", "bgppeerids", "cidrsize", "endipv6", "ip6cidr", "ip6dns1", "ip6dns2", "ip6gateway",
            "isolatedpvlan", "isolatedpvlantype", "routeripv6", "startipv6", "tungstenvirtualrouteruuid",
        ):  # fmt: skip
            if getattr(self, name):
                raise InvalidValue(f"{name}: networks of this server have nothing of the kind")
        made = network_create.create(
            ctx,
            account=access.account_of(ctx, self.domainid, self.account, self.projectid)
            if self.account or self.acltype != "Domain"
            else access.account_of(ctx, None, None),
            domain=self.domainid if self.acltype == "Domain" else None,
            zone=self.zoneid,
            offered=self.networkofferingid,
            physical=self.physicalnetworkid,
            name=self.name,
            display_text=self.displaytext,
            gateway=self.gateway,
            netmask=self.netmask,
            start=self.startip,
            end=self.endip,
            vlan=self.vlan,
            bypass_overlap=bool(self.bypassvlanoverlapcheck),
            network_domain=self.networkdomain,
            acl_type=self.acltype,
            subdomain_access=self.subdomainaccess,
            display=self.displaynetwork is not False,
            dns1=self.dns1,
            dns2=self.dns2,
            public_mtu=self.publicmtu,
            private_mtu=self.privatemtu,
            hide_address_usage=bool(self.hideipaddressusage),
            external_id=self.externalid,
            source_nat=self.sourcenatipaddress,
            router_ip=self.routerip,
        )
        return {"network": ctx.present("network", made["id"])[0]}


class UpdateNetwork(AsyncCommand, name="updateNetwork", response=NETWORK, event="NETWORK.UPDATE"):
    """Changes a network."""

    id = ref(NETWORK_NOUN, required=True)
    changecidr = boolean("Without effect: a new offering never changes the CIDR here")
    customid = string("A uuid of the caller's choice", since="4.4", admin=True)
    displaynetwork = boolean(admin=True)
    displaytext = string()
    dns1 = string(since="4.18.0")
    dns2 = string(since="4.18.0")
    forced = boolean("Without effect: nothing of this server's needs it")
    guestvmcidr = string("The part of it that machines get addresses from; the rest is reserved")
    hideipaddressusage = boolean("Whether its addresses are left out of usage records")
    ip6dns1 = string("An IPv6 name server: networks have no IPv6 here", since="4.18.0")
    ip6dns2 = string("An IPv6 name server: networks have no IPv6 here", since="4.18.0")
    name = string()
    networkdomain = string()
    networkofferingid = ref(NETWORK_OFFERING)
    privatemtu = integer(since="4.18.0")
    publicmtu = integer(since="4.18.0")
    sourcenatipaddress = string("The public address for its source NAT", since="4.19")
    updateinsequence = boolean("Without effect: where routers must change, all are made anew at once")

    def run(self, ctx: Context) -> Body:
        if self.ip6dns1 or self.ip6dns2:
            raise InvalidValue("the network has no IPv6: leave ip6dns1 and ip6dns2 out")
        return {
            "jobid": network_update.update(
                ctx,
                self.id,
                offered=self.networkofferingid,
                guest_cidr=self.guestvmcidr,
                hide_address_usage=self.hideipaddressusage,
                source_nat=self.sourcenatipaddress,
                public_mtu=self.publicmtu,
                private_mtu=self.privatemtu,
                network_domain=self.networkdomain,
                name=self.name,
                display_text=self.displaytext,
                display=self.displaynetwork,
                dns1=self.dns1,
                dns2=self.dns2,
                uuid=access.custom_id(self.customid),
            )
        }


class DeleteNetwork(AsyncCommand, name="deleteNetwork", response=SUCCESS, event="NETWORK.DELETE"):
    """Deletes a network that has no virtual machines."""

    id = ref(NETWORK_NOUN, required=True)
    forced = boolean("Without effect: nothing holds a network here but its virtual machines", admin=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": network_delete.delete(ctx, self.id, forced=bool(self.forced))}


class RestartNetwork(AsyncCommand, name="restartNetwork", response=SUCCESS, event="NETWORK.RESTART"):
    """Makes a network anew."""

    id = ref(NETWORK_NOUN, required=True)
    cleanup = boolean("Whether its routers are made anew")
    livepatch = boolean("Whether its routers only get the software of now, while they run", since="4.17.0")
    makeredundant = boolean("Whether it gets a second router; its routers are made anew then", since="4.11.1")

    def run(self, ctx: Context) -> Body:
        return {
            "jobid": network_restart.restart(
                ctx,
                self.id,
                cleanup=bool(self.cleanup),
                redundant=bool(self.makeredundant),
                live=bool(self.livepatch),
            )
        }
