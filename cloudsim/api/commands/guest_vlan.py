"""VLANs of guest networks, and keeping ranges of them for an account."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command, ListCommand, id_of
from cloudsim.api.params import boolean, long, ref, string
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.guest_vlan import GUEST_VLAN, GUEST_VLAN_RANGE
from cloudsim.core.errors import InvalidValue
from cloudsim.services import access, guest_vlan, nouns
from cloudsim.services.context import Context


class ListGuestVlans(ListCommand, name="listGuestVlans", response=GUEST_VLAN, since="4.17.0"):
    """Lists the VLANs that guest networks may have, and the networks that have them."""

    allocatedonly = boolean()
    id = long("The number of the VLAN's record")
    physicalnetworkid = ref(nouns.PHYSICAL_NETWORK)
    vnet = string()
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        number = None
        if self.vnet is not None:
            number, last = guest_vlan.parse(self.vnet)
            if number != last:
                raise InvalidValue("vnet takes one VLAN")
        return self.select(
            ctx,
            guest_vlan.LISTING,
            id=self.id,
            vlan=number,
            zone=id_of(self.zoneid),
            physical=id_of(self.physicalnetworkid),
            allocated=True if self.allocatedonly else None,
        )


class DedicateGuestVlanRange(
    Command, name="dedicateGuestVlanRange", response=GUEST_VLAN_RANGE, event="GUESTVLANRANGE.DEDICATE"
):
    """Keeps VLANs of a physical network for the networks of an account or a project."""

    physicalnetworkid = ref(nouns.PHYSICAL_NETWORK, required=True)
    vlanrange = string(required=True)
    account = string("The account they are kept for; goes together with domainid")
    domainid = ref(nouns.DOMAIN, "The domain that the account is in")
    projectid = ref(nouns.PROJECT, "The project they are kept for")

    def run(self, ctx: Context) -> Body:
        if self.projectid is None and (self.account is None or self.domainid is None):
            raise InvalidValue("VLANs are kept for an account or a project: give account and domainid, or projectid")
        account = access.account_of(ctx, self.domainid, self.account, self.projectid)
        made = guest_vlan.dedicate(ctx, self.physicalnetworkid, self.vlanrange, account)
        return {GUEST_VLAN_RANGE.name: ctx.present(GUEST_VLAN_RANGE.name, made)[0]}


class ReleaseDedicatedGuestVlanRange(
    AsyncCommand, name="releaseDedicatedGuestVlanRange", response=SUCCESS, event="GUESTVLANRANGE.RELEASE"
):
    """Gives dedicated VLANs back to all; networks that have some of them keep them."""

    id = ref(nouns.GUEST_VLAN_RANGE, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": guest_vlan.release(ctx, self.id)}


class ListDedicatedGuestVlanRanges(ListCommand, name="listDedicatedGuestVlanRanges", response=GUEST_VLAN_RANGE):
    """Lists the ranges of VLANs that are kept for accounts."""

    account = string("The account they are kept for; goes together with domainid")
    domainid = ref(nouns.DOMAIN)
    guestvlanrange = string()
    id = ref(nouns.GUEST_VLAN_RANGE)
    physicalnetworkid = ref(nouns.PHYSICAL_NETWORK)
    projectid = ref(nouns.PROJECT)
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        if self.account is not None and self.domainid is None:
            raise InvalidValue("account needs the domainid of the domain that it is in")
        owner = None
        if self.account is not None or self.projectid is not None:
            owner = access.account_of(ctx, self.domainid, self.account, self.projectid)
        first, last = guest_vlan.parse(self.guestvlanrange) if self.guestvlanrange else (None, None)
        return self.select(
            ctx,
            guest_vlan.RANGES,
            id=id_of(self.id),
            first=first,
            last=last,
            zone=id_of(self.zoneid),
            physical=id_of(self.physicalnetworkid),
            account=id_of(owner),
            domain=id_of(self.domainid) if owner is None else None,
        )
