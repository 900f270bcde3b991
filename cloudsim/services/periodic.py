"""The tasks that run by themselves: one class each."""

from __future__ import annotations

from cloudsim.core.caller import Caller
from cloudsim.db import placement
from cloudsim.jobs.periodic import PeriodicTask, Scheduler
from cloudsim.services import account_orders, host, host_ha_task, job, oobm_orders, system_vm, vm_expunge
from cloudsim.services.context import Cloud


class _Task(PeriodicTask):
    #: The setting that holds the interval in seconds, and what holds where it is 0 or not a number.
    setting = ""

    def __init__(self, cloud: Cloud, admin: Caller) -> None:
        self._cloud = cloud
        self._admin = admin

    def interval(self) -> float:
        return float(self._cloud.settings.number(self.setting))


class ExpungeMachines(_Task):
    """Removes machines that were destroyed longer ago than ``expunge.delay``."""

    name = "expunge"
    setting = "expunge.interval"

    async def run(self) -> None:
        await self._cloud.db.write(lambda tx: vm_expunge.due(self._cloud.context(tx, self._admin)))


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
    """Sets what hosts and pools have given away to what their machines and volumes add up to."""

    name = "capacity"
    setting = "capacity.check.period"

    def interval(self) -> float:
        return self._cloud.settings.number(self.setting) / 1000

    async def run(self) -> None:
        await self._cloud.db.write(placement.recalculate)


class PingHosts(_Task):
    """Asks every host whether it is there and what runs on it."""

    name = "host-ping"
    setting = "ping.interval"

    async def run(self) -> None:
        await host.ping_all(self._cloud, self._admin)


class LookAfterSystemVms(_Task):
    """Makes and starts the system virtual machines that zones lack."""

    name = "system-vms"
    setting = "consoleproxy.capacityscan.interval"
    first = 30.0

    def interval(self) -> float:
        return self._cloud.settings.number(self.setting) / 1000

    async def run(self) -> None:
        await self._cloud.db.write(lambda tx: system_vm.look_after(self._cloud.context(tx, self._admin)))


class FinishRemovals(_Task):
    """Goes on with the deletion of accounts that did not come to its end."""

    name = "account-cleanup"
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


TASKS = (
    LookAfterSystemVms,
    FinishRemovals,
    ExpungeMachines,
    PurgeJobs,
    RecalculateCapacity,
    PingHosts,
    LookAtPower,
    LookAfterHosts,
)


def scheduler(cloud: Cloud, admin: Caller) -> Scheduler:
    """A scheduler with every task."""
    return Scheduler([task(cloud, admin) for task in TASKS], cloud.clock)
