"""Ranges of addresses."""

from __future__ import annotations

from typing import Any

from cloudsim.api.command import Body, Command, ListCommand, id_of
from cloudsim.api.params import boolean, ref, string
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.vlaniprange import VLAN
from cloudsim.core.errors import InvalidValue
from cloudsim.services import access, addressing, guest_range, nouns, vlaniprange
from cloudsim.services.context import Context

_IPV6 = "Of its IPv6 addresses: ranges have none here"


def _no_ipv6(command: Any) -> None:
    for name in ("endipv6", "ip6cidr", "ip6gateway", "startipv6"):
        if getattr(command, name) is not None:
            raise InvalidValue("ranges of IPv6 addresses are not had here")


class CreateVlanIpRange(Command, name="createVlanIpRange", response=VLAN, event="VLAN.IP.RANGE.CREATE"):
    """Makes a range of addresses: public ones of a zone, or those of a shared network."""

    account = string("The account that alone gets addresses of it; domainid says in which domain")
    domainid = ref(nouns.DOMAIN, "The domain that alone gets addresses of it")
    endip = string()
    endipv6 = string(_IPV6)
    forsystemvms = boolean("Whether it is kept for the cloud's own machines")
    forvirtualnetwork = boolean("True: public addresses; false, or with networkid or podid: of a shared network")
    gateway = string()
    ip6cidr = string(_IPV6)
    ip6gateway = string(_IPV6)
    netmask = string()
    networkid = ref(nouns.NETWORK, "The shared network it belongs to")
    physicalnetworkid = ref(nouns.PHYSICAL_NETWORK)
    podid = ref(nouns.POD, "The pod of a basic zone whose machines get its addresses")
    projectid = ref(nouns.PROJECT)
    provider = string("Who gives the addresses: this server itself", since="4.21.0")
    startip = string()
    startipv6 = string(_IPV6)
    vlan = string("Its VLAN, or untagged")
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        _no_ipv6(self)
        if self.networkid is not None or self.podid is not None or self.forvirtualnetwork is False:
            return {"vlan": ctx.present("vlan", self._of_network(ctx))[0]}
        zone = self.zoneid
        if zone is None:
            if self.physicalnetworkid is None:
                raise InvalidValue("a range belongs to a zone: give zoneid, or physicalnetworkid")
            zone = access.row(ctx, nouns.ZONE, self.physicalnetworkid["zone_id"])
        if self.account is not None and self.domainid is None:
            raise InvalidValue("account needs the domainid of the domain that it is in")
        made = vlaniprange.create(
            ctx,
            zone=zone,
            network=self.physicalnetworkid,
            gateway=self.gateway,
            netmask=self.netmask,
            start=self.startip,
            end=self.endip,
            tag=self.vlan,
            system=bool(self.forsystemvms),
            account=access.account_of(ctx, self.domainid, self.account, self.projectid)
            if self.account or self.projectid
            else None,
            domain=self.domainid,
        )
        return {"vlan": ctx.present("vlan", made)[0]}

    def _of_network(self, ctx: Context) -> int:
        if self.forvirtualnetwork:
            raise InvalidValue("public addresses (forvirtualnetwork=true) have no networkid and no podid")
        if self.account or self.projectid or self.domainid or self.forsystemvms:
            raise InvalidValue("a range of a shared network is for all its machines")
        return guest_range.create(
            ctx,
            zone=self.zoneid,
            network=self.networkid,
            physical=self.physicalnetworkid,
            pod=self.podid,
            gateway=self.gateway,
            netmask=self.netmask,
            start=self.startip,
            end=self.endip,
            tag=self.vlan,
        )


class ListVlanIpRanges(ListCommand, name="listVlanIpRanges", response=VLAN, noun="vlaniprange"):
    """Lists ranges of addresses."""

    account = string()
    domainid = ref(nouns.DOMAIN)
    forvirtualnetwork = boolean("True: public addresses; false: those of shared networks")
    id = ref(nouns.VLAN_RANGE)
    networkid = ref(nouns.NETWORK)
    physicalnetworkid = ref(nouns.PHYSICAL_NETWORK)
    podid = ref(nouns.POD)
    projectid = ref(nouns.PROJECT)
    vlan = string()
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        if self.account is not None and self.domainid is None:
            raise InvalidValue("account needs the domainid of the domain that it is in")
        owner = (
            access.account_of(ctx, self.domainid, self.account, self.projectid)
            if self.account or self.projectid
            else None
        )
        kinds = {True: "VirtualNetwork", False: "DirectAttached", None: None}
        return self.select(
            ctx,
            vlaniprange.LISTING,
            id=id_of(self.id),
            zone=id_of(self.zoneid),
            pod=id_of(self.podid),
            physical=id_of(self.physicalnetworkid),
            network=id_of(self.networkid),
            account=id_of(owner),
            domain=id_of(self.domainid) if owner is None else None,
            type=kinds[self.forvirtualnetwork],
            tag=addressing.vlan_tag(self.vlan) if self.vlan else None,
        )


class UpdateVlanIpRange(Command, name="updateVlanIpRange", response=VLAN, event="VLAN.IP.RANGE.UPDATE", since="4.16.0"):
    """Changes a range of addresses."""

    id = ref(nouns.VLAN_RANGE, required=True)
    endip = string()
    endipv6 = string(_IPV6)
    forsystemvms = boolean("Whether it is kept for the cloud's own machines")
    gateway = string()
    ip6cidr = string(_IPV6)
    ip6gateway = string(_IPV6)
    netmask = string()
    startip = string()
    startipv6 = string(_IPV6)

    def run(self, ctx: Context) -> Body:
        _no_ipv6(self)
        change = vlaniprange.update if self.id["network_id"] is None else guest_range.update
        change(
            ctx,
            self.id,
            gateway=self.gateway,
            netmask=self.netmask,
            start=self.startip,
            end=self.endip,
            system=self.forsystemvms,
        )
        return {"vlan": ctx.present("vlan", self.id["id"])[0]}


class DeleteVlanIpRange(Command, name="deleteVlanIpRange", response=SUCCESS, event="VLAN.IP.RANGE.DELETE"):
    """Removes a range none of whose addresses is given away."""

    id = ref(nouns.VLAN_RANGE, required=True)

    def run(self, ctx: Context) -> Body:
        vlaniprange.delete(ctx, self.id)
        return {"success": True}
