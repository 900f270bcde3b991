"""The periodic task of host HA: health checks, activity checks, recoveries and fences, a step at a time."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from cloudsim.agents.base import AgentError, CommandFailed, InvestigateHost, Ping
from cloudsim.agents.outofband import Controller
from cloudsim.core import states
from cloudsim.core.caller import Caller
from cloudsim.core.settings import Settings
from cloudsim.core.states import IllegalTransition
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services import access, alert, fencing, ha, host_ha, oobm
from cloudsim.services.context import Cloud, Context
from cloudsim.services.host_ha import move
from cloudsim.services.nouns import HOST
from cloudsim.services.vm_plain import Plain, address_of, host_address

log = logging.getLogger(__name__)

#: Milliseconds between two tries of a fence.
AGAIN = 30_000
#: ALERT.HA.ACTION.
ACTION = 30


@dataclass(frozen=True, slots=True)
class Limits:
    """What a provider goes by: times in seconds."""

    health_timeout: float
    activity_timeout: float
    activity_interval: float
    checks: int
    ratio: float
    degraded: float
    recovery_timeout: float
    recoveries: int
    recovered: float
    fence_timeout: float


#: Simulated hosts go through the same states, quickly.
_SIMULATOR = Limits(5, 5, 1, 3, 0.7, 1, 5, 2, 1, 5)


def limits(settings: Settings, provider: str) -> Limits:
    """What a provider goes by: the settings ``kvm.ha.*``, or what simulated hosts have."""
    if provider != "kvmhaprovider":
        return _SIMULATOR
    number, share = settings.number, settings.share
    return Limits(
        number("kvm.ha.health.check.timeout"),
        number("kvm.ha.activity.check.timeout"),
        number("kvm.ha.activity.check.interval"),
        number("kvm.ha.activity.check.max.attempts"),
        share("kvm.ha.activity.check.failure.ratio"),
        number("kvm.ha.degraded.max.period"),
        number("kvm.ha.recover.timeout"),
        number("kvm.ha.recover.failure.threshold"),
        number("kvm.ha.recover.wait.period"),
        number("kvm.ha.fence.timeout"),
    )


@dataclass(slots=True)
class _Guard:
    """Looks after one host."""

    cloud: Cloud
    admin: Caller
    turns: dict[str, asyncio.Semaphore]
    host_id: int

    # -- what is written

    async def write(self, function: Any, *args: Any) -> Any:
        """Runs a step of the state machine; it is given the context, the HA and the host as they are now."""

        def run(tx: Any) -> Any:
            ctx = self.cloud.context(tx, self.admin)
            found, row = host_ha.of(ctx, self.host_id), access.row(ctx, HOST, self.host_id)
            if found is None or row["removed"] is not None:
                raise IllegalTransition("the host is gone")
            return function(ctx, found, row, *args)

        return await self.cloud.db.write(run)

    async def step(self) -> None:
        """One step."""
        found, plan, settled = await self.cloud.db.read(lambda tx: _now(self._ctx(tx), self.host_id))
        if not settled:
            found = await self.write(host_ha.settle)
        state, times = found["state"], limits(self.cloud.settings, found["provider"] or "")
        if state in ("Available", "Suspect", "Degraded", "Fenced"):
            healthy = await self._healthy(found, plan, times)
            if state == ("Available" if healthy else "Fenced") and not found["recoveries"]:
                return
            if await self.write(_checked, found["update_count"], healthy, times) == "Checking":
                state, found = "Checking", {**found, "update_count": found["update_count"] + 1}
        if state == "Checking":
            active = await self._active(found, plan, times)
            await self.write(_activity, active, times)
        elif state == "Recovering":
            await self._recover(times)
        elif state == "Recovered":
            if self.cloud.clock.now() - found["since"] >= times.recovered * 1000:
                await self.write(_waited, times)
        elif state == "Fencing" and self.cloud.clock.now() - (found["looked"] or 0) >= AGAIN:
            await self._fence(times)

    # -- what is asked

    async def _healthy(self, found: Row, plan: Plain, times: Limits) -> bool:
        if found["simulated"] is not None:
            return bool(found["simulated"]["health"])
        command = Ping(f"host-ha:{plan['uuid']}:{found['update_count']}:health")
        async with self.turns["health"]:
            try:
                await self.cloud.agents.once(host_address(plan["host"]), command, timeout=times.health_timeout)
            except AgentError:
                return False
        return True

    async def _active(self, found: Row, plan: Plain, times: Limits) -> bool:
        if found["simulated"] is not None:
            return bool(found["simulated"]["activity"])
        async with self.turns["activity"]:
            return await self._seen(found, plan, times, "activity", plan["now"] - fencing.HEARTBEAT)

    async def _seen(self, found: Row, plan: Plain, times: Limits, step: str, since: int) -> bool:
        """Whether a neighbour sees the host alive: it answers, or its heartbeat is younger than `since`."""
        for number, witness in enumerate(plan["witnesses"]):
            command_id = f"host-ha:{plan['uuid']}:{found['update_count']}:{step}-{number}"
            command = InvestigateHost(command_id, plan["uuid"], plan["url"])
            try:
                seen = await self.cloud.agents.once(host_address(witness), command, timeout=times.activity_timeout)
            except AgentError:
                continue
            if seen["answers"] or (seen["heartbeat"] is not None and seen["heartbeat"] > since):
                return True
        return False

    async def _power(self, found: Row, plan: Plain, action: str, step: str, timeout: float) -> str:
        one = Controller(host_address(plan["host"]), "simulator")
        if plan["controller"] is not None:
            one = oobm.controller(plan["controller"])
        step = f"host-ha:{plan['uuid']}:{found['update_count']}:{step}"
        return await self.cloud.agents.power(one, action, step, timeout=timeout)

    async def _recover(self, times: Limits) -> None:
        found, plan = await self.write(_try_recovery, times)
        if found["state"] != "Recovering":
            return
        async with self.turns["recovery"]:
            try:
                if found["simulated"] is not None and not found["simulated"]["recover"]:
                    raise CommandFailed("it is simulated that the recovery fails")
                await self._power(found, plan, "CYCLE", "cycle", times.recovery_timeout)
                if await self._power(found, plan, "STATUS", "look", times.recovery_timeout) == "Off":
                    await self._power(found, plan, "ON", "on", times.recovery_timeout)
                done = True
            except AgentError as error:
                log.warning("host %s was not power-cycled: %s", plan["uuid"], error)
                done = False
        await self.write(_recovered, done)

    async def _fence(self, times: Limits) -> None:
        found, plan = await self.write(_try_fence)
        why = ""
        async with self.turns["fence"]:
            try:
                if found["simulated"] is not None and not found["simulated"]["fence"]:
                    raise CommandFailed("it is simulated that the fence fails")
                await self._power(found, plan, "OFF", "off", times.fence_timeout)
                for number in range(fencing.LOOKS):
                    if await self._power(found, plan, "STATUS", f"off-{number}", times.fence_timeout) == "Off":
                        break
                    await self.cloud.clock.sleep(1.0)
                else:
                    raise CommandFailed("the power stays on")
                cut = self.cloud.clock.now()
                await self.cloud.clock.sleep(fencing.A_MOMENT)
                if await self._seen(found, plan, times, "gone", cut):
                    raise CommandFailed("its controller says that the power is off, and others see it alive")
            except AgentError as error:
                why = str(error)
        await self.write(_fence_ended, plan["now"], why)
        if not why:
            while await self.cloud.db.write(lambda tx: fencing.clear(self._ctx(tx), self.host_id)):
                pass
            await self.cloud.db.write(lambda tx: ha.due(self._ctx(tx)))

    def _ctx(self, tx: Any) -> Context:
        return self.cloud.context(tx, self.admin)


def _now(ctx: Context, host_id: int) -> tuple[Row, Plain, bool]:
    """The HA of a host, how the host is reached, and whether the state is what it should be."""
    found, row = host_ha.of(ctx, host_id), access.row(ctx, HOST, host_id)
    if found is None or row["removed"] is not None:
        raise IllegalTransition("the host is gone")
    return found, _plan(ctx, row), host_ha.settled(ctx, found, row)


def _plan(ctx: Context, row: Row) -> Plain:
    return {**fencing.how(ctx, row), "host": address_of(ctx, row["id"])}


def _checked(ctx: Context, found: Row, row: Row, count: int, healthy: bool, times: Limits) -> str:
    """What a health check means. Answers the state after it."""
    if found["update_count"] != count:
        return ""  # it is another state that was checked
    state = found["state"]
    if healthy:
        if state == "Available":
            if found["recoveries"]:
                host_ha.change(ctx, found, recoveries=0)
            return ""
        move(ctx, found, "HealthCheckPassed", checks=0, failures=0, looked=None)
    elif state == "Available":
        move(ctx, found, "HealthCheckFailed", checks=0, failures=0, looked=None)
    elif state == "Suspect":
        if found["looked"] is None or ctx.now - found["looked"] >= times.activity_interval * 1000:
            return str(move(ctx, found, "PerformActivityCheck", looked=ctx.now)["state"])
    elif state == "Degraded" and ctx.now - found["since"] >= times.degraded * 1000:
        move(ctx, found, "PeriodicRecheckResourceActivity", checks=0, failures=0, looked=None)
    return ""


def _activity(ctx: Context, found: Row, row: Row, active: bool, times: Limits) -> None:
    """What an activity check means: too few yet, or enough to say whether the host is dead."""
    if found["state"] != "Checking":
        return
    checks, failures = found["checks"] + 1, found["failures"] + (not active)
    if checks < times.checks:
        move(ctx, found, "TooFewActivityCheckSamples", checks=checks, failures=failures)
    elif failures / checks >= times.ratio:
        move(ctx, found, "ActivityCheckFailureOverThresholdRatio", checks=checks, failures=failures)
    else:
        move(ctx, found, "ActivityCheckFailureUnderThresholdRatio", checks=checks, failures=failures)


def _try_recovery(ctx: Context, found: Row, row: Row, times: Limits) -> tuple[Row, Plain]:
    """One more try of the recovery, or the fence where there have been enough."""
    if found["state"] == "Recovering":
        if found["recoveries"] >= times.recoveries:
            found = move(ctx, found, "RecoveryOperationThresholdExceeded", looked=None)
        else:
            found = host_ha.change(ctx, found, recoveries=found["recoveries"] + 1)
    return found, _plan(ctx, row)


def _recovered(ctx: Context, found: Row, row: Row, done: bool) -> None:
    if found["state"] != "Recovering":
        return
    move(ctx, found, "Recovered" if done else "RetryRecovery", checks=0, failures=0)
    if done:
        _tell(ctx, row, "was power-cycled, because it was not healthy")


def _waited(ctx: Context, found: Row, row: Row, times: Limits) -> None:
    if found["state"] == "Recovered" and ctx.now - found["since"] >= times.recovered * 1000:
        move(ctx, found, "RecoveryWaitPeriodTimeout", looked=None)


def _try_fence(ctx: Context, found: Row, row: Row) -> tuple[Row, Plain]:
    """From here on what the host says does not count, until it is fenced or that failed."""
    if found["state"] != "Fencing":
        raise IllegalTransition("the host is not to be fenced any more")
    ctx.tx.update(schema.host, {"id": row["id"]}, fencing=True)
    # counted: a power cut that was done for an earlier try says nothing of this one
    return host_ha.change(ctx, found, looked=ctx.now), _plan(ctx, row)


def _fence_ended(ctx: Context, found: Row, row: Row, asked: int, why: str) -> None:
    """The host is down where its power was cut, whatever became of its HA meanwhile."""
    if why:
        ctx.tx.update(schema.host, {"id": row["id"]}, fencing=False)
        if found["state"] == "Fencing":
            move(ctx, found, "RetryFencing")
        fencing.trouble(ctx, row, f"host HA could not fence it ({why}): nothing is started elsewhere")
        return
    if found["state"] == "Fencing":
        move(ctx, found, "Fenced", checks=0, failures=0)
        if states.host_resourcestate.can(row["resource_state"], "InternalEnterMaintenance"):
            after = states.host_resourcestate.next(row["resource_state"], "InternalEnterMaintenance")
            ctx.tx.update(schema.host, {"id": row["id"]}, resource_state=after)
    fencing.mark_down(ctx, row["id"], asked)
    _tell(ctx, row, "was fenced by host HA; it is in maintenance until an administrator ends that")


def _tell(ctx: Context, row: Row, text: str) -> None:
    alert.raise_(
        ctx, ACTION, f"host {row['name']} ({row['uuid']}) {text}", zone_id=row["zone_id"], pod_id=row["pod_id"]
    )


async def look(cloud: Cloud, admin: Caller) -> None:
    """Takes every host that HA looks after one step on."""
    found = await cloud.db.read(lambda tx: host_ha.everything(cloud.context(tx, admin)))
    number = cloud.settings.number
    turns = {
        "health": asyncio.Semaphore(max(1, number("ha.max.concurrent.health.check.operations"))),
        "activity": asyncio.Semaphore(max(1, number("ha.max.concurrent.activity.check.operations"))),
        "recovery": asyncio.Semaphore(max(1, number("ha.max.concurrent.recovery.operations"))),
        "fence": asyncio.Semaphore(max(1, number("ha.max.concurrent.fence.operations"))),
    }

    async def one(host_id: int) -> None:
        try:
            await _Guard(cloud, admin, turns, host_id).step()
        except IllegalTransition:
            pass  # somebody else has been faster: the next turn sees what is now

    await asyncio.gather(*(one(row["host_id"]) for row in found if row["enabled"] or row["state"] != "Disabled"))
