"""For any zone: what is found fits, and nothing is found only when nothing fits."""

from __future__ import annotations

from itertools import product

import pytest
from candidates import GIB, MIB, chance, host, pool, request
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudsim.allocators.base import AffinityGroup, HostCandidate, Policy, PoolCandidate, Request, VolumeRequest
from cloudsim.allocators.explain import explain
from cloudsim.allocators.find import NoHost, NoPool, find

STRICT_APART, STRICT_TOGETHER = "host anti-affinity", "host affinity"
APART, TOGETHER = "non-strict host anti-affinity", "non-strict host affinity"
TAGS = st.frozensets(st.sampled_from(["a", "b"]), max_size=2)
ALGORITHMS = ["random", "firstfit", "userdispersing", "firstfitleastconsumed", "fill", "spread"]
PLANNERS = ["FirstFitPlanner", "UserDispersingPlanner", "UserConcentratedPodPlanner"]


@st.composite
def a_host(draw: st.DrawFn, number: int) -> HostCandidate:
    cluster_id = draw(st.integers(1, 3))
    cores = draw(st.integers(1, 4))
    return host(
        number,
        cluster_id=cluster_id,
        pod_id=1 + cluster_id // 3,
        status=draw(st.sampled_from(["Up", "Up", "Up", "Down"])),
        resource_state=draw(st.sampled_from(["Enabled", "Enabled", "Enabled", "Maintenance", "Disabled"])),
        cluster_enabled=cluster_id != 2,
        hypervisor=draw(st.sampled_from(["KVM", "KVM", "KVM", "VMware"])),
        arch=draw(st.sampled_from(["x86_64", "x86_64", "aarch64"])),
        tags=draw(TAGS),
        cpu_cores=cores,
        cpu_speed=draw(st.sampled_from([1000, 2000])),
        cpu_total=cores * 2000.0,
        cpu_used=float(draw(st.integers(0, 8000))),
        memory_total=4.0 * GIB,
        memory_used=float(draw(st.integers(0, 4096)) * MIB),
        machines=draw(st.integers(0, 3)),
        machine_limit=draw(st.sampled_from([None, 2])),
        account_machines=draw(st.integers(0, 2)),
        os_category_id=draw(st.sampled_from([None, 1, 2])),
    )


@st.composite
def a_pool(draw: st.DrawFn, number: int) -> PoolCandidate:
    scope = draw(st.sampled_from(["ZONE", "CLUSTER", "HOST"]))
    cluster_id = None if scope == "ZONE" else draw(st.integers(1, 3))
    return pool(
        number,
        scope=scope,
        cluster_id=cluster_id,
        pod_id=None if cluster_id is None else 1 + cluster_id // 3,
        host_id=draw(st.integers(1, 4)) if scope == "HOST" else None,
        status=draw(st.sampled_from(["Up", "Up", "Up", "Maintenance"])),
        total=float(draw(st.integers(1, 20)) * GIB),
        allocated=float(draw(st.integers(0, 10)) * GIB),
        tags=draw(TAGS),
        hypervisor=draw(st.sampled_from([None, "KVM", "Any", "VMware"])),
        account_volumes=draw(st.integers(0, 3)),
    )


@st.composite
def a_volume(draw: st.DrawFn) -> VolumeRequest:
    return VolumeRequest(
        draw(st.integers(1, 10)) * GIB,
        tags=draw(st.one_of(st.just(frozenset()), TAGS)),
        local=draw(st.booleans()),
        pool_id=draw(st.sampled_from([None, None, None, 1, 2])),
    )


@st.composite
def a_group(draw: st.DrawFn) -> AffinityGroup:
    kind = draw(st.sampled_from([STRICT_APART, STRICT_TOGETHER, APART, TOGETHER]))
    there = draw(st.dictionaries(st.integers(1, 4), st.integers(1, 2), max_size=3))
    return AffinityGroup(draw(st.integers(1, 9)), kind, "group", there)


def liking(asked: Request, at: HostCandidate) -> int:
    """How much the groups that are not strict would have a host."""
    return sum(group.hosts.get(at.id, 0) * {APART: -1, TOGETHER: 1}.get(group.kind, 0) for group in asked.affinity)


@st.composite
def a_request(draw: st.DrawFn) -> Request:
    return request(
        cpus=draw(st.integers(1, 3)),
        speed=draw(st.sampled_from([500, 1000, 1500])),
        memory=draw(st.integers(1, 2048)) * MIB,
        host_tags=draw(st.one_of(st.just(frozenset()), TAGS)),
        os_category_id=draw(st.sampled_from([None, 1])),
        host_id=draw(st.sampled_from([None, None, None, 1, 9])),
        cluster_id=draw(st.sampled_from([None, None, None, 1])),
        pod_id=draw(st.sampled_from([None, None, None, 2])),
        avoid=draw(st.dictionaries(st.integers(1, 4), st.just("it has just failed"), max_size=1)),
        volumes=tuple(draw(st.lists(a_volume(), max_size=3))),
        ignore_disabled=draw(st.booleans()),
        affinity=tuple(draw(st.lists(a_group(), max_size=2))),
    )


def host_fits(asked: Request, at: HostCandidate) -> bool:
    """What the documentation promises about hosts, told in another way than the rules are."""
    enabled = at.resource_state == "Enabled" and at.cluster_enabled and at.pod_enabled
    if asked.ignore_disabled:
        enabled = at.resource_state in ("Enabled", "Disabled")
    return all(
        (
            at.status == "Up",
            enabled,
            at.hypervisor == asked.hypervisor,
            at.arch == asked.arch,
            not (asked.host_tags - at.tags),
            at.cpu_cores >= asked.cpus,
            at.cpu_speed >= asked.speed,
            at.cpu_used + asked.cpus * asked.speed <= at.cpu_total,
            at.memory_used + asked.memory <= at.memory_total,
            at.machine_limit is None or at.machines + 1 <= at.machine_limit,
            at.id not in asked.avoid,
            asked.host_id in (None, at.id),
            asked.cluster_id in (None, at.cluster_id),
            asked.pod_id in (None, at.pod_id),
            all(at.id not in group.hosts for group in asked.affinity if group.kind == STRICT_APART),
            all(at.id in group.hosts for group in asked.affinity if group.kind == STRICT_TOGETHER and group.hosts),
        )
    )


def cluster_fits(asked: Request, at: HostCandidate, hosts: list[HostCandidate], policy: Policy) -> bool:
    if asked.host_id is not None:
        return True
    members = [each for each in hosts if each.cluster_id == at.cluster_id]
    cpu = sum(each.cpu_used for each in members) + asked.cpus * asked.speed
    memory = sum(each.memory_used for each in members) + asked.memory
    return (
        cpu / sum(each.cpu_total for each in members) <= policy.cpu_disable_threshold
        and memory / sum(each.memory_total for each in members) <= policy.memory_disable_threshold
    )


def pools_fit(asked: Request, at: HostCandidate, chosen: tuple[PoolCandidate, ...], policy: Policy) -> bool:
    """The same about pools: all volumes at once."""
    for wanted, where in zip(asked.volumes, chosen, strict=True):
        near = {
            "ZONE": True,
            "CLUSTER": where.cluster_id == at.cluster_id,
            "HOST": where.host_id == at.id,
        }[where.scope]
        if where.status != "Up" or not near:
            return False
        if wanted.pool_id is not None:
            if wanted.pool_id != where.id:
                return False
        elif (
            wanted.local != (where.scope == "HOST")
            or wanted.tags - where.tags
            or where.hypervisor not in (None, "Any", at.hypervisor)
        ):
            return False
    for where in chosen:
        new = sum(
            wanted.size
            for wanted, into in zip(asked.volumes, chosen, strict=True)
            if into.id == where.id and wanted.pool_id is None
        )
        limit = min(policy.storage_disable_threshold, 1)
        if new and (where.allocated + new) / where.total > limit:
            return False
    return True


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_what_is_found_fits_and_what_fits_is_found(data: st.DataObject) -> None:
    hosts = [data.draw(a_host(number + 1)) for number in range(data.draw(st.integers(0, 4)))]
    pools = [data.draw(a_pool(number + 1)) for number in range(data.draw(st.integers(0, 4)))]
    asked = data.draw(a_request())
    policy = Policy(
        algorithm=data.draw(st.sampled_from(ALGORITHMS)),
        planner=data.draw(st.sampled_from(PLANNERS)),
        cpu_disable_threshold=data.draw(st.sampled_from([0.5, 0.85, 2.0])),
        memory_disable_threshold=data.draw(st.sampled_from([0.5, 0.85, 2.0])),
        storage_disable_threshold=data.draw(st.sampled_from([0.5, 0.85, 2.0])),
        order_by=data.draw(st.sampled_from(["CPU", "RAM", "COMBINED"])),
        dispersion_weight=data.draw(st.sampled_from([0.0, 0.5, 1.0])),
    )
    able = [each for each in hosts if host_fits(asked, each) and cluster_fits(asked, each, hosts, policy)]
    possible = {
        each.id
        for each in able
        if any(pools_fit(asked, each, ways, policy) for ways in product(pools, repeat=len(asked.volumes)))
    }
    seed = data.draw(st.integers(0, 9))
    arguments = (asked, hosts, pools, policy, chance(seed))
    told = explain([asked], hosts, pools, policy, chance(seed))
    assert {verdict.id for verdict in told.hosts if verdict.order is not None} == possible
    assert all(verdict.rule and verdict.reason for verdict in told.hosts if verdict.order is None)
    assert (told.found is not None, told.message == "") == (bool(possible), bool(possible))
    if possible:
        found = find(*arguments)
        assert found == told.found
        assert found.host.id in possible
        assert liking(asked, found.host) == max(liking(asked, each) for each in hosts if each.id in possible)
        assert pools_fit(asked, found.host, found.pools, policy)
        return
    with pytest.raises(NoPool if able else NoHost) as caught:
        find(*arguments)
    assert caught.value.message == told.message
    assert len(caught.value.message) <= 600
    assert len(caught.value.message.splitlines()) <= 5
    assert caught.value.refusals or not hosts
