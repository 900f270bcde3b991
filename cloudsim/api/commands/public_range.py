"""Keeping ranges of public addresses for an account, a project or a domain."""

from __future__ import annotations

from cloudsim.api.command import Body, Command
from cloudsim.api.params import ref, string
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.vlaniprange import VLAN
from cloudsim.services import access, nouns, public_range
from cloudsim.services.context import Context


class DedicatePublicIpRange(Command, name="dedicatePublicIpRange", response=VLAN, event="VLAN.IP.RANGE.DEDICATE"):
    """Keeps a range of public addresses for an account or a project, or for the accounts of a domain."""

    domainid = ref(nouns.DOMAIN, "The domain that it is kept for, or that the account is in", required=True)
    id = ref(nouns.VLAN_RANGE, required=True)
    account = string("The account that it is kept for")
    projectid = ref(nouns.PROJECT, "The project that it is kept for")

    def run(self, ctx: Context) -> Body:
        account = None
        if self.account is not None or self.projectid is not None:
            account = access.account_of(ctx, self.domainid, self.account, self.projectid)
        public_range.dedicate(ctx, self.id, self.domainid, account)
        return {"vlan": ctx.present("vlan", self.id["id"])[0]}


class ReleasePublicIpRange(Command, name="releasePublicIpRange", response=SUCCESS, event="VLAN.IP.RANGE.RELEASE"):
    """Gives a range of public addresses back to all; who has addresses of it keeps them."""

    id = ref(nouns.VLAN_RANGE, required=True)

    def run(self, ctx: Context) -> Body:
        public_range.release(ctx, self.id)
        return {"success": True}
