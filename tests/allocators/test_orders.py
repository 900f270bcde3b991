"""The order in which each allocator tries hosts and pools."""

from __future__ import annotations

from collections import Counter

import pytest
from candidates import GIB, chance, host, pool, request, volume

from cloudsim.allocators import registry
from cloudsim.allocators.base import HostCandidate, Policy, PoolCandidate
from cloudsim.allocators.shuffle import shuffled

HOSTS = [
    host(1, cpu_used=8000, memory_used=1.0 * GIB, account_machines=2),
    host(2, cpu_used=2000, memory_used=8.0 * GIB, account_machines=1),
    host(3, cpu_used=4000, memory_used=4.0 * GIB, account_machines=0),
    # small, but empty: what counts is the free share
    host(4, cpu_total=4000, cpu_cores=2, memory_total=2.0 * GIB, account_machines=1),
]
POOLS = [
    pool(1, allocated=50.0 * GIB, account_volumes=0),
    pool(2, allocated=10.0 * GIB, account_volumes=3),
    pool(3, total=20.0 * GIB, account_volumes=1),
]


def hosts_by(algorithm: str, hosts: list[HostCandidate] = HOSTS, order_by: str = "CPU", **asked: object) -> list[int]:
    policy = Policy(algorithm=algorithm, order_by=order_by, cpu_weight=0.25)
    order, _ = registry.host_allocator(algorithm).order(request(**asked), hosts, policy, chance())
    return [each.id for each in order]


def pools_by(algorithm: str, pools: list[PoolCandidate] = POOLS) -> list[int]:
    order, _ = registry.storage_allocator(algorithm).order(volume(), host(), pools, Policy(), chance())
    return [each.id for each in order]


@pytest.mark.parametrize(
    ("algorithm", "order_by", "expected"),
    [
        ("firstfit", "CPU", [1, 2, 3, 4]),
        ("userdispersing", "CPU", [3, 2, 4, 1]),
        ("spread", "CPU", [4, 2, 3, 1]),
        ("spread", "RAM", [4, 1, 3, 2]),
        ("spread", "ram", [4, 1, 3, 2]),
        ("spread", "COMBINED", [4, 1, 3, 2]),  # 0, .171875, .25, .40625
        ("firstfitleastconsumed", "CPU", [4, 2, 3, 1]),
        ("fill", "CPU", [1, 3, 2, 4]),
        ("fill", "RAM", [2, 3, 1, 4]),
    ],
)
def test_host_order(algorithm: str, order_by: str, expected: list[int]) -> None:
    assert hosts_by(algorithm, order_by=order_by) == expected


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("firstfit", [1, 2, 3]),
        ("userdispersing", [1, 3, 2]),
        ("spread", [3, 2, 1]),
        ("firstfitleastconsumed", [3, 2, 1]),
        ("fill", [1, 2, 3]),
    ],
)
def test_pool_order(algorithm: str, expected: list[int]) -> None:
    assert pools_by(algorithm) == expected


@pytest.mark.parametrize("algorithm", ["random", "userconcentratedpod_random"])
def test_random_keeps_all_and_repeats_with_the_seed(algorithm: str) -> None:
    assert sorted(hosts_by(algorithm)) == [1, 2, 3, 4]
    assert sorted(pools_by(algorithm)) == [1, 2, 3]
    assert hosts_by(algorithm) == hosts_by(algorithm)
    assert pools_by(algorithm) == pools_by(algorithm)


def test_random_is_fair() -> None:
    source = chance(7)
    seen = Counter(tuple(shuffled(["a", "b", "c"], source)) for _ in range(6000))
    assert len(seen) == 6
    assert min(seen.values()) > 850


@pytest.mark.parametrize("algorithm", ["firstfit", "random", "spread"])
def test_hosts_of_the_wanted_os_category_come_first_and_of_another_last(algorithm: str) -> None:
    hosts = [host(1, os_category_id=5), host(2), host(3, os_category_id=6), host(4)]
    assert hosts_by(algorithm, hosts, os_category_id=6)[0] == 3
    assert hosts_by(algorithm, hosts, os_category_id=6)[3] == 1
    assert set(hosts_by(algorithm, hosts, os_category_id=None)[:2]) == {2, 4}


def test_preference_keeps_the_order_otherwise() -> None:
    hosts = [host(1), host(2, os_category_id=6), host(3), host(4, os_category_id=6)]
    assert hosts_by("firstfit", hosts, os_category_id=6) == [2, 4, 1, 3]


def test_those_left_out_come_with_reasons() -> None:
    order, refusals = registry.host_allocator("firstfit").order(request(memory=4 * GIB), HOSTS, Policy(), chance())
    assert [each.id for each in order] == [1, 2, 3]
    assert [(each.name, each.reason) for each in refusals] == [("host4", "needs 4096 MB of memory, 2048 MB free")]
    pools, refused = registry.storage_allocator("firstfit").order(volume(18), host(), POOLS, Policy(), chance())
    assert [each.id for each in pools] == [1, 2]
    assert [each.rule for each in refused] == ["threshold"]


def test_the_given_list_is_not_changed() -> None:
    hosts = list(HOSTS)
    for algorithm in ("random", "fill", "spread", "userdispersing"):
        hosts_by(algorithm, hosts)
        assert hosts == HOSTS
