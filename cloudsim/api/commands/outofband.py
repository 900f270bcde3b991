"""Out-of-band management: the power of hosts, also of those that do not answer."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command
from cloudsim.api.params import long, ref, string
from cloudsim.api.responses.availability import OOBM
from cloudsim.services import nouns, oobm_orders
from cloudsim.services.context import Context


class ConfigureOutOfBandManagement(
    Command, name="configureOutOfBandManagement", response=OOBM, event="HOST.OOBM.CONFIGURE", since="4.9.0"
):
    """Says how the controller of a host's power is reached."""

    address = string("Where the controller is", required=True)
    driver = string("simulator for simulated hosts, or ipmitool", required=True)
    hostid = ref(nouns.HOST, required=True)
    password = string("The password of the controller's user; kept sealed", required=True, secret=True)
    port = string("The controller's port", required=True)
    username = string("The controller's user", required=True)

    def run(self, ctx: Context) -> Body:
        oobm_orders.configure(
            ctx,
            self.hostid,
            driver=self.driver,
            address=self.address,
            port=self.port,
            username=self.username,
            password=self.password,
        )
        return oobm_orders.shown(ctx, self.hostid["id"], status=True)


class EnableOutOfBandManagementForHost(
    AsyncCommand, name="enableOutOfBandManagementForHost", response=OOBM, event="HOST.OOBM.ENABLE", since="4.9.0"
):
    """Enables out-of-band management of a host."""

    hostid = ref(nouns.HOST, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": oobm_orders.set_host(ctx, self.hostid, True)}


class DisableOutOfBandManagementForHost(
    AsyncCommand, name="disableOutOfBandManagementForHost", response=OOBM, event="HOST.OOBM.DISABLE", since="4.9.0"
):
    """Disables out-of-band management of a host."""

    hostid = ref(nouns.HOST, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": oobm_orders.set_host(ctx, self.hostid, False)}


class EnableOutOfBandManagementForCluster(
    AsyncCommand, name="enableOutOfBandManagementForCluster", response=OOBM, event="HOST.OOBM.ENABLE", since="4.9.0"
):
    """Lets out-of-band management count again in a cluster; it does until it is disabled there."""

    clusterid = ref(nouns.CLUSTER, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": oobm_orders.set_place(ctx, "Cluster", self.clusterid, True)}


class DisableOutOfBandManagementForCluster(
    AsyncCommand, name="disableOutOfBandManagementForCluster", response=OOBM, event="HOST.OOBM.DISABLE", since="4.9.0"
):
    """Disables out-of-band management of all hosts of a cluster."""

    clusterid = ref(nouns.CLUSTER, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": oobm_orders.set_place(ctx, "Cluster", self.clusterid, False)}


class EnableOutOfBandManagementForZone(
    AsyncCommand, name="enableOutOfBandManagementForZone", response=OOBM, event="HOST.OOBM.ENABLE", since="4.9.0"
):
    """Lets out-of-band management count again in a zone; it does until it is disabled there."""

    zoneid = ref(nouns.ZONE, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": oobm_orders.set_place(ctx, "Zone", self.zoneid, True)}


class DisableOutOfBandManagementForZone(
    AsyncCommand, name="disableOutOfBandManagementForZone", response=OOBM, event="HOST.OOBM.DISABLE", since="4.9.0"
):
    """Disables out-of-band management of all hosts of a zone."""

    zoneid = ref(nouns.ZONE, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": oobm_orders.set_place(ctx, "Zone", self.zoneid, False)}


class IssueOutOfBandManagementPowerAction(
    AsyncCommand, name="issueOutOfBandManagementPowerAction", response=OOBM, event="HOST.OOBM.ACTION", since="4.9.0"
):
    """Has a host's controller switch its power, or tell its state."""

    action = string("ON, OFF, CYCLE, RESET, SOFT or STATUS", required=True)
    hostid = ref(nouns.HOST, required=True)
    timeout = long("Seconds it may take (setting outofbandmanagement.action.timeout)")

    def run(self, ctx: Context) -> Body:
        return {"jobid": oobm_orders.act(ctx, self.hostid, self.action, self.timeout)}


class ChangeOutOfBandManagementPassword(
    AsyncCommand,
    name="changeOutOfBandManagementPassword",
    response=OOBM,
    event="HOST.OOBM.CHANGEPASSWORD",
    since="4.9.0",
):
    """Gives the user of a host's controller a new password."""

    hostid = ref(nouns.HOST, required=True)
    password = string("The new password; one by chance where none is given", secret=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": oobm_orders.change_password(ctx, self.hostid, self.password)}
