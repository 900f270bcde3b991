"""Where a virtual machine goes: the data, and the three kinds of part that decide.

All of it is plain data and pure functions: no database, no clock. The service reads the candidates in its transaction,
asks here, and writes the reservation in the same transaction, so two deployments can never take the same room.

* a **planner** orders the clusters that may be tried (`FirstFitPlanner`, `UserDispersingPlanner`, ...);
* a **host allocator** orders the hosts of a cluster and says of each other one why it was left out;
* a **storage allocator** does the same with storage pools for one volume.

Each kind is an entry-point group (``cloudsim.planners``, ``cloudsim.host_allocators``, ``cloudsim.storage_allocators``)
that a user's own package can add to.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Dedication:
    """Whose alone a place is."""

    #: ``Zone``, ``Pod``, ``Cluster`` or ``Host``.
    kind: str
    #: The account; None: everybody of the domain and of those below it.
    account_id: int | None
    domain_id: int
    #: The account or domain in words, for refusals.
    owner: str = ""
    #: The affinity group whose machines go there.
    group_id: int | None = None


@dataclass(frozen=True, slots=True)
class AffinityGroup:
    """An affinity group that the machine is in, and where its other machines are."""

    id: int
    #: One of the five types; see `affinity`.
    kind: str
    name: str
    #: How many of the others each host has: those that run there, start there or are on their way there or away.
    hosts: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HostCandidate:
    """A host as the rules see it. CPU in MHz and memory in bytes, totals with over-provisioning applied."""

    id: int
    uuid: str
    name: str
    zone_id: int
    pod_id: int
    cluster_id: int
    hypervisor: str
    #: ``Up``, ``Down``, ...; see ``core.states`` host_status.
    status: str
    #: ``Enabled``, ``Disabled``, ``Maintenance``, ...
    resource_state: str
    cpu_total: float
    cpu_used: float
    memory_total: float
    memory_used: float
    #: MHz of one core and how many there are: no virtual CPU may be faster, no machine may have more.
    cpu_speed: int
    cpu_cores: int
    arch: str = "x86_64"
    tags: frozenset[str] = frozenset()
    #: The guest OS category the administrator prefers here (``updateHost oscategoryid``), by id.
    os_category_id: int | None = None
    #: Allocation states of the places the host is in.
    cluster_enabled: bool = True
    pod_enabled: bool = True
    zone_enabled: bool = True
    #: Running and starting virtual machines, and how many the hypervisor takes (None: no limit).
    machines: int = 0
    machine_limit: int | None = None
    #: How many machines of the asking account run here.
    account_machines: int = 0
    #: What the cluster is called, for refusals; without a name its id is shown.
    cluster_uuid: str = ""
    cluster_name: str = ""
    #: Whom the host, or a place that it is in, is dedicated to.
    dedications: tuple[Dedication, ...] = ()
    #: Whether it has the tag of setting ``ha.tag``: kept free for machines whose host failed.
    kept_for_ha: bool = False


@dataclass(frozen=True, slots=True)
class PoolCandidate:
    """A storage pool as the rules see it. Sizes in bytes; `total` with over-provisioning applied."""

    id: int
    uuid: str
    name: str
    zone_id: int
    #: None: a pool of the whole zone.
    cluster_id: int | None
    pod_id: int | None
    #: ``CLUSTER``, ``ZONE`` or ``HOST``.
    scope: str
    #: ``Up``, ``Maintenance``, ...
    status: str
    total: float
    allocated: float
    tags: frozenset[str] = frozenset()
    hypervisor: str | None = None
    #: How many volumes of the asking account lie here.
    account_volumes: int = 0
    #: The one host that a pool of ``HOST`` scope belongs to; None: every host of its cluster reaches it.
    host_id: int | None = None
    #: This pool's own ``pool.storage.allocated.capacity.disablethreshold``, as a share; None: the policy's.
    disable_threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be placed."""

    cpus: int
    #: MHz of one virtual CPU.
    speed: int
    #: Bytes.
    memory: int
    hypervisor: str
    arch: str = "x86_64"
    host_tags: frozenset[str] = frozenset()
    os_category_id: int | None = None
    #: Limits set by an administrator, or by the host it last ran on.
    host_id: int | None = None
    cluster_id: int | None = None
    pod_id: int | None = None
    #: Hosts not to try: they have just failed, or an affinity rule forbids them; id and reason.
    avoid: Mapping[int, str] = field(default_factory=dict)
    #: The volumes that must find room: (size in bytes, storage tags, only ``HOST`` scope).
    volumes: tuple[VolumeRequest, ...] = ()
    #: The host tags that matter on a host which an administrator has named; None: all of `host_tags` do.
    strict_tags: frozenset[str] | None = None
    #: Whether a user starts it: not in a zone that is disabled. What runs there already may move, and is brought back.
    enters_zone: bool = False
    #: The affinity groups it is in.
    affinity: tuple[AffinityGroup, ...] = ()
    #: Root admins may use disabled places where the settings allow it.
    ignore_disabled: bool = False
    #: Whose machine it is: the account, its domain and the domains above. Read where places are dedicated.
    account_id: int | None = None
    domain_ids: frozenset[int] = frozenset()
    #: One of the cloud's own machines.
    is_system: bool = False
    #: A machine of a user; False: the cloud's own, and routers.
    is_user: bool = False
    #: Whether HA brings the machine back: hosts that are kept for that are tried first.
    ha: bool = False


@dataclass(frozen=True, slots=True)
class VolumeRequest:
    """One volume that needs a pool."""

    size: int
    tags: frozenset[str] = frozenset()
    local: bool = False
    #: The pool it already lies in: no choice.
    pool_id: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings the rules obey, read by the caller; shares are of 1."""

    #: ``vm.allocation.algorithm``: random, firstfit, userdispersing, firstfitleastconsumed, fill, spread.
    algorithm: str = "random"
    planner: str = "FirstFitPlanner"
    #: ``cluster.cpu.allocated.capacity.disablethreshold`` and the same for memory.
    cpu_disable_threshold: float = 0.85
    memory_disable_threshold: float = 0.85
    #: ``pool.storage.allocated.capacity.disablethreshold``.
    storage_disable_threshold: float = 0.85
    #: ``host.capacityType.to.order.clusters``: CPU, RAM or COMBINED, and the weight of CPU in COMBINED.
    order_by: str = "CPU"
    cpu_weight: float = 0.5
    #: ``vm.user.dispersion.weight``.
    dispersion_weight: float = 1.0
    #: ``volume.allocation.algorithm``; empty: the same as `algorithm`.
    storage_algorithm: str = ""
    #: Clusters with thresholds of their own: id, and the shares for CPU and memory.
    cluster_thresholds: Mapping[int, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a place was left out, for the answer to "no destination found"."""

    #: host, cluster or pool.
    kind: str
    uuid: str
    name: str
    reason: str
    #: The rule that refused, in one word; refusals by the same rule are told together.
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Destination:
    """A host, and a pool for each volume of the request, in its order."""

    host: HostCandidate
    pools: tuple[PoolCandidate, ...]


class Planner(Protocol):
    """Orders clusters."""

    def order(
        self, request: Request, hosts: Sequence[HostCandidate], policy: Policy, chance: random.Random
    ) -> tuple[list[int], list[Refusal]]:
        """The ids of the clusters worth trying, best first, and why others are not."""


class HostAllocator(Protocol):
    """Orders hosts."""

    def order(
        self, request: Request, hosts: Sequence[HostCandidate], policy: Policy, chance: random.Random
    ) -> tuple[list[HostCandidate], list[Refusal]]:
        """The hosts (of one cluster) that can take the machine, best first, and why others cannot."""


class StorageAllocator(Protocol):
    """Orders storage pools."""

    def order(
        self,
        volume: VolumeRequest,
        host: HostCandidate,
        pools: Sequence[PoolCandidate],
        policy: Policy,
        chance: random.Random,
    ) -> tuple[list[PoolCandidate], list[Refusal]]:
        """The pools that `host` reaches and that can take the volume, best first, and why others cannot."""
