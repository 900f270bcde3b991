"""A basic zone on PostgreSQL: addresses of pods, rules of security groups, ranges."""

from __future__ import annotations

import asyncio
from pathlib import Path

import zones
from invariants import check, rest


async def test_a_basic_zone_lives_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    async with zones.empty_server(tmp_path, database=postgres_url) as (server, api):
        made = await zones.basic_zone(api)
        machines = await asyncio.gather(*(api.deploy() for _ in range(5)))
        assert len({machine["nic"][0]["ipaddress"] for machine in machines}) == 5
        rule = {"protocol": "tcp", "startport": 22, "cidrlist": "0.0.0.0/0"}
        own = {"usersecuritygrouplist[0].account": "admin", "usersecuritygrouplist[0].group": "default"}
        told = (await api.job("authorizeSecurityGroupIngress", securitygroupname="default", **rule, **own))[
            "securitygroup"
        ]
        await rest(server)
        for machine in machines:
            assert server.simulator.permits(machine["id"], "ingress", "tcp", "8.8.8.8", 22)
        for one in told["ingressrule"]:
            await api.job("revokeSecurityGroupIngress", id=one["ruleid"])
        held = await api.call("listPublicIpAddresses", forvirtualnetwork=False, networkid=made["networkid"])
        assert {row["virtualmachineid"] for row in held["publicipaddress"] if "virtualmachineid" in row} == {
            machine["id"] for machine in machines
        }
        (group,) = (await api.call("listSecurityGroups", virtualmachineid=machines[0]["id"]))["securitygroup"]
        assert (group["ingressrule"], group["virtualmachinecount"]) == ([], 5)
        await api.call("updateVlanIpRange", id=made["ranges"][0], endip="10.1.1.150")
        for machine in machines:
            await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
        await server.periodic.run_now("security-groups")
        await check(server)
