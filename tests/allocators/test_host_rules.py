"""Every rule for hosts: what it refuses, what it says, and where its edge is."""

from __future__ import annotations

from typing import Any

import pytest
from candidates import GIB, MIB, host, request

from cloudsim.allocators.base import AffinityGroup, Dedication
from cloudsim.allocators.host_rules import HOST_RULES, host_refusal, rules_for

ANN = Dedication("Host", 7, 2, "account ann")
D = Dedication("Cluster", None, 2, "domain d")
MINE = {"is_user": True, "account_id": 7, "domain_ids": frozenset({1, 2})}
#: The same with the affinity groups that their machines are in.
OF_ANN, OF_D = Dedication("Host", 7, 2, "account ann", 70), Dedication("Cluster", None, 2, "domain d", 20)
TO_ANN, TO_D = AffinityGroup(70, "ExplicitDedication", "of ann"), AffinityGroup(20, "ExplicitDedication", "of d")
APART, TOGETHER = AffinityGroup(1, "host anti-affinity", "web", {1: 1}), AffinityGroup(2, "host affinity", "db", {2: 3})
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
    (
        "dedicated",
        MINE,
        {"dedications": (OF_ANN,)},
        "is dedicated to account ann: only machines of its affinity group go there",
    ),
    (
        "dedicated",
        MINE,
        {"dedications": (OF_D,)},
        "its cluster is dedicated to domain d: only machines of its affinity group go there",
    ),
    ("dedicated", {**MINE, "affinity": (TO_ANN,)}, {}, "is not dedicated to affinity group of ann"),
    (
        "dedicated",
        {**MINE, "affinity": (TO_D,)},
        {"dedications": (OF_ANN, OF_D)},
        "is not dedicated to affinity group of d",
    ),
    (
        "dedicated",
        {**MINE, "account_id": 8, "affinity": (TO_ANN,)},
        {"dedications": (OF_ANN,)},
        "is dedicated to account ann",
    ),
    ("anti_affinity", {"affinity": (APART,)}, {}, "has a machine of host anti-affinity group web"),
    ("affinity", {"affinity": (TOGETHER,)}, {}, "has no machine of host affinity group db, which is on another host"),
    ("zone_enabled", {"enters_zone": True}, {"zone_enabled": False}, "its zone is disabled"),
    (
        "tags",
        {"host_tags": frozenset({"ssd", "gpu"}), "strict_tags": frozenset({"gpu", "other"})},
        {"tags": frozenset({"b"})},
        "lacks the host tags gpu",
    ),
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
        # members of the group of a dedication, the narrowest one counts; a whole zone needs none
        ({**MINE, "affinity": (TO_ANN,)}, {"dedications": (OF_ANN, OF_D)}),
        ({**MINE, "affinity": (TO_D,)}, {"dedications": (OF_D,)}),
        ({**MINE, "affinity": (TO_D, TO_ANN)}, {"dedications": (OF_ANN,)}),
        (MINE, {"dedications": (Dedication("Zone", None, 2, "domain d", 20),)}),
        ({**MINE, "affinity": (APART,)}, {"id": 2}),
        ({"affinity": (TOGETHER,)}, {"id": 2}),
        ({"affinity": (AffinityGroup(2, "host affinity", "db"),)}, {}),
        ({"affinity": (AffinityGroup(2, "non-strict host anti-affinity", "db", {1: 4}),)}, {}),
        ({"host_tags": frozenset({"ssd", "gpu"}), "strict_tags": frozenset({"gpu"})}, {"tags": frozenset({"gpu"})}),
        ({"host_tags": frozenset({"ssd"}), "strict_tags": frozenset()}, {}),
        ({}, {"zone_enabled": False}),
        ({"enters_zone": True, "ignore_disabled": True}, {"zone_enabled": False}),
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
