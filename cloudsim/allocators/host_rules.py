"""What a host must be for a machine to run there: one rule a function, each with its reason in words and figures.

A rule takes the request and the host and answers None, or why this host cannot take the machine. The text is made
only when a rule refuses. `HOST_RULES` is their order: what no time will change comes before what is merely full, so
the reason given is the one that matters most.
"""

# Every rule is called with the same arguments, whether it looks at them or not.

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from cloudsim.allocators.affinity import affinity, anti_affinity
from cloudsim.allocators.base import HostCandidate, Refusal, Request
from cloudsim.allocators.dedication import dedicated
from cloudsim.allocators.text import megabytes, number, words

HostRule = Callable[[Request, HostCandidate], str | None]


def place(request: Request, host: HostCandidate) -> str | None:
    """The host, cluster or pod that was asked for."""
    if request.host_id is not None and request.host_id != host.id:
        return "another host was asked for"
    if request.cluster_id is not None and request.cluster_id != host.cluster_id:
        return "a host of another cluster was asked for"
    if request.pod_id is not None and request.pod_id != host.pod_id:
        return "a host of another pod was asked for"
    return None


def avoid(request: Request, host: HostCandidate) -> str | None:
    """Not one of the hosts to avoid; their reason is the caller's."""
    return request.avoid.get(host.id) if request.avoid else None


def status(request: Request, host: HostCandidate) -> str | None:
    """Connected and answering."""
    return None if host.status == "Up" else f"is in status {host.status}, not Up"


def resource_state(request: Request, host: HostCandidate) -> str | None:
    """Enabled; a disabled host only for those who may ignore that, a host in maintenance for nobody."""
    if host.resource_state == "Enabled" or (request.ignore_disabled and host.resource_state == "Disabled"):
        return None
    return f"is in resource state {host.resource_state}, not Enabled"


def cluster_enabled(request: Request, host: HostCandidate) -> str | None:
    """In a cluster that is enabled."""
    return None if host.cluster_enabled or request.ignore_disabled else "its cluster is disabled"


def pod_enabled(request: Request, host: HostCandidate) -> str | None:
    """In a pod that is enabled."""
    return None if host.pod_enabled or request.ignore_disabled else "its pod is disabled"


def zone_enabled(request: Request, host: HostCandidate) -> str | None:
    """In a zone that is enabled, where a user starts the machine."""
    return None if host.zone_enabled or request.ignore_disabled or not request.enters_zone else "its zone is disabled"


def hypervisor(request: Request, host: HostCandidate) -> str | None:
    """The hypervisor that the template is made for."""
    if host.hypervisor == request.hypervisor:
        return None
    return f"needs hypervisor {request.hypervisor}, has {host.hypervisor}"


def arch(request: Request, host: HostCandidate) -> str | None:
    """The CPU architecture that the template is made for."""
    return None if host.arch == request.arch else f"needs CPU architecture {request.arch}, has {host.arch}"


def tags(request: Request, host: HostCandidate) -> str | None:
    """Every host tag of the offering and the template; tags that nobody asked for do not matter.

    Of a host that an administrator has named only the strict ones (``vm.strict.host.tags``) are asked.
    """
    wanted = request.host_tags if request.strict_tags is None else request.host_tags & request.strict_tags
    if not wanted or wanted <= host.tags:
        return None
    return f"lacks the host tags {words(wanted - host.tags)}"


def kept_for_ha(request: Request, host: HostCandidate) -> str | None:
    """Not one that is kept free for HA (setting ``ha.tag``), but for machines that HA brings back."""
    return None if request.ha or not host.kept_for_ha else "is kept free for machines that HA brings back (ha.tag)"


def speed(request: Request, host: HostCandidate) -> str | None:
    """A core at least as fast as one virtual CPU."""
    if host.cpu_speed >= request.speed:
        return None
    return f"needs CPUs of {request.speed} MHz, its cores have {host.cpu_speed} MHz"


def cores(request: Request, host: HostCandidate) -> str | None:
    """At least as many cores as the machine has virtual CPUs."""
    return None if host.cpu_cores >= request.cpus else f"needs {request.cpus} CPU cores, has {host.cpu_cores}"


def machine_limit(request: Request, host: HostCandidate) -> str | None:
    """Fewer machines than its hypervisor takes."""
    if host.machine_limit is None or host.machines < host.machine_limit:
        return None
    return f"runs {host.machines} machines, its limit is {host.machine_limit}"


def cpu(request: Request, host: HostCandidate) -> str | None:
    """Enough CPU not yet given away, over-provisioning included."""
    needed, free = request.cpus * request.speed, host.cpu_total - host.cpu_used
    return None if needed <= free else f"needs {needed} MHz of CPU, {number(max(free, 0))} MHz free"


def memory(request: Request, host: HostCandidate) -> str | None:
    """Enough memory not yet given away, over-provisioning included."""
    free = host.memory_total - host.memory_used
    if request.memory <= free:
        return None
    return f"needs {megabytes(request.memory)} of memory, {megabytes(max(free, 0))} free"


HOST_RULES: tuple[HostRule, ...] = (
    place,
    avoid,
    dedicated,
    status,
    resource_state,
    cluster_enabled,
    pod_enabled,
    zone_enabled,
    hypervisor,
    arch,
    tags,
    kept_for_ha,
    anti_affinity,
    affinity,
    speed,
    cores,
    machine_limit,
    cpu,
    memory,
)


def rules_for(request: Request) -> tuple[HostRule, ...]:
    """`HOST_RULES` without those that no host can break, because `request` asks for nothing that they look at."""
    anywhere = request.host_id is None and request.cluster_id is None and request.pod_id is None
    return _without(
        anywhere, not request.avoid, not request.host_tags, request.ignore_disabled, request.ha,
        not request.enters_zone, not request.affinity,
    )  # fmt: skip


@cache
def _without(
    anywhere: bool,
    nothing_to_avoid: bool,
    no_tags: bool,
    ignore_disabled: bool,
    ha: bool,
    any_zone: bool,
    no_groups: bool,
) -> tuple[HostRule, ...]:
    idle: set[HostRule] = set()
    if anywhere:
        idle.add(place)
    if nothing_to_avoid:
        idle.add(avoid)
    if no_tags:
        idle.add(tags)
    if ha:
        idle.add(kept_for_ha)
    if ignore_disabled:
        idle.update((cluster_enabled, pod_enabled))
    if ignore_disabled or any_zone:
        idle.add(zone_enabled)
    if no_groups:
        idle.update((anti_affinity, affinity))
    return tuple(rule for rule in HOST_RULES if rule not in idle)


def host_refusal(request: Request, host: HostCandidate, rules: tuple[HostRule, ...] = HOST_RULES) -> Refusal | None:
    """The first rule's reason why `host` cannot take the machine, or None: it can."""
    for rule in rules:
        reason = rule(request, host)
        if reason is not None:
            return Refusal("host", host.uuid, host.name, reason, getattr(rule, "__name__", ""))
    return None
