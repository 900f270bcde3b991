"""What the allocators are asked for a machine, wherever one is placed: at a start, a move, or to explain one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloudsim.allocators.base import Request, VolumeRequest
from cloudsim.db.database import Row
from cloudsim.services import access, affinitygroup
from cloudsim.services.context import Context
from cloudsim.services.nouns import GUEST_OS, SERVICE_OFFERING, TEMPLATE
from cloudsim.services.placement import tags

MIB = 1024 * 1024


def of(
    ctx: Context,
    row: Row,
    disks: Sequence[Row],
    *,
    host_id: int | None = None,
    cluster_id: int | None = None,
    pod_id: int | None = None,
    avoid: Mapping[int, str] | None = None,
    ha: bool = False,
    moves: bool = False,
    groups: Sequence[Row] | None = None,
    offering: Row | None = None,
) -> Request:
    """The request for a machine with its volumes, within the place that was asked for.

    `moves`: it runs and goes to another host. `groups`: the affinity groups of one that is not stored yet.
    `offering`: the one it gets on the way, where that is another.
    """
    offering = offering or access.row(ctx, SERVICE_OFFERING, row["service_offering_id"])
    template = access.row(ctx, TEMPLATE, row["template_id"])
    if groups is None:
        groups = affinitygroup.of_machine(ctx, row["id"]) if row["in_affinity_groups"] else ()
    is_user = row["type"] == "User"
    return Request(
        cpus=row["cpu"],
        speed=row["speed"],
        memory=row["memory"] * MIB,
        hypervisor=row["hypervisor"],
        arch=row["arch"] or "x86_64",
        host_tags=tags(offering["host_tags"]) | tags(template["tag"]),
        strict_tags=strict_tags(ctx) if is_user and host_id is not None else None,
        os_category_id=access.row(ctx, GUEST_OS, row["guest_os_id"])["category_id"],
        host_id=host_id,
        cluster_id=cluster_id,
        pod_id=pod_id,
        avoid=avoid or {},
        volumes=tuple(
            VolumeRequest(
                disk["size"],
                tags(disk["offering_tags"]),
                local=disk["storage_type"] == "local",
                pool_id=disk["pool_id"],
            )
            for disk in disks
        ),
        enters_zone=is_user and not moves and not ha,
        affinity=affinitygroup.placing(ctx, groups, row["id"]),
        ignore_disabled=not moves and _ignores_disabled(ctx, row, host_id),
        is_user=is_user,
        ha=ha,
    )


def _ignores_disabled(ctx: Context, row: Row, host_id: int | None) -> bool:
    if not ctx.caller.is_admin:
        return False
    setting = "allow.admin.vm.on.disabled.resources"
    if row["type"] == "DomainRouter":
        setting = "allow.router.on.disabled.resources"
    return host_id is not None or ctx.settings.flag(setting)


def strict_tags(ctx: Context) -> frozenset[str]:
    """The tags that a host must have, where a machine asks for them, also when an administrator names the host."""
    found = tags(ctx.settings.text("vm.strict.host.tags"))
    if ctx.settings.flag("vm.strict.resource.limit.host.tag.check"):
        found |= tags(ctx.settings.text("resource.limit.host.tags"))
    return found
