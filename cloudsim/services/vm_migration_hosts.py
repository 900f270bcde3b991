"""The hosts that a running machine could move to, and what each would take."""

from __future__ import annotations

from cloudsim.core.errors import InvalidValue
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.services import access, host_view
from cloudsim.services.context import Context
from cloudsim.services.nouns import HOST
from cloudsim.services.vm_migration import motion
from cloudsim.services.vm_placing import Places, request_for


def hosts_for(ctx: Context, row: Row, keyword: str | None) -> list[tuple[int, bool, bool]]:
    """Id of each host, whether it could take the machine, and whether disks would have to move; those that fit first.

    Hosts of the machine's own hypervisor, but the one it runs on. Those that do not reach its disks are there only where
    the hypervisor moves disks along. Raises `InvalidValue` for a machine that does not run.
    """
    if row["state"] != "Running":
        raise InvalidValue(f"a virtual machine in state {row['state']} cannot be migrated: it must run")
    disks = db.volumes_of(ctx.tx, row["id"])
    places = Places(ctx, row, request_for(ctx, row, disks))
    along, bound = motion(ctx, row["hypervisor"]), bool(places.local(disks))
    source = access.row(ctx, HOST, row["host_id"])
    named = set(host_view.LISTING.ids(ctx, {"keyword": keyword, "zone": row["zone_id"]}))
    found = []
    for host in places.hosts.values():
        if host.id not in named or host.id == source["id"] or host.hypervisor != row["hypervisor"]:
            continue
        far = places.unreached(host, disks)
        if far and not along:
            continue
        fit = places.refusal(host) is None and not bound
        fit = fit and all(places.any_pool(host, disk) for disk in far)
        found.append((host.id, fit, bool(far)))
    return sorted(found, key=lambda one: (not one[1], one[2], one[0]))
