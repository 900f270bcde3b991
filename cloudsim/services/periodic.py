"""The tasks that run by themselves: one class each."""

from __future__ import annotations

from cloudsim.core.caller import Caller
from cloudsim.db import placement
from cloudsim.jobs.periodic import PeriodicTask, Scheduler
from cloudsim.services import (
    account_orders,
    capacity_alert,
    console,
    host,
    host_ha_task,
    imagefiles,
    job,
    management_server,
    network_gc,
    nic_workflows,
    oobm_orders,
    purge,
    router_apply,
    securitygroup_workflows,
    snapshot_cleanup,
    snapshot_policy,
    stats,
    storage_cleanup,
    system_vm,
    template_create,
    vm_expunge,
    vm_lease,
    vmschedule,
    vmsnapshot,
    volume_doubt,
    webhook_delivery,
)
from cloudsim.services.context import Cloud


class _Task(PeriodicTask):
    #: The setting that holds the interval in seconds, and what holds where it is 0 or not a number.
    setting = ""

    def __init__(self, cloud: Cloud, admin: Caller) -> None:
        self._cloud = cloud
        self._admin = admin

    #: Whether it may start jobs, and so rests while the server takes none.
    works = False

    def interval(self) -> float:
        return float(self._cloud.settings.number(self.setting))

    def paused(self) -> bool:
        return self.works and self._cloud.server_state != management_server.UP


class ExpungeMachines(_Task):
    """Removes machines that were destroyed longer ago than ``expunge.delay``."""

    name = "expunge"
    works = True
    setting = "expunge.interval"

    async def run(self) -> None:
        await self._cloud.db.write(lambda tx: vm_expunge.due(self._cloud.context(tx, self._admin)))


class WipeVolumes(_Task):
    """Removes volumes that were destroyed longer ago than ``storage.cleanup.delay``."""

    name = "storage-cleanup"
    works = True
    setting = "storage.cleanup.interval"

    async def run(self) -> None:
        await self._cloud.db.write(lambda tx: storage_cleanup.due(self._cloud.context(tx, self._admin)))


class SettleVolumes(_Task):
    """Makes volumes attached or detached, as they are listed, where a host did not answer when it was asked to."""

    name = "volume-doubts"
    works = True
    setting = "ping.interval"

    async def run(self) -> None:
        await self._cloud.db.write(lambda tx: volume_doubt.due(self._cloud.context(tx, self._admin)))


class CleanUpSnapshots(_Task):
    """Removes what is left over of snapshots of volumes, and of templates made of disks, that failed."""

    name = "snapshot-cleanup"
    works = True
    setting = "storage.cleanup.interval"

    async def run(self) -> None:
        await self._cloud.db.write(lambda tx: snapshot_cleanup.due(self._cloud.context(tx, self._admin)))
        await self._cloud.db.write(lambda tx: template_create.clean_up(self._cloud.context(tx, self._admin)))


class SweepImages(_Task):
    """Removes files of image stores that no template or ISO is for any more."""

    name = "image-files"
    setting = "storage.cleanup.interval"

    async def run(self) -> None:
        if self._cloud.settings.flag("storage.cleanup.enabled"):
            await imagefiles.sweep(self._cloud)


class PurgeJobs(_Task):
    """Removes jobs that ended longer ago than ``job.expire.minutes``."""

    name = "job-purge"
    setting = "job.expire.minutes"

    def interval(self) -> float:
        # the reference looks at a fixed pace too: often enough that nothing stays twice its time
        return min(600.0, max(10.0, self._cloud.settings.number("job.expire.minutes") * 60 / 2))

    async def run(self) -> None:
        while await self._cloud.db.write(lambda tx: job.purge(self._cloud.context(tx, self._admin))) >= 1000:
            await self._cloud.clock.sleep(0.05)  # let others write in between


class RecalculateCapacity(_Task):
    """Sets what hosts and pools have given away to what their machines and volumes add up to, and tells of capacities
    that run out.
    """

    name = "capacity"
    setting = "capacity.check.period"

    def interval(self) -> float:
        return self._cloud.settings.number(self.setting) / 1000

    async def run(self) -> None:
        await self._cloud.db.write(placement.recalculate)
        await self._cloud.db.write(lambda tx: capacity_alert.look(self._cloud.context(tx, self._admin)))


class PingHosts(_Task):
    """Asks every host whether it is there and what runs on it."""

    name = "host-ping"
    setting = "ping.interval"

    async def run(self) -> None:
        await host.ping_all(self._cloud, self._admin)


class LookAfterSystemVms(_Task):
    """Makes and starts the system virtual machines that zones lack."""

    name = "system-vms"
    works = True
    setting = "consoleproxy.capacityscan.interval"
    first = 30.0

    def interval(self) -> float:
        return self._cloud.settings.number(self.setting) / 1000

    async def run(self) -> None:
        await self._cloud.db.write(lambda tx: system_vm.look_after(self._cloud.context(tx, self._admin)))


class FollowSchedules(_Task):
    """Carries out what schedules of machines say."""

    name = "vm-schedules"
    works = True
    first = 1.0

    def interval(self) -> float:
        return 10.0

    async def run(self) -> None:
        while await self._cloud.db.write(lambda tx: vmschedule.follow(self._cloud.context(tx, self._admin))):
            pass


class FollowSnapshotPolicies(_Task):
    """Makes the snapshots that policies of volumes say."""

    name = "snapshot-policies"
    works = True
    first = 1.0

    def interval(self) -> float:
        return 10.0

    async def run(self) -> None:
        while await self._cloud.db.write(lambda tx: snapshot_policy.follow(self._cloud.context(tx, self._admin))):
            pass


class FollowLeases(_Task):
    """Stops or destroys machines whose leases are over."""

    name = "vm-leases"
    works = True
    setting = "instance.lease.scheduler.interval"

    async def run(self) -> None:
        while await self._cloud.db.write(lambda tx: vm_lease.follow(self._cloud.context(tx, self._admin))):
            pass


class TellOfLeases(_Task):
    """Tells of leases that are nearly over."""

    name = "vm-lease-events"
    setting = "instance.lease.eventscheduler.interval"

    async def run(self) -> None:
        await self._cloud.db.write(lambda tx: vm_lease.warn(self._cloud.context(tx, self._admin)))


class ExpireVMSnapshots(_Task):
    """Removes snapshots of machines that are older than ``vmsnapshot.expire.interval``."""

    name = "vmsnapshot-expire"
    works = True
    setting = "vmsnapshot.expire.interval"

    def interval(self) -> float:
        return 3600.0

    async def run(self) -> None:
        await self._cloud.db.write(lambda tx: vmsnapshot.expire(self._cloud.context(tx, self._admin)))


class FinishRemovals(_Task):
    """Goes on with the deletion of accounts that did not come to its end."""

    name = "account-cleanup"
    works = True
    setting = "account.cleanup.interval"

    async def run(self) -> None:
        await self._cloud.db.write(lambda tx: account_orders.due(self._cloud.context(tx, self._admin)))


class LookAtPower(_Task):
    """Asks the controllers of hosts for their power states."""

    name = "out-of-band"
    setting = "outofbandmanagement.background.task.execution.interval"

    async def run(self) -> None:
        await oobm_orders.look(self._cloud, self._admin)


class LookAfterHosts(_Task):
    """Takes the hosts that host HA looks after one step on."""

    name = "host-ha"

    def interval(self) -> float:
        return 2.0

    async def run(self) -> None:
        await host_ha_task.look(self._cloud, self._admin)


class PurgeExpunged(_Task):
    """Forgets machines that were expunged longer ago than ``expunged.resources.purge.keep.past.days``."""

    name = "expunged-purge"
    setting = "expunged.resources.purge.interval"

    async def run(self) -> None:
        while await self._cloud.db.write(lambda tx: purge.due(self._cloud.context(tx, self._admin))):
            await self._cloud.clock.sleep(0.05)  # let others write in between


class PruneDeliveries(_Task):
    """Removes deliveries of webhooks beyond ``webhook.deliveries.limit``."""

    name = "webhook-deliveries"
    setting = "webhook.deliveries.cleanup.interval"

    def __init__(self, cloud: Cloud, admin: Caller) -> None:
        super().__init__(cloud, admin)
        self.first = float(cloud.settings.number("webhook.deliveries.cleanup.initial.delay"))

    async def run(self) -> None:
        await self._cloud.db.write(lambda tx: webhook_delivery.prune_all(self._cloud.context(tx, self._admin)))


class TellSecurityRules(_Task):
    """Tells hosts of the rules of security groups that they could not be told of."""

    name = "security-groups"
    setting = "network.securitygroups.work.cleanup.interval"

    async def run(self) -> None:
        await self._cloud.db.write(lambda tx: securitygroup_workflows.due(self._cloud.context(tx, self._admin)))


class TellOfCards(_Task):
    """Tells hosts of network cards that they may not have heard of."""

    name = "network-cards"
    works = True

    def interval(self) -> float:
        return 60.0

    async def run(self) -> None:
        await self._cloud.db.write(lambda tx: nic_workflows.due(self._cloud.context(tx, self._admin)))


class CollectNetworks(_Task):
    """Takes back what networks have that nobody uses."""

    name = "network-gc"
    works = True
    setting = "network.gc.interval"

    async def run(self) -> None:
        await self._cloud.db.write(lambda tx: network_gc.look(self._cloud.context(tx, self._admin)))


class TellRouters(_Task):
    """Tells virtual routers what they could not be told."""

    name = "router-rules"
    works = True
    setting = "router.check.interval"

    async def run(self) -> None:
        await self._cloud.db.write(lambda tx: router_apply.due(self._cloud.context(tx, self._admin)))


class CleanConsoles(_Task):
    """Ends sessions of consoles that nobody opened in time, and forgets those that ended long ago."""

    name = "console-sessions"
    setting = "console.session.cleanup.interval"

    async def run(self) -> None:
        await self._cloud.db.write(lambda tx: console.clean(self._cloud.context(tx, self._admin)))


class Heartbeat(_Task):
    """Says that this server is alive, and does what was asked of it."""

    name = "heartbeat"
    first = 1.0
    last = 0

    def interval(self) -> float:
        return management_server.period(self._cloud)

    async def run(self) -> None:
        self.last = await management_server.beat(self._cloud, self._admin, self.last)


class TakeOverJobs(_Task):
    """Takes up the jobs of other servers that died."""

    name = "job-takeover"
    works = True
    first = 2.0

    def interval(self) -> float:
        return management_server.period(self._cloud) if self._cloud.db.shared else 0.0

    async def run(self) -> None:
        await self._cloud.jobs.take_over()


class LookAtMachines(_Task):
    """Asks hosts what their machines use."""

    name = "vm-stats"
    setting = "vm.stats.interval"
    first = 2.0

    def interval(self) -> float:
        return self._cloud.settings.number(self.setting) / 1000

    async def run(self) -> None:
        await stats.look(self._cloud)


class KeepVolumeStats(_Task):
    """Keeps samples of what volumes use."""

    name = "volume-stats"
    setting = "vm.disk.stats.interval"
    first = 30.0

    def interval(self) -> float:
        settings = self._cloud.settings
        wanted = settings.number(self.setting)
        return float(max(wanted, settings.number("vm.disk.stats.interval.min"))) if wanted > 0 else 0.0

    async def run(self) -> None:
        await stats.keep_volumes(self._cloud)


TASKS = (
    Heartbeat,
    TakeOverJobs,
    PurgeExpunged,
    LookAfterSystemVms,
    TellSecurityRules,
    TellOfCards,
    TellRouters,
    CollectNetworks,
    CleanConsoles,
    FinishRemovals,
    FollowSchedules,
    FollowSnapshotPolicies,
    FollowLeases,
    TellOfLeases,
    ExpireVMSnapshots,
    ExpungeMachines,
    WipeVolumes,
    SettleVolumes,
    CleanUpSnapshots,
    SweepImages,
    PurgeJobs,
    RecalculateCapacity,
    PingHosts,
    PruneDeliveries,
    LookAtMachines,
    KeepVolumeStats,
    LookAtPower,
    LookAfterHosts,
)


def scheduler(cloud: Cloud, admin: Caller) -> Scheduler:
    """A scheduler with every task."""
    return Scheduler([task(cloud, admin) for task in TASKS], cloud.clock)
