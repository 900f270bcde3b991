"""Apache Libcloud's load balancer driver for CloudStack, against a real server."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlparse

from apiclient import Api
from balancers import Web
from libcloud.loadbalancer.base import Member
from libcloud.loadbalancer.drivers.cloudstack import CloudStackLBDriver
from libcloud.loadbalancer.types import State
from rulebook import place

from cloudsim.server import Server


def driver(api: Api) -> Any:
    url = urlparse(api.endpoint)
    made = CloudStackLBDriver(
        key=api.key, secret=api.secret, secure=False, host=url.hostname, port=url.port, path=url.path
    )
    made.async_poll_frequency = made.connection.poll_interval = 0.02
    return made


def machines(made: Any, rule: str, machine: dict[str, Any]) -> None:
    """A machine comes to a rule and goes."""
    (listed,) = made.list_balancers()
    balancer = made.get_balancer(rule)
    assert (listed.id, balancer.name, balancer.port, balancer.state) == (rule, "web", "80", State.UNKNOWN)
    assert balancer.attach_member(Member(machine["id"], None, None))
    (member,) = balancer.list_members()
    assert (member.id, member.ip, member.port) == (machine["id"], machine["nic"][0]["ipaddress"], "8080")
    assert made.get_balancer(rule).state == State.RUNNING
    assert balancer.detach_member(member)
    assert made.get_balancer(rule).state == State.UNKNOWN


def whole(made: Any, network: str, machine: dict[str, Any]) -> None:
    """A balancer with an address of its own, and its end."""
    members = [Member(machine["id"], None, None)]
    balancer = made.create_balancer("shop", members, port=80, private_port=8080, network_id=network)
    assert [found.id for found in made.list_balancers()] == [balancer.id]
    assert [member.id for member in balancer.list_members()] == [machine["id"]]
    balancer.destroy()
    assert made.list_balancers() == []


async def test_machines_come_and_go(api: Api, server: Server) -> None:
    here = Web(**vars(await place(api, server)))
    rule = await here.make()
    await asyncio.to_thread(machines, driver(api), rule["id"], here.machine)


async def test_a_balancer_from_making_to_its_end(api: Api, server: Server) -> None:
    here = Web(**vars(await place(api, server)))
    await asyncio.to_thread(whole, driver(api), here.network, here.machine)
