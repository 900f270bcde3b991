"""Who may use a network, besides its owner."""

from __future__ import annotations

from cloudsim.api.command import Body, Command
from cloudsim.api.params import ref, strings
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.networkpermission import NETWORK_PERMISSION, permission
from cloudsim.services import networkpermission
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK


class CreateNetworkPermissions(Command, name="createNetworkPermissions", response=SUCCESS, since="4.17.0"):
    """Lets other accounts and projects of the owner's domain have virtual machines in a network."""

    networkid = ref(NETWORK, required=True)
    accountids = strings("Ids of the accounts")
    accounts = strings("Names of the accounts")
    projectids = strings("Ids of the projects")

    def run(self, ctx: Context) -> Body:
        given = self.accounts or (), self.accountids or (), self.projectids or ()
        networkpermission.add(ctx, self.networkid, *given)
        return {"success": True}


class RemoveNetworkPermissions(Command, name="removeNetworkPermissions", response=SUCCESS, since="4.17.0"):
    """Takes back that accounts and projects may use a network; machines that are in it stay."""

    networkid = ref(NETWORK, required=True)
    accountids = strings("Ids of the accounts")
    accounts = strings("Names of the accounts")
    projectids = strings("Ids of the projects")

    def run(self, ctx: Context) -> Body:
        given = self.accounts or (), self.accountids or (), self.projectids or ()
        networkpermission.remove(ctx, self.networkid, *given)
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
