"""Rules of security groups on simulated hosts: brought by a start, changed while it runs, taken along, done once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from simulator_helpers import host, machine, new_id, start, stop

from cloudsim.agents.base import (
    CommandFailed,
    MigrateMachine,
    SecurityRule,
    SecuritySpec,
    SetSecurityRules,
    StartMachine,
)
from cloudsim.agents.simulator import SimulatorDriver
from cloudsim.agents.simulator.security import permits

H1, H2 = host("h1"), host("h2")
SSH = SecurityRule("tcp", 22, 22, ("10.0.0.0/8",))
WEB = SecurityRule("tcp", 80, 90, ("0.0.0.0/0",))


def rules(*ingress: SecurityRule, command: str | None = None) -> SetSecurityRules:
    return SetSecurityRules(command or new_id(), "m1", "i-2-m1-VM", SecuritySpec(ingress))


async def test_from_start_to_another_host(driver: SimulatorDriver) -> None:
    await driver.execute(H1, StartMachine(new_id(), replace(machine(), security=SecuritySpec((SSH,)))))
    assert driver.permits("m1", "ingress", "tcp", "10.1.1.1", 22)
    assert not driver.permits("m1", "ingress", "tcp", "11.1.1.1", 22)
    assert await driver.execute(H1, rules(WEB)) == {}
    assert not driver.permits("m1", "ingress", "tcp", "10.1.1.1", 22)
    assert driver.permits("m1", "ingress", "tcp", "11.1.1.1", 85)
    await driver.connect(H2)
    await driver.execute(H1, MigrateMachine(new_id(), "m1", "i-2-m1-VM", H2.uuid, H2.url))
    assert driver.permits("m1", "ingress", "tcp", "11.1.1.1", 85)
    with pytest.raises(CommandFailed, match="does not run"):
        await driver.execute(H1, rules(SSH))
    await driver.execute(H2, rules())
    assert driver.security("m1") == {"ingress": [], "egress": []}
    await driver.execute(H2, stop(forced=True))
    with pytest.raises(CommandFailed, match="does not run"):
        await driver.execute(H2, rules(SSH))


async def test_an_old_command_does_not_come_back(driver: SimulatorDriver) -> None:
    await driver.execute(H1, start())
    assert driver.security("m1") is None
    first = rules(SSH, command="job:tell")
    await driver.execute(H1, first)
    await driver.execute(H1, rules(WEB))
    assert await driver.execute(H1, first) == {}
    assert driver.permits("m1", "ingress", "tcp", "11.1.1.1", 80)
    assert not driver.permits("m1", "ingress", "tcp", "10.1.1.1", 22)


@pytest.mark.parametrize(
    ("rule", "packet", "passes"),
    [
        (("tcp", 1, 9, ["10.0.0.0/8"]), ("tcp", "10.1.1.1", 9), True),
        (("tcp", 1, 9, ["10.0.0.0/8"]), ("tcp", "10.1.1.1", 10), False),
        (("tcp", 1, 9, ["10.0.0.0/8"]), ("udp", "10.1.1.1", 9), False),
        (("tcp", 1, 9, ["fd00::/8"]), ("tcp", "fd00::1", 9), True),
        (("tcp", 1, 9, []), ("tcp", "10.1.1.1", 9), False),
        (("icmp", 8, 0, ["0.0.0.0/0"]), ("icmp", "10.1.1.1", 8, 0), True),
        (("icmp", 8, 0, ["0.0.0.0/0"]), ("icmp", "10.1.1.1", 0, 0), False),
        (("icmp", 8, -1, ["0.0.0.0/0"]), ("icmp", "10.1.1.1", 8, 5), True),
        (("icmp", -1, -1, ["0.0.0.0/0"]), ("icmp", "10.1.1.1", 3, 5), True),
        (("all", None, None, ["0.0.0.0/0"]), ("sctp", "10.1.1.1", 3), True),
        (("47", None, None, ["0.0.0.0/0"]), ("47", "10.1.1.1"), True),
        (("47", None, None, ["0.0.0.0/0"]), ("tcp", "10.1.1.1", 47), False),
    ],
)
def test_what_a_rule_lets_through(rule: Any, packet: Any, passes: bool) -> None:
    found = dict(zip(("protocol", "start", "end", "peers"), rule, strict=True))
    assert permits({"ingress": [found], "egress": []}, "ingress", *packet) is passes
    assert permits({"ingress": [], "egress": [found]}, "egress", *packet) is passes
    assert permits({"ingress": [found], "egress": []}, "egress", *packet) is True
    assert permits({"ingress": [], "egress": [found]}, "ingress", *packet) is False
