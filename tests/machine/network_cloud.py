"""The small cloud with what the other half of a guide is about: networks, addresses, rules, cards and disks.

As `cloud_machine.Cloud`, but for what may happen: it adds what is asked of these things, and checks after each step that
no address is given twice, no rule is left without its address, no volume is on two machines; and once hosts are mended,
that each simulated router enforces what the lists show, and nothing else.
"""

from __future__ import annotations

from typing import Any

import invariants
from cloud_machine import Cloud
from routers_checked import check_routers

#: The periodic tasks of these things, beside those of `cloud_machine`.
TASKS = (
    "network-cards", "network-gc", "router-rules", "storage-cleanup", "volume-doubts", "snapshot-cleanup", "image-files",
)  # fmt: skip
#: How many networks a run has at most.
NETWORKS = 3
PORTS = (22, 80, 443, 8080)
PROTOCOLS = ("tcp", "udp", "tcp", "icmp")
SOURCES = (None, "10.0.0.0/8", "192.0.2.0/24")

_NETWORKS = "SELECT uuid FROM network WHERE removed IS NULL AND guest_type = 'Isolated' ORDER BY id"
_MACHINES = "SELECT uuid FROM vm WHERE removed IS NULL AND type = 'User' ORDER BY id"
_ADDRESSES = "SELECT uuid FROM public_ip WHERE network_id IS NOT NULL AND NOT is_system ORDER BY id"
_FREE_ADDRESSES = (
    "SELECT uuid FROM public_ip WHERE network_id IS NOT NULL AND NOT is_system AND NOT source_nat ORDER BY id"
)
_NATTED = "SELECT uuid FROM public_ip WHERE static_nat AND NOT is_system ORDER BY id"
_BALANCERS = "SELECT uuid FROM firewall_rule WHERE removed IS NULL AND purpose = 'LoadBalancing' ORDER BY id"
_DISKS_IN = "SELECT uuid FROM volume WHERE removed IS NULL AND type = 'DATADISK' AND state IN ({}) ORDER BY id"
_DISKS = _DISKS_IN.format("'Allocated', 'Ready'")
_GONE_DISKS = _DISKS_IN.format("'Destroy'")
_SNAPSHOTS = "SELECT uuid FROM snapshot WHERE removed IS NULL ORDER BY id"


class NetworkCloud(Cloud):
    """The cloud, and what is asked of its networks and disks."""

    tasks = (*Cloud.tasks, *TASKS)

    async def offering_id(self, table: str, where: str, number: int = 0) -> str | None:
        """An offering."""
        return await self.one(f"SELECT uuid FROM {table} WHERE removed IS NULL AND {where} ORDER BY id", number)

    # -- networks

    async def make_network(self, number: int) -> None:
        """A network of someone's, as long as there are few."""
        if len(await self.rows(_NETWORKS)) < NETWORKS:
            offered = await self.offering_id(
                "network_offering", "name = 'DefaultIsolatedNetworkOfferingWithSourceNatService'"
            )
            who = ("admin", "user", "other", "admin")[number % 4]
            given = {"projectid": self.project} if number % 4 == 3 and await self.rows(self._project()) else {}
            self.ask(
                who if who in self.keys else "admin", "createNetwork", name=f"n{number}", networkofferingid=offered,
                zoneid=self.zone, **given,
            )  # fmt: skip

    async def machine_at(self, table: str, uuid: str | None, number: int) -> str | None:
        """A machine in the network of an address or rule, mostly; now and then any."""
        if uuid is None or number == 3:
            return await self.one(_MACHINES, number)
        near = (
            "SELECT v.uuid FROM vm v JOIN nic n ON n.vm_id = v.id AND n.removed IS NULL"
            f" JOIN {table} t ON t.network_id = n.network_id WHERE v.removed IS NULL AND v.type = 'User'"
            f" AND t.uuid = '{uuid}' ORDER BY v.id"
        )
        return await self.one(near, number)

    def _project(self) -> str:
        return f"SELECT 1 FROM project WHERE uuid = '{self.project}' AND removed IS NULL"

    async def owner(self, table: str, uuid: str) -> tuple[str, dict[str, Any]]:
        """Who asks for what shall belong to the owner of something, and what they say for it."""
        ((name, project),) = await self.rows(
            "SELECT a.name, a.project_uuid FROM account a"
            f" JOIN {table} t ON t.account_id = a.id WHERE t.uuid = '{uuid}'"
        )
        return (name if name in self.keys else "admin"), ({"projectid": project} if project else {})

    async def deploy_in(self, network: int, offering: int, more: int) -> None:
        """A machine in a network, or in two, or one that stays off."""
        networks = [uuid for (uuid,) in await self.rows(_NETWORKS)]
        if not networks:
            return
        wanted = [networks[network % len(networks)]]
        if more == 1 and len(networks) > 1:
            wanted.append(networks[(network + 1) % len(networks)])
        who, given = await self.owner("network", wanted[0])
        self.ask(
            who, "deployVirtualMachine", zoneid=self.zone, templateid=self.template, startvm=more != 2,
            serviceofferingid=self.offerings[offering % len(self.offerings)], networkids=",".join(wanted), **given,
        )  # fmt: skip

    async def change_network(self, which: int, number: int) -> None:
        """A network is restarted or deleted, or gets another offering."""
        found = await self.one(_NETWORKS, number)
        if found is None:
            return
        other = await self.offering_id("network_offering", "guest_type = 'Isolated' AND NOT for_vpc", number)
        command, given = (
            ("restartNetwork", {"cleanup": False}),
            ("restartNetwork", {"cleanup": True}),
            ("deleteNetwork", {}),
            ("deleteNetwork", {"forced": True}),
            ("updateNetwork", {"networkofferingid": other}),
        )[which % 5]
        self.ask("admin", command, id=found, **given)

    # -- addresses and rules

    async def address(self, which: int, number: int) -> None:
        """An address is taken for a network, or given back."""
        if which % 3 < 2:
            found = await self.one(_NETWORKS, number)
            if found is not None:
                self.ask("admin", "associateIpAddress", networkid=found)
            return
        found = await self.one(_FREE_ADDRESSES, number)
        if found is not None:
            self.ask("admin", "disassociateIpAddress", id=found)

    async def rule(self, which: int, number: int, port: int, machine: int) -> None:
        """A rule is made on an address, or for what goes out."""
        what = which % 7
        free = {4: _FREE_ADDRESSES, 5: _NATTED}.get(what, _ADDRESSES)
        network, address = await self.one(_NETWORKS, number), await self.one(free, number)
        target = await self.machine_at("public_ip", address, machine)
        wire = PROTOCOLS[port % len(PROTOCOLS)]
        first = PORTS[number % len(PORTS)]
        ports = {} if wire == "icmp" else {"startport": first, "endport": first + port}
        if wire == "icmp":
            ports = {"icmptype": -1, "icmpcode": -1}
        source = SOURCES[machine % len(SOURCES)]
        if what == 1 and network is not None:
            source = "10.1.1.0/25" if source else None
            self.ask("admin", "createEgressFirewallRule", networkid=network, protocol=wire, cidrlist=source, **ports)
        if address is None or what == 1:
            return
        if what == 0:
            self.ask("admin", "createFirewallRule", ipaddressid=address, protocol=wire, cidrlist=source, **ports)
        elif what == 2 and target is not None:
            self.ask(
                "admin", "createPortForwardingRule", ipaddressid=address, virtualmachineid=target, protocol="tcp",
                publicport=first, privateport=first + port, openfirewall=bool(machine % 2),
            )  # fmt: skip
        elif what == 3:
            self.ask(
                "admin", "createLoadBalancerRule", publicipid=address, publicport=first, privateport=first + port,
                algorithm=("roundrobin", "leastconn", "source")[port % 3], name=f"lb{first}",
                openfirewall=bool(machine % 2),
            )  # fmt: skip
        elif what == 4 and target is not None:
            self.ask("admin", "enableStaticNat", ipaddressid=address, virtualmachineid=target)
        elif what == 5:
            self.ask("admin", "createIpForwardingRule", ipaddressid=address, protocol="tcp", startport=first,
                     endport=first + port, openfirewall=bool(machine % 2))  # fmt: skip
        elif what == 6:
            found = await self.one(_BALANCERS, number)
            if found is not None:
                self.ask("admin", "createLBStickinessPolicy", lbruleid=found, name=f"p{port}", methodname="SourceBased")

    async def change_rule(self, which: int, number: int, machine: int) -> None:
        """A rule is changed or deleted, or a machine comes to a load balancer or leaves it."""
        what = which % 10
        if what == 5:
            found = await self.one(_NATTED, number)
            if found is not None:
                self.ask("admin", "disableStaticNat", ipaddressid=found)
            return
        sql = "SELECT uuid FROM firewall_rule WHERE removed IS NULL AND {} ORDER BY id"
        purpose, command = (
            ("purpose = 'Firewall' AND traffic_type = 'Ingress'", "deleteFirewallRule"),
            ("purpose = 'Firewall' AND traffic_type = 'Egress'", "deleteEgressFirewallRule"),
            ("purpose = 'PortForwarding'", "deletePortForwardingRule"),
            ("purpose = 'LoadBalancing'", "deleteLoadBalancerRule"),
            ("purpose = 'LoadBalancing'", "assignToLoadBalancerRule"),
            ("", ""),
            ("purpose = 'StaticNat'", "deleteIpForwardingRule"),
            ("purpose = 'PortForwarding'", "updatePortForwardingRule"),
            ("purpose = 'LoadBalancing'", "updateLoadBalancerRule"),
            ("purpose = 'LoadBalancing'", "assignToLoadBalancerRule"),
        )[what]
        found = await self.one(sql.format(purpose), number)
        target = await self.machine_at("firewall_rule", found, machine)
        if found is None:
            return
        if command == "updatePortForwardingRule":
            self.ask("admin", command, id=found, privateport=PORTS[machine % 4], virtualmachineid=target)
        elif command == "updateLoadBalancerRule":
            self.ask("admin", command, id=found, algorithm=("roundrobin", "leastconn", "source")[machine % 3])
        elif what not in (4, 9):
            self.ask("admin", command, id=found)
        elif target is not None:
            command = "assignToLoadBalancerRule" if number % 3 else "removeFromLoadBalancerRule"
            self.ask("admin", command, id=found, virtualmachineids=target)

    # -- cards

    async def card(self, which: int, number: int, network: int) -> None:
        """A machine gets a card or loses one, another default one, or one more address."""
        target = await self.one(_MACHINES, number)
        if target is None:
            return
        nic = await self.one(
            f"SELECT n.uuid FROM nic n JOIN vm v ON n.vm_id = v.id WHERE v.uuid = '{target}' AND n.removed IS NULL"
            " ORDER BY n.id",
            network,
        )
        what = which % 5
        if what == 0:
            found = await self.one(
                "SELECT w.uuid FROM network w JOIN vm v ON w.account_id = v.account_id"
                f" WHERE v.uuid = '{target}' AND w.removed IS NULL AND w.guest_type = 'Isolated' AND w.id NOT IN"
                " (SELECT n.network_id FROM nic n WHERE n.vm_id = v.id AND n.removed IS NULL) ORDER BY w.id",
                network,
            )
            if found is not None:
                self.ask("admin", "addNicToVirtualMachine", virtualmachineid=target, networkid=found)
        elif what == 4:
            found = await self.one("SELECT uuid FROM nic_secondary_ip WHERE removed IS NULL ORDER BY id", number)
            if found is not None:
                self.ask("admin", "removeIpFromNic", id=found)
        elif nic is not None:
            command = ("removeNicFromVirtualMachine", "updateDefaultNicForVirtualMachine", "addIpToNic")[what - 1]
            given = {} if what == 3 else {"virtualmachineid": target}
            self.ask("admin", command, nicid=nic, **given)

    # -- disks

    async def disk(self, which: int, number: int, machine: int) -> None:
        """A disk is made, attached, detached, resized, moved, deleted or recovered."""
        offered = await self.offering_id("disk_offering", "name = 'Custom'")
        target, found = await self.one(_MACHINES, machine), await self.one(_DISKS, number)
        what = which % 9
        if what == 0:
            who, given = await self.owner("vm", target) if target is not None else ("admin", {})
            self.ask(
                who, "createVolume", name=f"d{number}", zoneid=self.zone, diskofferingid=offered, size=1 + number, **given
            )  # fmt: skip
        elif what == 8:
            gone = await self.one(_GONE_DISKS, number)
            if gone is not None:
                self.ask("admin", "recoverVolume", id=gone)
        elif found is None:
            return
        elif what in (1, 2):
            if target is not None:
                self.ask("admin", "attachVolume", id=found, virtualmachineid=target)
        elif what == 3:
            self.ask("admin", "detachVolume", id=found)
        elif what == 4:
            self.ask("admin", "resizeVolume", id=found, size=1 + machine, shrinkok=bool(number % 2))
        elif what == 5:
            pool = await self.one("SELECT uuid FROM storage_pool WHERE removed IS NULL ORDER BY id", machine)
            self.ask("admin", "migrateVolume", volumeid=found, storageid=pool, livemigrate=True)
        elif what == 6:
            self.ask("admin", "deleteVolume", id=found)
        else:
            self.ask("admin", "destroyVolume", id=found, expunge=bool(machine % 2))

    async def volume_snapshot(self, which: int, number: int) -> None:
        """A snapshot of a disk is made, gone back to or deleted, or a disk made from it."""
        if which % 4 == 0:
            found = await self.one(
                "SELECT uuid FROM volume WHERE removed IS NULL AND state = 'Ready' AND NOT is_system ORDER BY id",
                number,
            )
            if found is not None:
                self.ask("admin", "createSnapshot", volumeid=found)
            return
        found = await self.one(_SNAPSHOTS, number)
        if found is None:
            return
        if which % 4 == 1:
            self.ask("admin", "createVolume", name="copy", snapshotid=found, zoneid=self.zone)
        else:
            self.ask("admin", "revertSnapshot" if which % 4 == 2 else "deleteSnapshot", id=found)

    # -- what must hold

    async def rest(self) -> None:
        await super().rest()
        await check_always(self)

    async def heal(self) -> None:
        await super().heal()
        await check_always(self)
        await check_routers(self)
        await invariants.none(
            self.server, "SELECT r.uuid, r.state FROM firewall_rule r WHERE removed IS NULL AND state = 'Revoke'"
        )
        await invariants.none(
            self.server,
            "SELECT v.uuid, u.part FROM router_untold u JOIN vm v ON u.vm_id = v.id WHERE v.removed IS NULL",
        )


async def check_always(cloud: Cloud) -> None:
    """What holds at rest, whatever hosts do."""
    for wrong in (
        # no address twice: of the outside, of cards and their further addresses
        "SELECT address FROM public_ip WHERE removed IS NULL GROUP BY vlan_id, address HAVING count(*) > 1",
        "SELECT ip FROM (SELECT network_id, ip FROM nic WHERE removed IS NULL AND ip IS NOT NULL"
        " UNION ALL SELECT network_id, ip FROM nic_secondary_ip WHERE removed IS NULL) AS a"
        " GROUP BY network_id, ip HAVING count(*) > 1",
        # no rule without its address, in the network of that address, for a machine that is there
        "SELECT r.uuid FROM firewall_rule r LEFT JOIN public_ip p ON r.public_ip_id = p.id"
        " WHERE r.removed IS NULL AND r.traffic_type = 'Ingress'"
        " AND (p.id IS NULL OR p.state <> 'Allocated' OR p.network_id <> r.network_id)",
        "SELECT r.uuid FROM firewall_rule r JOIN network n ON r.network_id = n.id"
        " WHERE r.removed IS NULL AND n.removed IS NOT NULL",
        "SELECT r.uuid FROM firewall_rule r JOIN vm v ON r.vm_id = v.id"
        " WHERE r.removed IS NULL AND r.state <> 'Revoke' AND v.removed IS NOT NULL",
        # (a load balancer without machines is still Add)
        "SELECT uuid, state FROM firewall_rule"
        " WHERE removed IS NULL AND state NOT IN ('Active', 'Revoke') AND purpose <> 'LoadBalancing'",
        # a public address and its network have one owner
        "SELECT p.address FROM public_ip p JOIN network n ON p.network_id = n.id WHERE p.account_id <> n.account_id",
        # no two cards of a machine in one place
        "SELECT vm_id FROM nic WHERE removed IS NULL GROUP BY vm_id, device_id HAVING count(*) > 1",
        "SELECT vm_id FROM nic WHERE removed IS NULL AND is_default GROUP BY vm_id HAVING count(*) > 1",
        # no two disks of a machine in one place, none of a machine that is gone, none in between
        "SELECT vm_id FROM volume WHERE removed IS NULL AND vm_id IS NOT NULL AND state NOT IN ('Destroy', 'Expunging')"
        " GROUP BY vm_id, device_id HAVING count(*) > 1",
        "SELECT d.uuid FROM volume d JOIN vm v ON d.vm_id = v.id WHERE d.removed IS NULL AND v.removed IS NOT NULL",
        "SELECT uuid, state FROM volume WHERE removed IS NULL"
        " AND state NOT IN ('Allocated', 'Ready', 'Destroy', 'Expunging', 'Uploaded')",
        "SELECT uuid, state FROM snapshot WHERE removed IS NULL AND state NOT IN ('BackedUp', 'Error', 'Destroyed')",
    ):
        await invariants.none(cloud.server, wrong)
    on = [one for one in cloud.server.simulator.machines() if one.power == "PowerOn"]
    used: dict[str, str] = {}
    for machine in on:
        for disk in cloud.server.simulator.disks().get(machine.uuid, ()):
            assert used.setdefault(disk["uuid"], machine.uuid) == machine.uuid, (
                f"volume {disk['uuid']} is on two machines"
            )
