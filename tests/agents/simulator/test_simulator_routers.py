"""Simulated routers: what they were told is what they do with a packet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from simulator_helpers import destroy, host, machine, new_id, start, stop

from cloudsim.agents.base import (
    CommandFailed,
    MigrateMachine,
    RebootMachine,
    SetEgressRules,
    SetFirewallRules,
    SetPortForwardingRules,
    StartMachine,
)
from cloudsim.agents.simulator import SimulatorDriver
from cloudsim.agents.simulator.routing import inbound, outbound

H1, H2 = host("h1"), host("h2")
ROUTER = ("m1", "i-2-m1-VM")


def opened(**given: Any) -> dict[str, Any]:
    usual = {"address": "198.18.0.2", "protocol": "tcp", "start": 22, "end": 22, "type": None, "code": None}
    return {**usual, "sources": ["0.0.0.0/0"], **given}


def forwarded(**given: Any) -> dict[str, Any]:
    usual = {"address": "198.18.0.2", "protocol": "tcp", "start": 22, "end": 22, "sources": []}
    return {**usual, "guest": "10.1.1.5", "guest_start": 2222, "guest_end": 2222, **given}


def firewall(*rules: dict[str, Any], command: str | None = None) -> SetFirewallRules:
    return SetFirewallRules(command or new_id(), *ROUTER, rules)


def with_parts(**parts: Any) -> StartMachine:
    return StartMachine(new_id(), replace(machine(), router=parts))


async def test_from_start_to_another_host_and_off(driver: SimulatorDriver) -> None:
    await driver.execute(H1, with_parts(firewall=(opened(),), egress=()))
    assert driver.router("m1") == {"egress": [], "firewall": [opened()]}
    assert await driver.execute(H1, firewall(opened(start=80, end=90))) == {}
    assert driver.router("m1")["firewall"] == [opened(start=80, end=90)]
    await driver.connect(H2)
    await driver.execute(H1, MigrateMachine(new_id(), *ROUTER, H2.uuid, H2.url))
    with pytest.raises(CommandFailed, match="does not run"):
        await driver.execute(H1, firewall())
    await driver.execute(H2, RebootMachine(new_id(), *ROUTER))
    assert driver.router("m1")["firewall"] == [opened(start=80, end=90)]
    # nothing of the kind any more
    await driver.execute(H2, SetEgressRules(new_id(), *ROUTER, None))
    assert driver.router("m1").keys() == {"firewall"}
    await driver.execute(H2, stop())
    assert driver.router("m1") == {}
    with pytest.raises(CommandFailed, match="does not run"):
        await driver.execute(H2, firewall())
    # a start brings all along, and nothing else is left
    await driver.execute(H1, with_parts(portforwarding=(forwarded(),)))
    assert driver.router("m1") == {"portforwarding": [forwarded()]}
    driver.set_host(H1.uuid, False)
    assert driver.router("m1") == {}


async def test_nothing_is_left_of_one_that_was_destroyed(driver: SimulatorDriver) -> None:
    await driver.execute(H1, with_parts(firewall=(opened(),)))
    await driver.execute(H1, destroy())
    assert driver._world.db.execute("SELECT count(*) FROM router_parts").fetchone() == (0,)


async def test_one_that_is_no_router_does_nothing(driver: SimulatorDriver) -> None:
    await driver.execute(H1, start())
    assert driver.router("m1") == {}
    assert driver.router("nobody") == {}


async def test_told_once(driver: SimulatorDriver) -> None:
    await driver.execute(H1, with_parts(firewall=()))
    await driver.execute(H1, firewall(opened(), command="one"))
    await driver.execute(H1, firewall(command="two"))
    await driver.execute(H1, firewall(opened(), command="one"))
    assert driver.router("m1")["firewall"] == []


async def test_what_stays_the_same_is_not_written(driver: SimulatorDriver) -> None:
    await driver.execute(H1, with_parts(firewall=(opened(),)))
    db = driver._world.db
    db.execute("CREATE TEMP TABLE written (n)")
    for change in ("INSERT", "UPDATE"):
        db.execute(
            f"CREATE TEMP TRIGGER t{change} AFTER {change} ON router_parts BEGIN INSERT INTO written VALUES (1); END"
        )
    await driver.execute(H1, firewall(opened()))
    assert db.execute("SELECT count(*) FROM written").fetchone() == (0,)
    await driver.execute(H1, firewall(opened(start=1)))
    assert db.execute("SELECT count(*) FROM written").fetchone() == (1,)


async def test_what_it_does_outlives_the_server(driver: SimulatorDriver, path: Path) -> None:
    await driver.execute(H1, with_parts(firewall=(opened(),)))
    await driver.execute(H1, SetPortForwardingRules(new_id(), *ROUTER, (forwarded(),)))
    await driver.close()
    await driver.open()
    assert driver.router("m1") == {"firewall": [opened()], "portforwarding": [forwarded()]}


def test_in_where_the_firewall_and_a_rule_say_so() -> None:
    parts = {"firewall": [opened(sources=["10.0.0.0/8"])], "portforwarding": [forwarded()]}
    assert inbound(parts, "198.18.0.2", "tcp", 22, "10.9.9.9") == ("10.1.1.5", 2222)
    assert inbound(parts, "198.18.0.2", "tcp", 22, "11.9.9.9") is None
    assert inbound(parts, "198.18.0.3", "tcp", 22, "10.9.9.9") is None
    assert inbound(parts, "198.18.0.2", "udp", 22, "10.9.9.9") is None
    assert inbound(parts, "198.18.0.2", "tcp", 23, "10.9.9.9") is None
    # let in, and sent nowhere; sent on by a router that is no firewall
    assert inbound({**parts, "portforwarding": []}, "198.18.0.2", "tcp", 22, "10.9.9.9") is None
    assert inbound({"portforwarding": [forwarded()]}, "198.18.0.2", "tcp", 22, "11.9.9.9") == ("10.1.1.5", 2222)
    assert inbound({}, "198.18.0.2", "tcp", 22, "10.9.9.9") is None


def test_in_by_static_nat_to_the_same_port() -> None:
    static = {"firewall": [opened(protocol="icmp", type=8, code=-1), opened()]}
    parts = {**static, "staticnat": [{"address": "198.18.0.2", "guest": "10.1.1.5"}]}
    assert inbound(parts, "198.18.0.2", "tcp", 22, "10.9.9.9") == ("10.1.1.5", 22)
    assert inbound(parts, "198.18.0.2", "icmp", 8, "10.9.9.9", 0) == ("10.1.1.5", 8)
    assert inbound(parts, "198.18.0.2", "icmp", 0, "10.9.9.9", 0) is None
    one = {"address": "198.18.0.2", "protocol": "tcp", "start": 20, "end": 22, "sources": ["10.0.0.0/8"]}
    parts = {**static, "ipforwarding": [{**one, "guest": "10.1.1.6"}]}
    assert inbound(parts, "198.18.0.2", "tcp", 22, "10.9.9.9") == ("10.1.1.6", 22)
    assert inbound(parts, "198.18.0.2", "tcp", 22, "11.9.9.9") is None


def test_out_as_the_first_setting_says_that_fits() -> None:
    every = {"protocol": "all", "start": None, "end": None, "type": None, "code": None}
    last = {"action": "deny", **every, "sources": ["0.0.0.0/0"], "destinations": ["0.0.0.0/0"]}
    web = {**last, "action": "allow", "protocol": "tcp", "start": 80, "end": 80, "sources": ["10.1.1.0/24"]}
    parts = {"egress": [web, last]}
    assert outbound(parts, "tcp", 80, "10.1.1.5", "8.8.8.8")
    assert not outbound(parts, "tcp", 81, "10.1.1.5", "8.8.8.8")
    assert not outbound(parts, "tcp", 80, "10.1.2.5", "8.8.8.8")
    assert outbound({}, "tcp", 81, "10.1.1.5", "8.8.8.8")
