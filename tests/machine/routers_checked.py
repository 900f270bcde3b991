"""What simulated routers enforce, against what the lists of networks, addresses, rules and machines show."""

from __future__ import annotations

from typing import Any

from cloud_machine import Cloud

ANYWHERE = "0.0.0.0/0"
#: The parts of routers, and the services of their network that bring each along.
SERVICES = {
    "firewall": "Firewall", "egress": "Firewall", "portforwarding": "PortForwarding", "staticnat": "StaticNat",
    "ipforwarding": "StaticNat", "loadbalancer": "Lb", "dhcp": "Dhcp", "dns": "Dns",
    "addresses": "SourceNat StaticNat PortForwarding Lb Firewall",
}  # fmt: skip
Plain = dict[str, Any]


async def check_routers(cloud: Cloud) -> None:
    """Each router that runs enforces what the lists show, and nothing else; nothing is left to be told or taken away."""
    api = cloud.api("admin")
    routers = (await api.call("listRouters", listall=True, projectid=-1, state="Running")).get("router", [])
    routers += (await api.call("listRouters", listall=True, state="Running")).get("router", [])
    for router in {one["id"]: one for one in routers}.values():
        answer = await api.call("listSimulatedRouterRules", routerid=router["id"])
        parts = {one["part"]: one["setting"] for one in answer.get("simulatedrouterrule", [])}
        shown = Shown(cloud, router["guestnetworkid"])
        wanted = await shown.parts()
        assert set(parts) == set(wanted), (router["name"], sorted(parts), sorted(wanted))
        for part, settings in wanted.items():
            told = [TOLD[part](one) for one in parts[part]]
            cloud.counts[f"compared {part}"] += bool(settings)
            assert sorted(told, key=repr) == sorted(settings, key=repr), (router["name"], part, parts[part], settings)


class Shown:
    """What the lists show of one network, as its router should have been told."""

    def __init__(self, cloud: Cloud, network: str) -> None:
        self.cloud = cloud
        self.api = cloud.api("admin")
        self.network = network

    async def listed(self, command: str, noun: str, **given: Any) -> list[Plain]:
        """All of a list, in whatever project; nothing in between is among them."""
        given = {"listall": True, **given}
        rows = (await self.api.call(command, **given)).get(noun, [])
        rows += (await self.api.call(command, **given, projectid=-1)).get(noun, [])
        found = list({row["id"]: row for row in rows}.values())
        assert all(row.get("state") not in ("Deleting", "Revoke", "Allocating", "Releasing") for row in found), found
        return found

    async def parts(self) -> dict[str, list[Any]]:
        """Every part that the network's offering brings along."""
        (network,) = await self.listed("listNetworks", "network", id=self.network)
        answer = await self.api.call("listNetworkOfferings", id=network["networkofferingid"])
        (offering,) = answer["networkoffering"]
        services = {
            one["name"]
            for one in offering["service"]
            if any(provider["name"] == "VirtualRouter" for provider in one["provider"])
        }
        rules = {
            command: await self.listed(f"list{command}", noun, networkid=self.network)
            for command, noun in (
                ("FirewallRules", "firewallrule"),
                ("EgressFirewallRules", "firewallrule"),
                ("PortForwardingRules", "portforwardingrule"),
                ("IpForwardingRules", "ipforwardingrule"),
                ("LoadBalancerRules", "loadbalancerrule"),
            )
        }
        addresses = await self.listed("listPublicIpAddresses", "publicipaddress", associatednetworkid=self.network)
        machines = await self.listed("listVirtualMachines", "virtualmachine", networkid=self.network)
        ran = await self.cloud.rows("SELECT uuid FROM vm WHERE host_id IS NOT NULL OR last_host_id IS NOT NULL")
        cards = [
            (machine, card)
            for machine in machines
            for card in machine["nic"]
            if card["networkid"] == self.network and (machine["id"],) in ran
        ]
        domain = network.get("networkdomain")
        usual, other = ("allow", "deny") if offering["egressdefaultpolicy"] else ("deny", "allow")
        every = {
            "firewall": [(one["ipaddress"], *_matched(one), one["cidrlist"] or ANYWHERE)
                         for one in rules["FirewallRules"]],
            "egress": [
                (usual, "all", None, None, None, None, ANYWHERE, ANYWHERE),
                *((other, *_matched(one), one["cidrlist"] or ANYWHERE, one["destcidrlist"] or ANYWHERE)
                  for one in rules["EgressFirewallRules"]),
            ],
            "portforwarding": [
                (one["ipaddress"], one["protocol"], one["publicport"], one["publicendport"], one["vmguestip"],
                 one["privateport"], one["privateendport"], one["cidrlist"]) for one in rules["PortForwardingRules"]
            ],
            "ipforwarding": [
                (one["ipaddress"], one["protocol"], one["publicport"], one["publicendport"], one["vmguestip"])
                for one in rules["IpForwardingRules"]
                if one["networkid"] == self.network  # (this list knows no network)
            ],
            "staticnat": [(one["ipaddress"], one["vmipaddress"]) for one in addresses if one["isstaticnat"]],
            "addresses": [(one["ipaddress"], one["issourcenat"]) for one in addresses],
            "loadbalancer": [await self.balanced(one) for one in rules["LoadBalancerRules"] if one["state"] == "Active"],
            "dhcp": [(card["macaddress"], card["ipaddress"], card["gateway"] if card["isdefault"] else None,
                      machine["name"]) for machine, card in cards],
            "dns": [(f"{machine['name']}.{domain}", card["ipaddress"]) for machine, card in cards],
        }  # fmt: skip
        self.cloud.counts["compared egress rules"] += bool(rules["EgressFirewallRules"])
        self.cloud.counts["compared members"] += any(one[-1] for one in every["loadbalancer"])
        self.cloud.counts["compared further addresses"] += len(addresses) > 1
        self.cloud.counts["compared further cards"] += any(not card["isdefault"] for _, card in cards)
        return {part: settings for part, settings in every.items() if services.intersection(SERVICES[part].split())}

    async def balanced(self, rule: Plain) -> tuple[Any, ...]:
        """A load balancer with the machines that answer."""
        answer = await self.api.call("listLoadBalancerRuleInstances", id=rule["id"], lbvmips=True)
        guests = [
            (address, rule["privateport"])
            for one in answer.get("lbrulevmidip", [])
            if one["loadbalancerruleinstance"]["state"] == "Running"
            for address in one["lbvmipaddresses"]
        ]
        answer = await self.api.call("listLBStickinessPolicies", lbruleid=rule["id"])
        found = [one["methodname"] for each in answer.get("stickinesspolicies", []) for one in each["stickinesspolicy"]]
        return (
            rule["id"], rule["publicip"], rule["publicport"], rule.get("protocol", "tcp"), rule["algorithm"],
            rule.get("cidrlist", ""), found, sorted(guests),
        )  # fmt: skip


def _matched(row: Plain) -> tuple[Any, ...]:
    return tuple(row.get(key) for key in ("protocol", "startport", "endport", "icmptype", "icmpcode"))


def _fits(one: Plain) -> tuple[Any, ...]:
    return tuple(one[key] for key in ("protocol", "start", "end", "type", "code"))


def _forwarded(one: Plain) -> tuple[Any, ...]:
    return one["address"], one["protocol"], str(one["start"]), str(one["end"]), one["guest"]


#: What a router was told, part by part, in the form of `Shown.parts`.
TOLD: dict[str, Any] = {
    "firewall": lambda one: (one["address"], *_fits(one), ",".join(one["sources"])),
    "egress": lambda one: (
        one["action"], *_fits(one), ",".join(one["sources"]), ",".join(one["destinations"])),
    "portforwarding": lambda one: (
        *_forwarded(one), str(one["guest_start"]), str(one["guest_end"]), ",".join(one["sources"])),
    "ipforwarding": _forwarded,
    "staticnat": lambda one: (one["address"], one["guest"]),
    "addresses": lambda one: (one["address"], one["source_nat"]),
    "loadbalancer": lambda one: (
        one["rule"], one["address"], str(one["port"]), one["protocol"], one["algorithm"], ",".join(one["sources"]),
        [one["stickiness"]["method"]] if one["stickiness"] else [],
        sorted((guest["guest"], str(guest["port"])) for guest in one["members"])),
    "dhcp": lambda one: (one["mac"], one["address"], one["gateway"], one["hostname"]),
    "dns": lambda one: (one["name"], one["address"]),
}  # fmt: skip
