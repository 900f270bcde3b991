"""What simulated routers do."""

from __future__ import annotations

from cloudsim.api.command import Body, ListCommand
from cloudsim.api.params import Parameters, ref, string
from cloudsim.api.responses.simulatedrouter import SIMULATED_PART
from cloudsim.core.caller import Caller
from cloudsim.services import simulated_router
from cloudsim.services.context import Cloud, Context
from cloudsim.services.nouns import NETWORK, ROUTER


class ListSimulatedRouterRules(
    ListCommand,
    name="listSimulatedRouterRules",
    response=SIMULATED_PART,
    ours="who tests against the simulator wants to know what a virtual router enforces, not what it was meant to",
):
    """Lists what simulated virtual routers enforce at this moment, part by part; a router that does not run does nothing."""

    networkid = ref(NETWORK, "Only the routers of this network")
    part = string("Only this part, such as firewall or portforwarding")
    routerid = ref(ROUTER, "Only this router")

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        wanted = await cloud.db.read(lambda tx: cls(cloud.context(tx, caller), parameters))
        routers = await cloud.db.read(
            lambda tx: simulated_router.routers(cloud.context(tx, caller), wanted.routerid, wanted.networkid)
        )
        parameters.prepared["found"] = simulated_router.enforced(cloud, routers, wanted.part, wanted.keyword)

    def run(self, ctx: Context) -> Body:
        return ListCommand.part(self, ctx, self.prepared["found"])
