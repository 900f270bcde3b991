"""Who may use a network, besides its owner."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.command import Body, Command
from cloudsim.api.params import ref, strings
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.networkpermission import NETWORK_PERMISSION, permission
from cloudsim.services import networkpermission
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK


class _OfOthers(Command):
    networkid = ref(NETWORK, required=True)
    accountids = strings("Ids of the accounts")
    accounts = strings("Names of the accounts")
    projectids = strings("Ids of the projects")

    @property
    def others(self) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
        """Names and ids of accounts, ids of projects."""
        return self.accounts or (), self.accountids or (), self.projectids or ()


class CreateNetworkPermissions(_OfOthers, name="createNetworkPermissions", response=SUCCESS, since="4.17.0"):
    """Lets other accounts and projects of the owner's domain have virtual machines in a network."""

    def run(self, ctx: Context) -> Body:
        networkpermission.add(ctx, self.networkid, *self.others)
        return {"success": True}


class RemoveNetworkPermissions(_OfOthers, name="removeNetworkPermissions", response=SUCCESS, since="4.17.0"):
    """Takes back that accounts and projects may use a network; machines that are in it stay."""

    def run(self, ctx: Context) -> Body:
        networkpermission.remove(ctx, self.networkid, *self.others)
        return {"success": True}


class ResetNetworkPermissions(Command, name="resetNetworkPermissions", response=SUCCESS, since="4.17.0"):
    """Takes back that anybody but the owner may use a network; machines that are in it stay."""

    networkid = ref(NETWORK, required=True)

    def run(self, ctx: Context) -> Body:
        networkpermission.reset(ctx, self.networkid)
        return {"success": True}


class ListNetworkPermissions(
    Command, name="listNetworkPermissions", response=NETWORK_PERMISSION, since="4.17.0", reads=True
):
    """Lists who may use a network, besides its owner."""

    networkid = ref(NETWORK, required=True)

    def run(self, ctx: Context) -> Body:
        rows = networkpermission.of_network(ctx, self.networkid)
        found = [permission(row, self.networkid) for row in rows]
        return {"count": len(found), "networkpermission": found} if found else {}
