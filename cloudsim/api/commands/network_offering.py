"""Network offerings."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, ListCommand
from cloudsim.api.params import boolean, integer, mapping, mappings, ref, refs, string, strings
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.network_offering import NETWORK_OFFERING, NETWORK_SERVICE, service
from cloudsim.core.errors import BadParameter, InvalidValue
from cloudsim.services import network_offering, offering
from cloudsim.services.context import Context
from cloudsim.services.listing import has_keyword
from cloudsim.services.nouns import DOMAIN, NETWORK, SERVICE_OFFERING, ZONE
from cloudsim.services.nouns import NETWORK_OFFERING as NOUN


class ListNetworkOfferings(ListCommand, name="listNetworkOfferings", response=NETWORK_OFFERING):
    """Lists network offerings."""

    availability = string(values=(*network_offering.AVAILABILITY, "Unavailable"))
    displaytext = string()
    domainid = ref(DOMAIN, "Only those this domain can use", since="4.13")
    forvpc = boolean("Whether it is for tiers of VPCs")
    guestiptype = string(values=network_offering.GUEST_TYPES)
    id = ref(NOUN)
    isdefault = boolean("Whether it is one of the cloud's own")
    istagged = boolean("Whether it has tags")
    name = string()
    networkid = ref(NETWORK, "Only those that this network could change to")
    routingmode = string("Only those with this kind of routing: none of this server's has any", since="4.20.0")
    sourcenatsupported = boolean("Whether it has source NAT")
    specifyipranges = boolean()
    specifyvlan = boolean()
    state = string()
    supportedservices = strings("Only those that have all of these services")
    tags = string("Only those with this tag", length=4096)
    traffictype = string()
    zoneid = ref(ZONE)

    def run(self, ctx: Context) -> Body:
        return self.answer(
            ctx,
            network_offering.search(
                ctx,
                self.paging(ctx),
                domain=self.domainid,
                zone=self.zoneid,
                network=self.networkid,
                services=self.supportedservices or (),
                source_nat=self.sourcenatsupported,
                tagged=self.istagged,
                tags=self.tags,
                displaytext=self.displaytext,
                keyword=self.keyword,
                id=self.id["id"] if self.id else None,
                name=self.name,
                availability=self.availability.lower() if self.availability else None,
                vpc=self.forvpc,
                guest=self.guestiptype.lower() if self.guestiptype else None,
                default=self.isdefault,
                ranges=self.specifyipranges,
                specifyvlan=self.specifyvlan,
                state=self.state.lower() if self.state else None,
                traffic=self.traffictype.lower() if self.traffictype else None,
                none=True if self.routingmode else None,
            ),
        )


class CreateNetworkOffering(
    Command,
    name="createNetworkOffering",
    response=NETWORK_OFFERING,
    event="NETWORK.OFFERING.CREATE",
    since="3.0.0",
):
    """Makes a network offering."""

    guestiptype = string(required=True, values=network_offering.GUEST_TYPES)
    name = string(required=True)
    traffictype = string(required=True)
    availability = string(values=network_offering.AVAILABILITY)
    conservemode = boolean()
    details = mapping(since="4.2.0")
    displaytext = string()
    domainid = refs(DOMAIN, "The domains that may use it, with those below them; all if none is given")
    egressdefaultpolicy = boolean()
    enable = boolean("Whether it is enabled at once (disabled if not said)", since="4.16")
    fornsx = boolean("Whether it is for NSX: not had here", since="4.20.0")
    fortungsten = boolean("Whether it is for Tungsten Fabric: not had here")
    forvpc = boolean("Whether it is for tiers of VPCs")
    internetprotocol = string("IPv4; networks have no IPv6 here", values=("IPv4",), since="4.17.0")
    ispersistent = boolean()
    keepaliveenabled = boolean("Without effect: there are no load balancers yet")
    maxconnections = integer("Without effect: there are no load balancers yet")
    networkmode = string("How it reaches other networks", values=("NATTED",), since="4.20.0")
    networkrate = integer()
    nsxsupportlb = boolean("Without effect: there is no NSX here", since="4.20.0")
    nsxsupportsinternallb = boolean("Without effect: there is no NSX here", since="4.20.0")
    provider = string("An outside network provider: there is none here", since="4.21.0")
    routingmode = string("The routing of a routed network: not had here", since="4.20.0")
    servicecapabilitylist = mappings("What services are told: service, capabilitytype, capabilityvalue")
    serviceofferingid = ref(SERVICE_OFFERING)
    serviceproviderlist = mappings("Who provides a service: service, provider")
    specifyasnumber = boolean("Whether AS numbers are chosen: not had here", since="4.20.0")
    specifyipranges = boolean()
    specifyvlan = boolean()
    supportedservices = strings("The services of its networks")
    tags = string("Tags of the physical networks it can be used on", length=4096)
    zoneid = refs(ZONE, "The zones it can be used in; all if none is given", since="4.13")

    def run(self, ctx: Context) -> Body:
        for name in ("fornsx", "fortungsten", "provider", "routingmode", "specifyasnumber"):
            if getattr(self, name):
                raise InvalidValue(f"{name}: networks of this server have nothing of the kind")
        made = network_offering.create(
            ctx,
            self.name,
            display_text=self.displaytext,
            guest_type=self.guestiptype,
            traffic_type=self.traffictype,
            services=self.supportedservices or (),
            providers=self.serviceproviderlist or (),
            capabilities=self.servicecapabilitylist or (),
            availability=self.availability,
            specify_vlan=bool(self.specifyvlan),
            specify_ip_ranges=bool(self.specifyipranges),
            router=self.serviceofferingid,
            tags=self.tags,
            enable=bool(self.enable),
            network_rate=self.networkrate,
            places=offering.limited_to(ctx, self.domainid, self.zoneid),
            shown={
                "fornsx": False,
                "fortungsten": False,
                "supportsstrechedl2subnet": False,
                "supportspublicaccess": False,
                "supportsinternallb": False,
                "specifyasnumber": False,
                **({"networkmode": self.networkmode} if self.networkmode else {}),
                **({"details": self.details} if self.details else {}),
            },
            conserve_mode=self.conservemode is not False,
            for_vpc=bool(self.forvpc),
            is_persistent=bool(self.ispersistent),
            egress_default_allow=bool(self.egressdefaultpolicy),
            strict_ip_allocation=False,
            internet_protocol=self.internetprotocol or "IPv4",
        )
        return {"networkoffering": ctx.present("networkoffering", made)[0]}


class UpdateNetworkOffering(
    Command, name="updateNetworkOffering", response=NETWORK_OFFERING, event="NETWORK.OFFERING.EDIT"
):
    """Changes a network offering."""

    availability = string(values=network_offering.AVAILABILITY)
    displaytext = string()
    domainid = string("The domains that may use it from now on, or public for all")
    id = ref(NOUN)
    keepaliveenabled = boolean("Without effect: there are no load balancers yet")
    maxconnections = integer("Without effect: there are no load balancers yet")
    name = string()
    sortkey = integer()
    state = string(values=network_offering.STATES)
    tags = string("Tags of the physical networks it can be used on", length=4096, blank=True)
    zoneid = string("The zones it can be used in from now on, or all", length=4096, since="4.13")

    def run(self, ctx: Context) -> Body:
        if self.id is None:
            raise BadParameter("parameter id is missing")
        network_offering.update(
            ctx,
            self.id,
            tags=self.tags,
            name=self.name,
            display_text=self.displaytext,
            availability=self.availability,
            sort_key=self.sortkey,
            state=self.state,
            **offering.changed_places(ctx, self.domainid, self.zoneid),
        )
        return {"networkoffering": ctx.present("networkoffering", self.id["id"])[0]}


class DeleteNetworkOffering(
    Command, name="deleteNetworkOffering", response=SUCCESS, event="NETWORK.OFFERING.DELETE", since="3.0.0"
):
    """Deletes a network offering that no network has."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        network_offering.remove(ctx, self.id)
        return {"success": True}


class ListSupportedNetworkServices(
    ListCommand, name="listSupportedNetworkServices", response=NETWORK_SERVICE, since="3.0.0"
):
    """Lists the services networks can have, and who provides them."""

    provider = string("Only the services of this provider")
    service = string("Only this service")

    def run(self, ctx: Context) -> Body:
        page = self.paging(ctx)
        found = [
            one
            for one in network_offering.supported(self.service, self.provider)
            if has_keyword(self.keyword, one["name"])
        ]
        return self.body([service(one) for one in found[page.offset : page.offset + page.limit]], len(found))
