"""A machine behind a router, and what comes through to it, for tests of rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apiclient import Api

from cloudsim.agents.simulator import routing
from cloudsim.server import Server

ANYONE = "203.0.113.9"


@dataclass
class Place:
    """A machine in an isolated network, its routers, and the network's public address."""

    api: Api
    server: Server
    machine: dict[str, Any]
    network: str
    address: dict[str, Any]

    @property
    def guest(self) -> str:
        return str(self.machine["nic"][0]["ipaddress"])

    async def routers(self) -> list[dict[str, Any]]:
        return (await self.api.call("listRouters", networkid=self.network, listall=True)).get("router", [])

    async def comes_in(
        self, port: int | None, source: str = ANYONE, protocol: str = "tcp", code: int | None = None
    ) -> routing.Target | None:
        """Where a packet to the public address goes on to: the same by every router that runs."""
        found = [self.server.simulator.router(row["id"]) for row in await self.routers() if row["state"] == "Running"]
        targets = {
            routing.inbound(parts, self.address["ipaddress"], protocol, port, source, code) for parts in found if parts
        }
        (target,) = targets
        return target

    async def lets_in(self, port: int | None, source: str = ANYONE, protocol: str = "tcp", code: int = 0) -> bool:
        """Whether the firewall of the routers lets a packet in at the public address, wherever it goes on to."""
        return all(
            any(
                rule["address"] == self.address["ipaddress"]
                and routing.fits(rule, protocol, port, code)
                and routing.within(source, rule["sources"])
                for rule in self.server.simulator.router(row["id"])["firewall"]
            )
            for row in await self.routers()
        )

    async def gets_out(
        self, port: int | None, destination: str = ANYONE, protocol: str = "tcp", code: int = 0, source: str = ""
    ) -> bool:
        """Whether the routers let a packet of the machine out."""
        return all(
            routing.outbound(
                self.server.simulator.router(row["id"]), protocol, port, source or self.guest, destination, code
            )
            for row in await self.routers()
        )

    async def forward(self, port: int = 22, private: int | None = None, **given: Any) -> dict[str, Any]:
        given = {
            "ipaddressid": self.address["id"], "virtualmachineid": self.machine["id"], "protocol": "tcp",
            "publicport": port, "privateport": private or port, **given,
        }  # fmt: skip
        return (await self.api.job("createPortForwardingRule", **given))["portforwardingrule"]

    async def open(self, start: int | None = None, **given: Any) -> dict[str, Any]:
        given = {"ipaddressid": self.address["id"], "protocol": "tcp", "startport": start, **given}
        return (await self.api.job("createFirewallRule", **given))["firewallrule"]

    async def egress(self, **given: Any) -> dict[str, Any]:
        given = {"networkid": self.network, "protocol": "tcp", **given}
        return (await self.api.job("createEgressFirewallRule", **given))["firewallrule"]

    async def untold(self) -> list[str]:
        """The parts that routers have still to be told."""
        from invariants import rows

        return [part for (part,) in await rows(self.server, "SELECT part FROM router_untold ORDER BY part")]


async def place(api: Api, server: Server, **given: Any) -> Place:
    """A machine that runs, and what is around it."""
    machine = await api.deploy(**given)
    network = machine["nic"][0]["networkid"]
    found = await api.call("listPublicIpAddresses", associatednetworkid=network, listall=True)
    return Place(api, server, machine, network, found["publicipaddress"][0])


async def offering(api: Api, *services: str, egress: bool | None = None, **given: Any) -> str:
    """A network offering whose services come from the virtual router; answers its id."""
    providers: dict[str, Any] = {}
    for number, service in enumerate(services):
        providers[f"serviceproviderlist[{number}].service"] = service
        providers[f"serviceproviderlist[{number}].provider"] = "VirtualRouter"
    made = await api.call(
        "createNetworkOffering", "POST", name="-".join(services) + str(egress), displaytext="own", enable=True,
        guestiptype="Isolated", traffictype="Guest", supportedservices=",".join(services),
        egressdefaultpolicy=egress, **providers, **given,
    )  # fmt: skip
    return str(made["networkoffering"]["id"])


USUAL = ("Dhcp", "Dns", "SourceNat", "Firewall", "PortForwarding", "StaticNat", "Lb")


async def network(api: Api, offered: str, **given: Any) -> str:
    zone = (await api.call("listZones"))["zone"][0]["id"]
    made = await api.call("createNetwork", name="n", zoneid=zone, networkofferingid=offered, **given)
    return str(made["network"]["id"])


async def redundant(api: Api, server: Server) -> Place:
    """A machine behind two routers that stand in for each other."""
    offered = await offering(
        api, *USUAL,
        **{"servicecapabilitylist[0].service": "SourceNat", "servicecapabilitylist[0].capabilitytype": "RedundantRouter",
           "servicecapabilitylist[0].capabilityvalue": "true"},
    )  # fmt: skip
    return await place(api, server, networkids=await network(api, offered))
