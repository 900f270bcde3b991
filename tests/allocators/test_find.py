"""The whole way: clusters, hosts, pools; and what is said when there is none."""

from __future__ import annotations

import pytest
from candidates import GIB, MIB, chance, host, pool, request, volume

from cloudsim.allocators import registry
from cloudsim.allocators.base import (
    Dedication,
    HostCandidate,
    Policy,
    PoolCandidate,
    Refusal,
    StorageAllocator,
    VolumeRequest,
)
from cloudsim.allocators.errors import summary
from cloudsim.allocators.find import NoDestination, NoHost, NoPool, find
from cloudsim.core.errors import InsufficientServers, InsufficientStorage

FIRST = Policy(algorithm="firstfit")


def cluster_pool(number: int, cluster_id: int, **fields: object) -> PoolCandidate:
    return pool(number, scope="CLUSTER", cluster_id=cluster_id, pod_id=1, **fields)


def local_pool(number: int, host_id: int, **fields: object) -> PoolCandidate:
    return pool(number, scope="HOST", cluster_id=1, pod_id=1, host_id=host_id, **fields)


def test_a_host_and_a_pool_for_each_volume_in_their_order() -> None:
    pools = [pool(1, tags=frozenset({"slow"})), pool(2, tags=frozenset({"fast"}))]
    asked = request(
        volumes=(
            volume(2, tags=frozenset({"fast"})),
            volume(9, tags=frozenset({"slow"})),
            volume(4, tags=frozenset({"fast"})),
        )
    )
    found = find(asked, [host(1)], pools, FIRST, chance())
    assert found.host.id == 1
    assert [each.id for each in found.pools] == [2, 1, 2]


def test_the_pools_answered_are_the_ones_given() -> None:
    pools = [pool(1)]
    found = find(request(volumes=(volume(1), volume(2))), [host(1)], pools, FIRST, chance())
    assert all(each is pools[0] for each in found.pools)


def test_without_volumes_no_pool_is_needed() -> None:
    assert find(request(), [host(1)], [], FIRST, chance()).pools == ()


def test_the_planner_s_first_cluster_wins_over_the_first_host() -> None:
    hosts = [host(1, cluster_id=1, cpu_used=8000), host(2, cluster_id=2)]
    assert find(request(), hosts, [], FIRST, chance()).host.id == 2


def test_a_cluster_that_cannot_leads_to_the_next() -> None:
    hosts = [host(1, cluster_id=1, cpu_used=8000), host(2, cluster_id=2, memory_total=1.0 * GIB)]
    policy = Policy(algorithm="firstfit", memory_disable_threshold=2)
    assert find(request(memory=2 * GIB), hosts, [], policy, chance()).host.id == 1


def test_a_host_without_storage_leads_to_the_next() -> None:
    hosts = [host(1, cluster_id=1), host(2, cluster_id=2, cpu_used=4000)]
    found = find(request(volumes=(volume(),)), hosts, [cluster_pool(1, 2)], FIRST, chance())
    assert (found.host.id, found.pools[0].id) == (2, 1)


def test_local_storage_chooses_the_host() -> None:
    hosts = [host(1), host(2), host(3)]
    pools = [pool(9), local_pool(1, 1, allocated=100.0 * GIB), local_pool(2, 2)]
    found = find(request(volumes=(volume(local=True), volume())), hosts, pools, FIRST, chance())
    assert (found.host.id, [each.id for each in found.pools]) == (2, [2, 9])


def test_volumes_in_one_pool_add_up() -> None:
    pools = [pool(1, total=20.0 * GIB), pool(2, total=20.0 * GIB)]
    policy = Policy(algorithm="firstfit", storage_disable_threshold=1)
    found = find(request(volumes=(volume(12), volume(8), volume(8))), [host(1)], pools, policy, chance())
    assert [each.id for each in found.pools] == [1, 1, 2]
    with pytest.raises(NoPool):
        find(request(volumes=(volume(12), volume(12), volume(9))), [host(1)], pools, policy, chance())


def test_a_first_choice_that_leads_nowhere_is_replaced() -> None:
    # The biggest goes to pool 1 first, where alone the tagged one can go.
    pools = [pool(1, total=10.0 * GIB, tags=frozenset({"ssd"})), pool(2, total=10.0 * GIB)]
    policy = Policy(algorithm="firstfit", storage_disable_threshold=1)
    asked = request(volumes=(volume(5, tags=frozenset({"ssd"})), volume(8)))
    assert [each.id for each in find(asked, [host(1)], pools, policy, chance()).pools] == [1, 2]


def test_volumes_spread_over_equal_pools() -> None:
    pools = [pool(1), pool(2), pool(3)]
    asked = request(volumes=(volume(), volume(), volume()))
    for algorithm in ("spread", "userdispersing"):
        found = find(asked, [host(1)], pools, Policy(algorithm=algorithm), chance())
        assert sorted(each.id for each in found.pools) == [1, 2, 3]
    found = find(asked, [host(1)], pools, Policy(algorithm="fill"), chance())
    assert [each.id for each in found.pools] == [1, 1, 1]


def test_storage_may_have_an_algorithm_of_its_own() -> None:
    pools = [pool(1, allocated=5.0 * GIB), pool(2)]
    asked = request(volumes=(volume(),))
    assert find(asked, [host(1)], pools, FIRST, chance()).pools[0].id == 1
    policy = Policy(algorithm="firstfit", storage_algorithm="spread")
    assert find(asked, [host(1)], pools, policy, chance()).pools[0].id == 2


def test_a_volume_stays_where_it_lies_and_takes_no_more_room() -> None:
    hosts = [host(1, cluster_id=1), host(2, cluster_id=2, cpu_used=4000)]
    pools = [cluster_pool(1, 1), cluster_pool(2, 2, allocated=90.0 * GIB, disable_threshold=0.98)]
    asked = request(volumes=(volume(50, pool_id=2), volume(8)))
    found = find(asked, hosts, pools, FIRST, chance())
    assert (found.host.id, [each.id for each in found.pools]) == (2, [2, 2])


def test_a_volume_in_local_storage_ties_the_machine_to_its_host() -> None:
    hosts = [host(1), host(2), host(3)]
    found = find(request(volumes=(volume(pool_id=3),)), hosts, [local_pool(3, 3)], FIRST, chance())
    assert found.host.id == 3


def test_a_volume_whose_pool_is_gone_or_out_of_reach() -> None:
    with pytest.raises(NoPool, match="a volume lies in this pool, which is not in this zone"):
        find(request(volumes=(volume(pool_id=7),)), [host(1)], [pool(1)], FIRST, chance())
    with pytest.raises(NoPool, match="host host1 does not reach this pool"):
        find(request(volumes=(volume(pool_id=7),)), [host(1)], [cluster_pool(7, 5)], FIRST, chance())


def test_no_pool_in_reach_is_said_of_the_host() -> None:
    with pytest.raises(NoPool, match="host host1: could take the machine but reaches no storage pool"):
        find(request(volumes=(volume(),)), [host(1)], [cluster_pool(1, 2)], FIRST, chance())


def test_a_named_host_is_tried_although_its_cluster_is_beyond_the_threshold() -> None:
    full = [host(1), host(2, cpu_used=15000), host(3, cpu_used=15000)]
    policy = Policy(algorithm="firstfit", cpu_disable_threshold=0.5)
    with pytest.raises(NoHost, match="disable threshold"):
        find(request(), full, [], policy, chance())
    assert find(request(host_id=2), full, [], policy, chance()).host.id == 2
    with pytest.raises(NoHost, match="the host asked for is not in this zone"):
        find(request(host_id=4), full, [], policy, chance())
    with pytest.raises(NoHost, match="host host2: needs 2000 MHz of CPU, 1000 MHz free"):
        find(request(host_id=2, speed=2000), full, [], policy, chance())


def test_the_errors_are_the_api_s_and_carry_every_reason() -> None:
    hosts = [host(1, status="Down"), host(2, memory_used=16.0 * GIB - 100 * MIB)]
    with pytest.raises(InsufficientServers) as caught:
        find(request(volumes=(volume(),)), hosts, [pool()], FIRST, chance())
    error = caught.value
    assert isinstance(error, NoDestination)
    assert (error.errorcode, error.cserrorcode) == (533, InsufficientServers.cserrorcode)
    assert [each.rule for each in error.refusals] == ["status", "memory"]
    assert error.message.splitlines() == [
        "no host can take the virtual machine, KVM with 1 CPU of 500 MHz and 512 MB of memory:",
        "host host1: is in status Down, not Up",
        "host host2: needs 512 MB of memory, 100 MB free",
    ]

    with pytest.raises(InsufficientStorage) as lacking:
        find(request(volumes=(volume(),)), [host(1), host(2)], [pool(allocated=95.0 * GIB)], FIRST, chance())
    assert lacking.value.cserrorcode == InsufficientStorage.cserrorcode
    assert lacking.value.message.splitlines() == [
        "no storage pool can take the volumes of the virtual machine:",
        "pool pool1: needs 8 GB, 5 GB free",
    ]


def test_without_any_host_at_all() -> None:
    with pytest.raises(NoHost, match="no host can take") as caught:
        find(request(), [], [], FIRST, chance())
    assert caught.value.refusals == ()


def test_a_message_stays_short_however_many_reasons() -> None:
    refusals = [
        Refusal("host", f"{rule}-{number}", f"host{number}" * 20, f"reason {rule} " * 20, f"rule{rule}")
        for rule in range(9)
        for number in range(rule + 1)
    ]
    text = summary("no host can take the virtual machine", refusals)
    assert len(text) <= 600
    assert len(text.splitlines()) == 5
    assert text.splitlines()[1].startswith("9 hosts, such as host0")
    assert text.splitlines()[4] == "and 21 more for 6 other reasons"


def test_the_same_chance_gives_the_same_destination() -> None:
    hosts = [host(number, cluster_id=number % 3) for number in range(30)]
    pools = [pool(number) for number in range(5)]
    asked = request(volumes=(volume(), volume()))

    def answers(seed: int) -> list[tuple[int, ...]]:
        source = chance(seed)
        found = [find(asked, hosts, pools, Policy(), source) for _ in range(20)]
        return [(each.host.id, *(one.id for one in each.pools)) for each in found]

    assert answers(1) == answers(1)
    assert answers(1) != answers(2)
    assert len(set(answers(1))) > 10


def test_hosts_that_reach_the_same_are_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    real = registry.storage_allocator("firstfit")

    class Counting:
        same_for_cluster = True

        def order(
            self, wanted: VolumeRequest, at: HostCandidate, *rest: object
        ) -> tuple[list[PoolCandidate], list[Refusal]]:
            asked.append(at.id)
            return real.order(wanted, at, *rest)  # type: ignore[arg-type]

    def counting(_: str) -> StorageAllocator:
        return Counting()  # type: ignore[return-value]

    monkeypatch.setattr(registry, "storage_allocator", counting)
    hosts = [host(number, cluster_id=number % 2) for number in range(10)]
    full = [pool(1, allocated=100.0 * GIB)]
    with pytest.raises(NoPool):
        find(request(volumes=(volume(),)), hosts, full, FIRST, chance())
    assert asked == [0, 1]
    asked.clear()
    with pytest.raises(NoPool):
        find(request(volumes=(volume(local=True),)), hosts, [local_pool(1, 99)], FIRST, chance())
    assert len(asked) == 10


def test_a_hopeless_search_ends_soon() -> None:
    # 8 volumes of 6 GB for 7 pools of 10 GB: no way, and 7**8 ways to find that out.
    pools = [pool(number, total=10.0 * GIB) for number in range(7)]
    policy = Policy(algorithm="firstfit", storage_disable_threshold=1)
    source = chance()
    with pytest.raises(NoPool):
        find(request(volumes=(volume(6),) * 8), [host(1)], pools, policy, source)


def test_what_is_dedicated_to_the_owner_is_tried_first() -> None:
    """A host of the owner's, however full, before those of all; those when it is full; never a stranger's."""
    mine, theirs = Dedication("Host", 7, 1, "account ann"), Dedication("Host", 8, 1, "account bob")
    asked = request(account_id=7, domain_ids=frozenset({1}))

    def found(full: bool) -> int:
        hosts = [
            host(1, dedications=(theirs,)),
            host(2, cluster_id=2),
            host(3, cluster_id=3, dedications=(mine,), memory_used=16.0 * GIB if full else 0.0),
        ]
        policy = Policy(cpu_disable_threshold=1, memory_disable_threshold=1)
        return find(asked, hosts, [], policy, chance()).host.id

    assert found(full=False) == 3
    assert found(full=True) == 2
