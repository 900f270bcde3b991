"""High availability of hosts."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command, ListCommand
from cloudsim.api.params import boolean, ref, string
from cloudsim.api.responses.availability import HOST_HA, TRANSITION, transitions
from cloudsim.api.responses.base import SUCCESS
from cloudsim.services import host_ha, nouns
from cloudsim.services.context import Context


class ConfigureHAForHost(
    AsyncCommand, name="configureHAForHost", response=HOST_HA, event="HA.RESOURCE.CONFIGURE", since="4.11"
):
    """Says which provider looks after a host once HA is enabled for it."""

    hostid = ref(nouns.HOST, required=True)
    provider = string("kvmhaprovider for hosts of KVM, simulatorhaprovider for simulated ones", required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": host_ha.configure(ctx, self.hostid, self.provider)}


class EnableHAForHost(AsyncCommand, name="enableHAForHost", response=HOST_HA, event="HA.RESOURCE.ENABLE", since="4.11"):
    """Enables HA for a host: one that is not healthy is power-cycled, and fenced where that does not help."""

    hostid = ref(nouns.HOST, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": host_ha.set_host(ctx, self.hostid, True)}


class DisableHAForHost(
    AsyncCommand, name="disableHAForHost", response=HOST_HA, event="HA.RESOURCE.DISABLE", since="4.11"
):
    """Disables HA for a host."""

    hostid = ref(nouns.HOST, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": host_ha.set_host(ctx, self.hostid, False)}


class EnableHAForCluster(
    AsyncCommand, name="enableHAForCluster", response=SUCCESS, event="HA.RESOURCE.ENABLE", since="4.11"
):
    """Lets host HA count again in a cluster; it does until it is disabled there."""

    clusterid = ref(nouns.CLUSTER, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": host_ha.set_place(ctx, "Cluster", self.clusterid, True)}


class DisableHAForCluster(
    AsyncCommand, name="disableHAForCluster", response=SUCCESS, event="HA.RESOURCE.DISABLE", since="4.11"
):
    """Disables host HA for all hosts of a cluster."""

    clusterid = ref(nouns.CLUSTER, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": host_ha.set_place(ctx, "Cluster", self.clusterid, False)}


class EnableHAForZone(AsyncCommand, name="enableHAForZone", response=SUCCESS, event="HA.RESOURCE.ENABLE", since="4.11"):
    """Lets host HA count again in a zone; it does until it is disabled there."""

    zoneid = ref(nouns.ZONE, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": host_ha.set_place(ctx, "Zone", self.zoneid, True)}


class DisableHAForZone(
    AsyncCommand, name="disableHAForZone", response=SUCCESS, event="HA.RESOURCE.DISABLE", since="4.11"
):
    """Disables host HA for all hosts of a zone."""

    zoneid = ref(nouns.ZONE, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": host_ha.set_place(ctx, "Zone", self.zoneid, False)}


class ListHostHAProviders(Command, name="listHostHAProviders", response=HOST_HA, reads=True, since="4.11"):
    """Lists the providers of HA for hosts of a hypervisor."""

    hypervisor = string(required=True)

    def run(self, ctx: Context) -> Body:
        found = [{"haprovider": name} for name in host_ha.providers(self.hypervisor)]
        return {"count": len(found), "haprovider": found}


class ListHostHAResources(Command, name="listHostHAResources", response=HOST_HA, reads=True, since="4.11"):
    """Lists the HA of hosts that it was ever configured for."""

    hostid = ref(nouns.HOST)

    def run(self, ctx: Context) -> Body:
        ids = [row["host_id"] for row in host_ha.everything(ctx)]
        if self.hostid is not None:
            ids = [host_id for host_id in ids if host_id == self.hostid["id"]]
        found = ctx.present("hostha", *ids)
        return {"count": len(found), "hostha": found} if found else {}


class ConfigureSimulatorHAProviderState(
    Command, name="configureSimulatorHAProviderState", response=SUCCESS, since="4.11"
):
    """Says what the checks of a simulated host find from now on, instead of what they would find."""

    activity = boolean("Whether activity checks find that it is active", required=True)
    fence = boolean("Whether it can be fenced", required=True)
    health = boolean("Whether health checks find that it is healthy", required=True)
    hostid = ref(nouns.HOST, required=True)
    recover = boolean("Whether it can be power-cycled", required=True)

    def run(self, ctx: Context) -> Body:
        host_ha.simulate(
            ctx, self.hostid, health=self.health, activity=self.activity, recover=self.recover, fence=self.fence
        )
        return {"success": True}


class ListSimulatorHAStateTransitions(
    ListCommand, name="listSimulatorHAStateTransitions", response=TRANSITION, since="4.11"
):
    """Lists what happened to the HA of a host, the last first."""

    hostid = ref(nouns.HOST, required=True)

    def run(self, ctx: Context) -> Body:
        row = host_ha.of(ctx, self.hostid["id"])
        word = (self.keyword or "").lower()
        found = transitions(row) if row is not None else []
        return self.part(ctx, [one for one in found if word in f"{one['event']} {one['hastate']}".lower()])
