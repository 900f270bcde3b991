"""Load balancers for tests: a place whose address has rules that spread connections over machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from invariants import rest
from rulebook import Place

from cloudsim.agents.simulator.balancing import Balancer

WEB = {"name": "web", "algorithm": "roundrobin", "publicport": 80, "privateport": 8080}


@dataclass
class Web(Place):
    """A place with what load balancers are asked."""

    async def make(self, **given: Any) -> dict[str, Any]:
        """A rule at the public address."""
        given = {**WEB, "publicipid": self.address["id"], **given}
        return (await self.api.job("createLoadBalancerRule", **given))["loadbalancer"]

    async def assign(self, rule: dict[str, Any], *machines: dict[str, Any], **given: Any) -> None:
        ids = ",".join(machine["id"] for machine in machines) or None
        await self.api.job("assignToLoadBalancerRule", id=rule["id"], virtualmachineids=ids, **given)

    async def leave(self, rule: dict[str, Any], *machines: dict[str, Any]) -> None:
        ids = ",".join(machine["id"] for machine in machines)
        await self.api.job("removeFromLoadBalancerRule", id=rule["id"], virtualmachineids=ids)

    async def another(self, **given: Any) -> dict[str, Any]:
        """One more machine in the network."""
        return await self.api.deploy(networkids=self.network, **given)

    async def balancer(self) -> Balancer:
        """The load balancers of the router, fresh."""
        await rest(self.server)
        (router, *_) = await self.routers()
        return Balancer(self.server.simulator.router(router["id"]))

    async def spread(self, times: int = 4, port: int = 80, source: str = "203.0.113.9") -> list[str]:
        """Which machines so many connections reach one after the other."""
        balancer = await self.balancer()
        found = [balancer.connect(self.address["ipaddress"], "tcp", port, source) for _ in range(times)]
        return [target[0] for target in found if target is not None]

    async def rule(self, rule: dict[str, Any]) -> dict[str, Any]:
        (found,) = (await self.api.call("listLoadBalancerRules", id=rule["id"]))["loadbalancerrule"]
        return found

    async def stickiness(self, rule: dict[str, Any]) -> list[dict[str, Any]]:
        """The stickiness policies of a rule."""
        (found,) = (await self.api.call("listLBStickinessPolicies", lbruleid=rule["id"]))["stickinesspolicies"]
        policies: list[dict[str, Any]] = found["stickinesspolicy"]
        return policies

    async def names(self, rule: dict[str, Any], **given: Any) -> list[str]:
        found = await self.api.call("listLoadBalancerRuleInstances", id=rule["id"], **given)
        return [one["name"] for one in found.get("loadbalancerruleinstance", [])]


def ip(machine: dict[str, Any]) -> str:
    return str(machine["nic"][0]["ipaddress"])
