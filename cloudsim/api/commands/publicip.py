"""Public addresses."""

from __future__ import annotations

from cloudsim.api.command import Body, OwnedList
from cloudsim.api.params import boolean, ref, string
from cloudsim.api.params import uuid as uuid_param
from cloudsim.api.responses.publicip import PUBLIC_IP
from cloudsim.services import access, publicip
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, NETWORK, PHYSICAL_NETWORK, ZONE
from cloudsim.services.nouns import PUBLIC_IP as NOUN


class ListPublicIpAddresses(OwnedList, name="listPublicIpAddresses", response=PUBLIC_IP):
    """Lists public addresses."""

    allocatedonly = boolean(
        "Whether only addresses in use are listed (true if not said), else also free ones one may have"
    )
    associatednetworkid = ref(NETWORK, "Only those used for this network")
    fordisplay = boolean(since="4.4", admin=True)
    forloadbalancing = boolean("Whether it has load balancer rules")
    forprovider = boolean("Whether it is for an outside network provider: none of this server's is", since="4.21.0")
    forsystemvms = boolean("Whether it is kept for system virtual machines", since="4.20.0")
    forvirtualnetwork = boolean("True: addresses for networks with VLANs; false: those of shared networks")
    id = ref(NOUN)
    ipaddress = string()
    issourcenat = boolean()
    isstaticnat = boolean()
    networkid = ref(NETWORK, "Only those of this network", since="4.13.0")
    physicalnetworkid = ref(PHYSICAL_NETWORK)
    retrieveonlyresourcecount = boolean("Whether only the number of addresses is told")
    state = string()
    vlanid = uuid_param()
    vpcid = uuid_param("Only those of this VPC: this server has none")
    zoneid = ref(ZONE)

    def run(self, ctx: Context) -> Body:
        every = self.allocatedonly is False or (self.state or "").lower() == "free"
        network = self.associatednetworkid or self.networkid
        if self.associatednetworkid and self.networkid and self.associatednetworkid["id"] != self.networkid["id"]:
            return {}
        scope = self.scope(ctx, by_id=self.id is not None)
        if every and scope.kind == "account":
            admin = ctx.caller.is_admin and not (self.account or self.projectid)
            owner = access.row(ctx, ACCOUNT, scope.values["scope_account"])
            scope = access.EVERYTHING if admin else publicip.available(ctx, self.zoneid, owner)
        elif every and scope.kind == "all":
            scope = access.EVERYTHING
        given = {
            "keyword": self.keyword,
            "id": self.id["id"] if self.id else None,
            "address": self.ipaddress,
            "allocated": None if every or self.state else True,
            "state": self.state.lower() if self.state else None,
            "zone": self.zoneid["id"] if self.zoneid else None,
            "network": network["id"] if network else None,
            "physical": self.physicalnetworkid["id"] if self.physicalnetworkid else None,
            "sourcenat": self.issourcenat,
            "staticnat": self.isstaticnat,
            "display": self.fordisplay if ctx.caller.is_admin else True,
            "systemvms": self.forsystemvms,
            "virtual": True if self.forvirtualnetwork else None,
            "direct": True if self.forvirtualnetwork is False else None,
            "vlan": self.vlanid,
            "balanced": True if self.forloadbalancing else None,
            "unbalanced": True if self.forloadbalancing is False else None,
            "none": True if self.vpcid or self.forprovider else None,
        }
        tags = [(str(key), str(value)) for key, value in (self.tags or {}).items()]
        found = publicip.LISTING.page(ctx, given, self.paging(ctx), scope, tags)
        return self.body([], found[1]) if self.retrieveonlyresourcecount else self.answer(ctx, found)
