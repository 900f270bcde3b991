"""Faults of the simulator, on order."""

from __future__ import annotations

from cloudsim.api.command import Body, Command
from cloudsim.api.params import Parameters, integer, long, ref, string
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.simulator import MOCK
from cloudsim.core.caller import Caller
from cloudsim.core.errors import BadParameter
from cloudsim.services import nouns, simulator
from cloudsim.services.context import Cloud, Context

_SECONDS = "wait:MILLISECONDS, fail, fail:TEXT, hang, drop, lose, fail_after, probability:SHARE, parted by |"


class ConfigureSimulator(Command, name="configureSimulator", response=MOCK, reads=True):
    """Puts a fault on order: what simulated hosts do when they are sent a command."""

    name = string("The command of the agents that it is for, such as StartCommand; * is for all", required=True)
    value = string("What happens: " + _SECONDS, required=True)
    clusterid = ref(nouns.CLUSTER, "Only on hosts of this cluster")
    count = integer("How often it happens; without end where nothing is said")
    hostid = ref(nouns.HOST, "Only on this host")
    jsonresponse = string(length=4096)
    podid = ref(nouns.POD, "Only on hosts of this pod")
    zoneid = ref(nouns.ZONE, "Only on hosts of this zone")

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        wanted = await cloud.db.read(lambda tx: cls(cloud.context(tx, caller), parameters))
        places = {"zone": wanted.zoneid, "pod": wanted.podid, "cluster": wanted.clusterid, "host": wanted.hostid}
        parameters.prepared["rule"] = simulator.put(
            cloud,
            wanted.name,
            wanted.value,
            wanted.count,
            {kind: row["uuid"] for kind, row in places.items() if row is not None},
            wanted.jsonresponse,
        )

    def run(self, ctx: Context) -> Body:
        return {"simulatormock": simulator.shown(ctx, self.prepared["rule"])}


class QuerySimulatorMock(Command, name="querySimulatorMock", response=MOCK, reads=True):
    """Tells a fault that was put on order, and how often it is still to happen."""

    id = long()

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        wanted = await cloud.db.read(lambda tx: cls(cloud.context(tx, caller), parameters))
        parameters.prepared["rule"] = simulator.get(cloud, _given(wanted.id))

    def run(self, ctx: Context) -> Body:
        return {"simulatormock": simulator.shown(ctx, self.prepared["rule"])}


class CleanupSimulatorMock(Command, name="cleanupSimulatorMock", response=SUCCESS, reads=True):
    """Takes back a fault that was put on order."""

    id = long()

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        wanted = await cloud.db.read(lambda tx: cls(cloud.context(tx, caller), parameters))
        simulator.remove(cloud, _given(wanted.id))

    def run(self, ctx: Context) -> Body:
        return {"success": True}


def _given(rule: int | None) -> int:
    if rule is None:
        raise BadParameter("parameter id is missing")
    return rule
