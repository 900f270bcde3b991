"""Zones."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, ListCommand
from cloudsim.api.params import Given, boolean, integer, mapping, ref, refs, string, strings
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.zone import ZONE
from cloudsim.core.errors import InvalidValue
from cloudsim.services import zone
from cloudsim.services.context import Context
from cloudsim.services.nouns import DOMAIN
from cloudsim.services.nouns import ZONE as ZONE_NOUN

_STATES = ("Enabled", "Disabled")


class ListZones(
    ListCommand,
    name="listZones",
    response=ZONE,
    cached=frozenset({"zone", "domain", "tag", "cluster", "dedicated_resource", "resource_icon"}),
):
    """Lists zones."""

    id = ref(ZONE_NOUN)
    ids = refs(ZONE_NOUN, since="4.19.0")
    name = string()
    available = boolean("True: also zones that are disabled, for users who own machines in them")
    domainid = ref(DOMAIN, "Only zones dedicated to this domain, and those open to all")
    networktype = string(values=("Basic", "Advanced"))
    showcapacities = boolean("Whether the capacities of each zone are told as well")
    showicon = boolean()
    storageaccessgroup = string(since="4.21.0")
    tags = mapping(since="4.3")

    @classmethod
    def keeps(cls, parameters: Given) -> bool:
        return "showcapacities" not in parameters

    def run(self, ctx: Context) -> Body:
        found = zone.search(
            ctx,
            self.paging(ctx),
            self.tags,
            id=self.id,
            ids=self.ids,
            name=self.name,
            domain=self.domainid,
            networktype=self.networktype,
            keyword=self.keyword,
            available=self.available,
        )
        body = self.answer(ctx, found)
        if self.showcapacities:
            zone.add_capacities(ctx, body.get("zone", []))
        return body


class CreateZone(Command, name="createZone", response=ZONE, event="ZONE.CREATE"):
    """Makes a zone. It is disabled until it has what machines need."""

    dns1 = string(required=True)
    internaldns1 = string(required=True)
    name = string(required=True)
    networktype = string(required=True, values=("Basic", "Advanced"))
    allocationstate = string(values=_STATES)
    dns2 = string()
    domain = string("The DNS domain of networks in it")
    domainid = ref(DOMAIN, "The domain that it is dedicated to")
    guestcidraddress = string()
    internaldns2 = string()
    ip6dns1 = string()
    ip6dns2 = string()
    isedge = boolean("Whether it is an edge zone, which has no system machines", since="4.18.0")
    localstorageenabled = boolean()
    securitygroupenabled = boolean()
    storageaccessgroups = strings("Groups of storage: there are no such groups here", since="4.21.0")

    def run(self, ctx: Context) -> Body:
        if self.isedge and self.networktype == "Basic":
            raise InvalidValue("an edge zone is of the type Advanced")
        made = zone.create(
            ctx,
            name=self.name,
            network_type=self.networktype,
            type="Edge" if self.isedge else "Core",
            security_groups=bool(self.securitygroupenabled),
            local_storage=bool(self.localstorageenabled),
            allocation_state=self.allocationstate or "Disabled",
            dns1=self.dns1,
            dns2=self.dns2,
            internal_dns1=self.internaldns1,
            internal_dns2=self.internaldns2,
            ip6dns1=self.ip6dns1,
            ip6dns2=self.ip6dns2,
            guest_cidr=self.guestcidraddress,
            domain=self.domain,
            owner=self.domainid,
        )
        return {"zone": ctx.present("zone", made)[0]}


class UpdateZone(Command, name="updateZone", response=ZONE, event="ZONE.EDIT"):
    """Changes a zone, or enables and disables it."""

    id = ref(ZONE_NOUN, required=True)
    allocationstate = string(values=_STATES)
    details = mapping()
    dhcpprovider = string("Who gives addresses to guests: VirtualRouter", values=("VirtualRouter", "ConfigDrive"))
    dns1 = string()
    dns2 = string()
    dnssearchorder = strings("The order in which DNS domains are looked through: kept with the zone's details")
    domain = string("The DNS domain of networks in it")
    guestcidraddress = string()
    internaldns1 = string()
    internaldns2 = string()
    ip6dns1 = string()
    ip6dns2 = string()
    ispublic = boolean("True: it is no longer dedicated to a domain")
    localstorageenabled = boolean()
    name = string()
    sortkey = integer()

    def run(self, ctx: Context) -> Body:
        order = {"dnssearchorder": ",".join(self.dnssearchorder)} if self.dnssearchorder else {}
        zone.update(
            ctx,
            self.id,
            name=self.name,
            public=self.ispublic,
            details={**(self.details or {}), **order},
            allocation_state=self.allocationstate,
            dhcp_provider=self.dhcpprovider,
            dns1=self.dns1,
            dns2=self.dns2,
            internal_dns1=self.internaldns1,
            internal_dns2=self.internaldns2,
            ip6dns1=self.ip6dns1,
            ip6dns2=self.ip6dns2,
            guest_cidr=self.guestcidraddress,
            domain=self.domain,
            local_storage=self.localstorageenabled,
            sort_key=self.sortkey,
        )
        return {"zone": ctx.present("zone", self.id["id"])[0]}


class DeleteZone(Command, name="deleteZone", response=SUCCESS, event="ZONE.DELETE"):
    """Removes a zone that is empty."""

    id = ref(ZONE_NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        zone.delete(ctx, self.id)
        return {"success": True}
