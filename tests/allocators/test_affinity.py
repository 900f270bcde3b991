"""Affinity groups: the strict kinds refuse (see `test_host_rules`), the others put hosts in order."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from candidates import GIB, chance, host, request

from cloudsim.allocators.affinity import by_liking, content
from cloudsim.allocators.base import AffinityGroup, Policy
from cloudsim.allocators.errors import NoHost
from cloudsim.allocators.find import find, turns
from cloudsim.allocators.host_rules import affinity, anti_affinity, rules_for

APART, NEAR = "non-strict host anti-affinity", "non-strict host affinity"


def group(kind: str, hosts: Mapping[int, int], number: int = 1) -> AffinityGroup:
    return AffinityGroup(number, kind, f"g{number}", hosts)


def liked(*groups: AffinityGroup) -> list[list[int]]:
    hosts = [host(number) for number in (1, 2, 3)]
    return [[one.id for one in turn] for turn in by_liking(request(affinity=groups), hosts)]


def test_hosts_are_tried_in_turns_as_the_groups_like_them() -> None:
    everything = [1, 2, 3]
    assert liked() == [everything]
    assert liked(group(APART, {})) == [everything]
    assert liked(group("host anti-affinity", {1: 1})) == [everything]
    assert liked(group(APART, {1: 2, 2: 1})) == [[3], [2], everything]
    assert liked(group(NEAR, {1: 2, 2: 1})) == [[1], [2], everything]
    assert liked(group(NEAR, {1: 1}), group(APART, {2: 1}, 2)) == [[1], [3], everything]
    assert liked(group(NEAR, {1: 1}), group(APART, {1: 1}, 2)) == [everything]


@pytest.mark.parametrize(("hosts", "apart", "near"), [({}, True, True), ({1: 1}, False, True), ({2: 1}, True, False)])
def test_a_host_the_groups_are_content_with(hosts: dict[int, int], apart: bool, near: bool) -> None:
    assert content([group(APART, hosts)], 1) is apart
    assert content([group(NEAR, hosts)], 1) is near


@pytest.mark.parametrize("planner", ["FirstFitPlanner", "UserDispersingPlanner", "UserConcentratedPodPlanner"])
@pytest.mark.parametrize("algorithm", ["random", "firstfit", "fill", "spread", "userdispersing"])
def test_a_preference_goes_before_every_order_and_across_clusters(planner: str, algorithm: str) -> None:
    hosts = [host(number, cluster_id=number, memory_used=number * GIB) for number in (1, 2, 3)]
    policy = Policy(algorithm=algorithm, planner=planner)
    for wanted in (1, 2, 3):
        others = {one.id: 1 for one in hosts if one.id != wanted}
        assert find(request(affinity=(group(APART, others),)), hosts, [], policy, chance()).host.id == wanted
        assert find(request(affinity=(group(NEAR, {wanted: 1}),)), hosts, [], policy, chance()).host.id == wanted


def test_a_preference_that_cannot_be_met_refuses_nothing_and_the_refusal_names_every_host() -> None:
    hosts = [host(1), host(2, status="Down")]
    asked = request(affinity=(group(APART, {1: 3}),))
    assert find(asked, hosts, [], Policy(), chance()).host.id == 1
    with pytest.raises(NoHost) as caught:
        find(asked, [host(1, status="Down"), hosts[1]], [], Policy(), chance())
    assert {refusal.name for refusal in caught.value.refusals} == {"host1", "host2"}


def test_what_is_in_no_group_is_placed_as_if_there_were_none() -> None:
    """Among 1,000 hosts: one search, over the very list that was given, without a rule that looks at groups."""
    hosts = [host(number, cluster_id=number % 20) for number in range(1000)]
    asked = request(is_user=True)
    (turn,) = turns(asked, hosts)
    assert turn.tried is hosts
    assert not {affinity, anti_affinity} & set(rules_for(asked))


def test_a_member_is_placed_among_1000_hosts_where_one_is_left() -> None:
    hosts = [host(number, cluster_id=number % 20) for number in range(1000)]
    others = {one.id: 1 for one in hosts if one.id != 777}
    for kind in ("host anti-affinity", APART):
        assert find(request(affinity=(group(kind, others),)), hosts, [], Policy(), chance()).host.id == 777
    assert find(request(affinity=(group("host affinity", {777: 1}),)), hosts, [], Policy(), chance()).host.id == 777
