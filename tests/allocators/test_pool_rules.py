"""Every rule for storage pools: what it refuses, what it says, and where its edge is."""

from __future__ import annotations

from typing import Any

import pytest
from candidates import GIB, MIB, host, pool, volume

from cloudsim.allocators.base import Policy
from cloudsim.allocators.pool_rules import POOL_RULES, STAYING_RULES, pool_refusal

LOCAL = {"scope": "HOST", "cluster_id": 1, "pod_id": 1, "host_id": 1}
REFUSED: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("chosen", {"pool_id": 2}, {}, "the volume lies in another pool"),
    ("status", {}, {"status": "Maintenance"}, "is in status Maintenance, not Up"),
    ("reach", {}, {"zone_id": 2}, "host host1 does not reach this pool of scope ZONE"),
    ("reach", {}, {"scope": "CLUSTER", "cluster_id": 2}, "host host1 does not reach this pool of scope CLUSTER"),
    ("reach", {}, {"scope": "CLUSTER", "pod_id": 2}, "host host1 does not reach this pool of scope CLUSTER"),
    ("reach", {"local": True}, LOCAL | {"host_id": 2}, "host host1 does not reach this pool of scope HOST"),
    ("reach", {"pool_id": 1}, {"scope": "POD", "pod_id": 2}, "host host1 does not reach this pool of scope POD"),
    ("kind", {"local": True}, {}, "needs local storage, is shared"),
    ("kind", {}, LOCAL, "needs shared storage, is local to one host"),
    ("hypervisor", {}, {"hypervisor": "VMware"}, "is for hypervisor VMware, the host has KVM"),
    ("tags", {"tags": frozenset({"ssd", "nvme"})}, {"tags": frozenset({"ssd"})}, "lacks the storage tags nvme"),
    ("room", {}, {"allocated": 99.5 * GIB}, "needs 8 GB, 512 MB free"),
    ("room", {}, {"allocated": 101 * GIB}, "needs 8 GB, 0 MB free"),
    (
        "threshold",
        {},
        {"allocated": 77.25 * GIB},
        "85.25% would be allocated with 8 GB more, its disable threshold is 85%",
    ),
    (
        "threshold",
        {},
        {"allocated": 50.0 * GIB, "disable_threshold": 0.5},
        "58% would be allocated with 8 GB more, its disable threshold is 50%",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "asked", "fields", "reason"), REFUSED)
def test_it_refuses_and_says_why(rule: str, asked: dict[str, Any], fields: dict[str, Any], reason: str) -> None:
    refusal = pool_refusal(volume(**asked), host(), pool(**fields), Policy())
    assert refusal is not None
    assert (refusal.kind, refusal.uuid, refusal.name) == ("pool", "pool-uuid-1", "pool1")
    assert (refusal.rule, refusal.reason) == (rule, reason)


def test_every_rule_is_covered() -> None:
    assert {row[0] for row in REFUSED} == {rule.__name__ for rule in (*POOL_RULES, *STAYING_RULES)}


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        ({}, {}),
        ({}, {"scope": "CLUSTER", "cluster_id": 1, "pod_id": 1}),
        ({}, {"scope": "CLUSTER", "pod_id": 1}),
        ({"local": True}, LOCAL),
        ({"local": True}, LOCAL | {"host_id": None}),
        ({}, {"hypervisor": "KVM"}),
        ({}, {"hypervisor": "Any"}),
        ({"tags": frozenset({"ssd"})}, {"tags": frozenset({"ssd", "nvme"})}),
        ({}, {"tags": frozenset({"ssd"})}),
        # exactly the threshold is allowed
        ({}, {"allocated": 77.0 * GIB}),
        ({}, {"allocated": 92.0 * GIB, "disable_threshold": 1.0}),
        # a volume that is there already needs no room, no tags, and is where it is
        ({"pool_id": 1}, {"allocated": 100.0 * GIB}),
        ({"pool_id": 1, "tags": frozenset({"ssd"})}, LOCAL),
    ],
)
def test_it_takes_what_just_fits(asked: dict[str, Any], fields: dict[str, Any]) -> None:
    assert pool_refusal(volume(**asked), host(), pool(**fields), Policy()) is None


def test_one_byte_more_than_the_threshold_is_too_much() -> None:
    full = pool(allocated=77.0 * GIB)
    assert pool_refusal(volume(8), host(), full, Policy()) is None
    assert pool_refusal(volume(8 + 1 / GIB), host(), full, Policy()) is not None


def test_sizes_below_a_gigabyte_are_told_in_megabytes() -> None:
    refusal = pool_refusal(volume(0.5), host(), pool(total=100.0 * MIB), Policy())
    assert refusal is not None
    assert refusal.reason == "needs 512 MB, 100 MB free"
