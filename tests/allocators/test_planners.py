"""Which clusters are tried, in which order, and why others are not."""

from __future__ import annotations

import pytest
from candidates import GIB, chance, host, request

from cloudsim.allocators import registry
from cloudsim.allocators.base import HostCandidate, Policy, Refusal, Request

#: Clusters 1 (half its CPU used), 2 (a quarter, but most memory) and 3 (nearly full CPU), in pods 1, 1 and 2.
HOSTS = [
    host(1, cluster_id=1, cpu_used=8000, account_machines=1),
    host(2, cluster_id=2, cpu_used=8000, memory_used=10.0 * GIB),
    host(3, cluster_id=2, memory_used=10.0 * GIB, account_machines=1),
    host(4, cluster_id=3, pod_id=2, cpu_used=12800, memory_used=5.0 * GIB, account_machines=6),
]


def plan(
    policy: Policy, asked: Request | None = None, hosts: list[HostCandidate] = HOSTS
) -> tuple[list[int], list[Refusal]]:
    return registry.planner(policy.planner).order(asked or request(), hosts, policy, chance())


@pytest.mark.parametrize(
    ("order_by", "weight", "expected"),
    [
        ("CPU", 0.5, [2, 1, 3]),
        ("RAM", 0.5, [1, 3, 2]),
        ("COMBINED", 0.5, [1, 2, 3]),  # .25, .4375, .55625
        ("COMBINED", 1.0, [2, 1, 3]),
        ("COMBINED", 0.0, [1, 3, 2]),
        ("nonsense", 0.5, [2, 1, 3]),
    ],
)
def test_the_emptiest_cluster_comes_first(order_by: str, weight: float, expected: list[int]) -> None:
    assert plan(Policy(order_by=order_by, cpu_weight=weight)) == (expected, [])


def test_equal_clusters_keep_their_order() -> None:
    assert plan(Policy(), hosts=[host(9, cluster_id=9), host(4, cluster_id=4), host(7, cluster_id=7)])[0] == [9, 4, 7]


def test_exactly_the_threshold_is_allowed_and_a_little_more_is_not() -> None:
    # 13100 + 500 of 16000 is 85 %
    at = host(1, cpu_used=13100)
    assert plan(Policy(), hosts=[at]) == ([1], [])
    order, refusals = plan(Policy(), request(speed=501), hosts=[at])
    assert order == []
    assert refusals == [
        Refusal(
            "cluster",
            "1",
            "cluster 1",
            "85.01% of its CPU would be allocated with this machine, its disable threshold is 85%",
            "threshold",
        )
    ]


def test_the_memory_threshold_too() -> None:
    full = host(1, memory_used=8.0 * GIB, cluster_uuid="c-uuid", cluster_name="west")
    policy = Policy(memory_disable_threshold=0.75)
    assert plan(policy, request(memory=4 * GIB), [full]) == ([1], [])
    order, refusals = plan(policy, request(memory=4 * GIB + 1), [full])
    assert order == []
    assert (refusals[0].uuid, refusals[0].name) == ("c-uuid", "west")
    assert refusals[0].reason.startswith("75% of its memory")


def test_a_threshold_counts_all_hosts_of_the_cluster() -> None:
    assert plan(Policy(), hosts=[host(1, cpu_used=16000), host(2)])[0] == [1]
    assert plan(Policy(cpu_disable_threshold=0.5), hosts=[host(1, cpu_used=16000), host(2)])[0] == []


def test_a_cluster_may_have_thresholds_of_its_own() -> None:
    order, refusals = plan(Policy(cluster_thresholds={2: (0.25, 1.0), 3: (1.0, 1.0)}, cpu_disable_threshold=0.6))
    assert order == [1, 3]
    assert [each.name for each in refusals] == ["cluster 2"]


def test_a_cluster_without_any_capacity_is_full_and_has_no_threshold() -> None:
    assert plan(Policy(), hosts=[host(1, cpu_total=0, memory_total=0), host(2, cluster_id=2)]) == ([2, 1], [])


def test_disabled_places_are_left_out_unless_that_is_ignored() -> None:
    hosts = [
        host(1, cluster_id=1, cluster_enabled=False),
        host(2, cluster_id=2, pod_enabled=False),
        host(3, cluster_id=3),
    ]
    order, refusals = plan(Policy(), hosts=hosts)
    assert order == [3]
    assert [each.reason for each in refusals] == ["is disabled", "its pod is disabled"]
    assert plan(Policy(), request(ignore_disabled=True), hosts) == ([1, 2, 3], [])


def test_only_the_cluster_or_pod_asked_for() -> None:
    assert plan(Policy(), request(cluster_id=3))[0] == [3]
    order, refusals = plan(Policy(), request(pod_id=1))
    assert order == [2, 1]
    assert [(each.name, each.reason) for each in refusals] == [("cluster 3", "a cluster of another pod was asked for")]


@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        (1.0, [2, 1, 3]),  # one machine each: emptiest first
        (0.0, [2, 1, 3]),
    ],
)
def test_user_dispersing(weight: float, expected: list[int]) -> None:
    assert plan(Policy(planner="UserDispersingPlanner", dispersion_weight=weight))[0] == expected


def test_user_dispersing_mixes_machines_and_capacity() -> None:
    hosts = [
        host(1, cluster_id=1, cpu_used=4000, account_machines=3),  # .25 used, .75 of the machines
        host(2, cluster_id=2, cpu_used=8000, account_machines=1),  # .5 used, .25 of the machines
    ]

    def order(weight: float) -> list[int]:
        return plan(Policy(planner="UserDispersingPlanner", dispersion_weight=weight), hosts=hosts)[0]

    assert order(1.0) == [2, 1]
    assert order(0.0) == [1, 2]
    assert order(0.25) == [1, 2]
    assert order(0.5) == [2, 1]


def test_user_dispersing_without_machines_is_by_capacity() -> None:
    hosts = [host(1, cluster_id=1, cpu_used=4000), host(2, cluster_id=2)]
    assert plan(Policy(planner="UserDispersingPlanner"), hosts=hosts)[0] == [2, 1]


def test_user_concentrated_pod_tries_the_account_s_pods_first() -> None:
    assert plan(Policy(planner="UserConcentratedPodPlanner"))[0] == [3, 2, 1]
    moved = [host(5, cluster_id=5, pod_id=5), *HOSTS]
    assert plan(Policy(planner="UserConcentratedPodPlanner"), hosts=moved)[0] == [3, 2, 1, 5]


def test_user_concentrated_pod_without_machines_is_by_capacity() -> None:
    hosts = [
        host(1, cluster_id=1, pod_id=1, cpu_used=100),
        host(2, cluster_id=2, pod_id=2, cpu_used=200),
        host(3, cluster_id=3, pod_id=1, cpu_used=300),
    ]
    assert plan(Policy(planner="UserConcentratedPodPlanner"), hosts=hosts)[0] == [1, 2, 3]


def test_clusters_beyond_a_threshold_are_left_out_by_every_planner() -> None:
    for planner in ("FirstFitPlanner", "UserDispersingPlanner", "UserConcentratedPodPlanner"):
        order, refusals = plan(Policy(planner=planner, cpu_disable_threshold=0.6))
        assert 3 not in order
        assert [each.name for each in refusals] == ["cluster 3"]
