"""Every rule for hosts: what it refuses, what it says, and where its edge is."""

from __future__ import annotations

from typing import Any

import pytest
from candidates import GIB, MIB, host, request

from cloudsim.allocators.base import Dedication
from cloudsim.allocators.host_rules import HOST_RULES, host_refusal, rules_for

ANN = Dedication("Host", 7, 2, "account ann")
D = Dedication("Cluster", None, 2, "domain d")
#: The domains of somebody in the domain 2.
BELOW = frozenset({1, 2, 3})

REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("place", {"host_id": 2}, {}, "another host was asked for"),
    ("place", {"cluster_id": 2}, {}, "a host of another cluster was asked for"),
    ("place", {"pod_id": 2}, {}, "a host of another pod was asked for"),
    ("avoid", {"avoid": {1: "it has just failed"}}, {}, "it has just failed"),
    ("dedicated", {}, {"dedications": (ANN,)}, "is dedicated to account ann"),
    ("dedicated", {"account_id": 8, "domain_ids": BELOW}, {"dedications": (ANN,)}, "is dedicated to account ann"),
    ("dedicated", {"domain_ids": frozenset({1})}, {"dedications": (D,)}, "its cluster is dedicated to domain d"),
    ("dedicated", {"account_id": 8, "domain_ids": BELOW}, {"dedications": (ANN, D)}, "is dedicated to account ann"),
    ("dedicated", {"is_system": True}, {"dedications": (D,)}, "its cluster is dedicated to domain d"),
    ("status", {}, {"status": "Down"}, "is in status Down, not Up"),
    ("resource_state", {}, {"resource_state": "Maintenance"}, "is in resource state Maintenance, not Enabled"),
    ("cluster_enabled", {}, {"cluster_enabled": False}, "its cluster is disabled"),
    ("pod_enabled", {}, {"pod_enabled": False}, "its pod is disabled"),
    ("hypervisor", {"hypervisor": "XenServer"}, {}, "needs hypervisor XenServer, has KVM"),
    ("arch", {"arch": "aarch64"}, {}, "needs CPU architecture aarch64, has x86_64"),
    (
        "tags",
        {"host_tags": frozenset({"ssd", "gpu", "a"})},
        {"tags": frozenset({"a", "b"})},
        "lacks the host tags gpu, ssd",
    ),
    ("kept_for_ha", {}, {"kept_for_ha": True}, "is kept free for machines that HA brings back (ha.tag)"),
    ("speed", {"speed": 2001}, {}, "needs CPUs of 2001 MHz, its cores have 2000 MHz"),
    ("cores", {"cpus": 9, "speed": 100}, {}, "needs 9 CPU cores, has 8"),
    ("machine_limit", {}, {"machines": 50, "machine_limit": 50}, "runs 50 machines, its limit is 50"),
    ("cpu", {"cpus": 2, "speed": 1000}, {"cpu_used": 14000.5}, "needs 2000 MHz of CPU, 1999.5 MHz free"),
    ("cpu", {}, {"cpu_used": 17000}, "needs 500 MHz of CPU, 0 MHz free"),
    ("memory", {}, {"memory_used": 16.0 * GIB - 100 * MIB}, "needs 512 MB of memory, 100 MB free"),
]


@pytest.mark.parametrize(("rule", "asked", "fields", "reason"), REFUSED)
def test_it_refuses_and_says_why(rule: str, asked: dict[str, Any], fields: dict[str, Any], reason: str) -> None:
    refusal = host_refusal(request(**asked), host(**fields))
    assert refusal is not None
    assert (refusal.kind, refusal.uuid, refusal.name) == ("host", "host-uuid-1", "host1")
    assert (refusal.rule, refusal.reason) == (rule, reason)


def test_every_rule_is_covered() -> None:
    assert {row[0] for row in REFUSED} == {rule.__name__ for rule in HOST_RULES}


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        ({}, {}),
        ({"host_id": 1, "cluster_id": 1, "pod_id": 1}, {}),
        ({"avoid": {2: "it has just failed"}}, {}),
        ({"host_tags": frozenset({"ssd"})}, {"tags": frozenset({"ssd", "gpu"})}),
        ({}, {"tags": frozenset({"gpu"})}),
        ({"account_id": 7, "domain_ids": BELOW}, {"dedications": (ANN, D)}),
        ({"account_id": 8, "domain_ids": BELOW}, {"dedications": (D,)}),
        ({"is_system": True}, {"dedications": (Dedication("Zone", 7, 2),)}),
        ({"ha": True}, {"kept_for_ha": True}),
        ({"cpus": 8, "speed": 2000}, {}),
        ({"cpus": 2, "speed": 1000}, {"cpu_used": 14000}),
        ({"memory": 16 * GIB}, {}),
        ({}, {"memory_used": 16.0 * GIB - 512 * MIB}),
        ({}, {"machines": 49, "machine_limit": 50}),
        ({}, {"machines": 5000}),
        ({"ignore_disabled": True}, {"cluster_enabled": False, "pod_enabled": False, "resource_state": "Disabled"}),
    ],
)
def test_it_takes_what_just_fits(asked: dict[str, Any], fields: dict[str, Any]) -> None:
    assert host_refusal(request(**asked), host(**fields)) is None
    assert host_refusal(request(**asked), host(**fields), rules_for(request(**asked))) is None


def test_nobody_may_ignore_maintenance() -> None:
    refusal = host_refusal(request(ignore_disabled=True), host(resource_state="Maintenance"))
    assert refusal is not None


@pytest.mark.parametrize(("rule", "asked", "fields", "reason"), REFUSED)
def test_rules_left_out_as_idle_would_not_have_refused(
    rule: str, asked: dict[str, Any], fields: dict[str, Any], reason: str
) -> None:
    wanted = request(**asked)
    assert host_refusal(wanted, host(**fields), rules_for(wanted)) == host_refusal(wanted, host(**fields))
