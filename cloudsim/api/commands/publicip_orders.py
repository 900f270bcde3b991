"""Public addresses acquired, released, reserved and changed; static NAT."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command
from cloudsim.api.params import boolean, integer, ref, string
from cloudsim.api.params import uuid as uuid_param
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.publicip import PUBLIC_IP
from cloudsim.core.errors import InvalidValue
from cloudsim.services import access, publicip_orders, static_nat
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, DOMAIN, NETWORK, PROJECT, VIRTUAL_MACHINE, ZONE
from cloudsim.services.nouns import PUBLIC_IP as NOUN


class AssociateIpAddress(AsyncCommand, name="associateIpAddress", response=PUBLIC_IP, event="NET.IPASSIGN"):
    """Acquires a public address for an account, and for one of its networks.

    Without a network it is for the only isolated network of the account in the zone. The first address of a network
    that has source NAT and no address for it yet is its source NAT address.
    """

    account = string()
    domainid = ref(DOMAIN)
    fordisplay = boolean("Whether it is shown to users (true if not said); for root admins", since="4.4", admin=True)
    ipaddress = string("The address that is wanted; one is chosen if none is given")
    isportable = boolean("Whether it is a portable one (false if not said)")
    networkid = ref(NETWORK, "The network that it is for")
    projectid = ref(PROJECT)
    regionid = integer("The region of a portable address (this cloud's own if not said)")
    vpcid = uuid_param("The VPC that it is for: this server has none")
    zoneid = ref(ZONE, "The zone of the address; the network's if not said")

    def run(self, ctx: Context) -> Body:
        if self.vpcid:
            raise InvalidValue("this server has no VPCs: give networkid")
        row = self.networkid
        whose = row is not None and row["guest_type"] != "Shared" and not (self.account or self.projectid)
        account = (
            access.row(ctx, ACCOUNT, row["account_id"])
            if whose
            else access.account_of(ctx, self.domainid, self.account, self.projectid)
        )
        uuid, job = publicip_orders.associate(
            ctx,
            account=account,
            zone=self.zoneid,
            found=row,
            wanted=self.ipaddress,
            portable=bool(self.isportable),
            region_id=self.regionid,
            display=self.fordisplay is not False,
        )
        return {"id": uuid, "jobid": job}


class DisassociateIpAddress(AsyncCommand, name="disassociateIpAddress", response=SUCCESS, event="NET.IPRELEASE"):
    """Releases a public address with its rules; one that is used for source NAT stays as long as its network needs it."""

    id = ref(NOUN)
    ipaddress = string("The address itself, in the place of its id", since="4.19.0")

    def run(self, ctx: Context) -> Body:
        row = publicip_orders.named(ctx, self.id, self.ipaddress)
        return {"jobid": publicip_orders.disassociate(ctx, row)}


class ReserveIpAddress(Command, name="reserveIpAddress", response=PUBLIC_IP, event="NET.IPRESERVE", since="4.17"):
    """Keeps a free public address for an account, which may acquire it later with its ipaddress."""

    id = uuid_param(required=True)
    account = string()
    domainid = ref(DOMAIN)
    fordisplay = boolean("Whether it is shown to users (true if not said); for root admins", admin=True)
    projectid = ref(PROJECT)

    def run(self, ctx: Context) -> Body:
        account = access.account_of(ctx, self.domainid, self.account, self.projectid)
        row_id = publicip_orders.reserve(ctx, self.id, account, display=self.fordisplay is not False)
        return publicip_orders.shown(ctx, row_id)


class ReleaseIpAddress(Command, name="releaseIpAddress", response=SUCCESS, event="NET.IPRELEASE", since="4.17"):
    """Lets go of a public address that is reserved."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        publicip_orders.release(ctx, self.id)
        return {"success": True}


class UpdateIpAddress(AsyncCommand, name="updateIpAddress", response=PUBLIC_IP, event="NET.IPUPDATE"):
    """Changes a public address: its id, and whether users see it; both are for root admins."""

    id = ref(NOUN, required=True)
    customid = string("Its new id", since="4.4", admin=True)
    fordisplay = boolean("Whether it is shown to users", since="4.4", admin=True)

    def run(self, ctx: Context) -> Body:
        job = publicip_orders.update(ctx, self.id, custom_id=self.customid, display=self.fordisplay)
        return {"jobid": job}


class EnableStaticNat(Command, name="enableStaticNat", response=SUCCESS, event="STATICNAT.ENABLE"):
    """Makes a public address that of one virtual machine: all that arrives there goes to it."""

    ipaddressid = ref(NOUN, "The public address", required=True)
    virtualmachineid = ref(VIRTUAL_MACHINE, required=True)
    networkid = ref(NETWORK, "The network of the card that it is for; a portable address is taken along to it")
    vmguestip = string("Which address of that card it is for, where it has several; its first if not said")

    def run(self, ctx: Context) -> Body:
        static_nat.enable(ctx, self.ipaddressid, self.virtualmachineid, found=self.networkid, guest=self.vmguestip)
        return {"success": True}


class DisableStaticNat(AsyncCommand, name="disableStaticNat", response=SUCCESS, event="STATICNAT.DISABLE"):
    """Ends that a public address is that of a virtual machine; its rules go."""

    ipaddressid = ref(NOUN, "The public address", required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": static_nat.disable(ctx, self.ipaddressid)}
