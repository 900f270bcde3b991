"""Virtual machines: who sees them, whose they are, how they change their state.

What is asked of them is in `vm_deploy` and `vm_orders`; what then happens, in `vm_start`, `vm_stop`, `vm_destroy`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Text, and_, bindparam, literal, or_, select

from cloudsim.core import states
from cloudsim.core.errors import InvalidValue, OperationFailed
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals, equals_nocase
from cloudsim.services.nouns import ACCOUNT, VIRTUAL_MACHINE

vm, nic, volume = schema.vm, schema.nic, schema.volume
GIB = 1024**3

_IN_ISOLATED = (
    select(nic.c.vm_id)
    .select_from(nic.join(schema.network, nic.c.network_id == schema.network.c.id))
    .where(nic.c.removed.is_(None), schema.network.c.guest_type == "Isolated")
)

LISTING = Listing(
    vm,
    filters={
        "id": equals(vm.c.id, "id"),
        "ids": any_of(vm.c.id, "ids"),
        "name": or_(equals_nocase(vm.c.name, "name"), equals_nocase(vm.c.display_name, "name")),
        "state": equals(vm.c.state, "state"),
        "alive": and_(vm.c.state != "Destroyed", vm.c.state != "Expunging"),
        "leased": vm.c.lease_state == bindparam("leased"),
        "present": and_(vm.c.state != "Destroyed", vm.c.state != "Expunging", vm.c.state != "Stopped",
                        vm.c.state != "Error"),
        "zone": equals(vm.c.zone_id, "zone"),
        "pod": equals(vm.c.pod_id, "pod"),
        "cluster": vm.c.host_id.in_(select(schema.host.c.id).where(schema.host.c.cluster_id == bindparam("cluster"))),
        "host": equals(vm.c.host_id, "host"),
        "template": equals(vm.c.template_id, "template"),
        "iso": equals(vm.c.iso_id, "iso"),
        "offering": equals(vm.c.service_offering_id, "offering"),
        "group": equals(vm.c.group_id, "group"),
        "securitygroup": vm.c.id.in_(
            select(schema.security_group_vm.c.vm_id).where(schema.security_group_vm.c.group_id == bindparam("securitygroup"))
        ),
        "affinitygroup": vm.c.id.in_(
            select(schema.affinity_group_vm.c.vm_id).where(schema.affinity_group_vm.c.group_id == bindparam("affinitygroup"))
        ),
        "user": equals(vm.c.user_id, "user"),
        "userdata": equals(vm.c.userdata_id, "userdata"),
        "hypervisor": equals_nocase(vm.c.hypervisor, "hypervisor"),
        "arch": equals_nocase(vm.c.arch, "arch"),
        "haenable": equals(vm.c.ha_enabled, "haenable"),
        "display": equals(vm.c.display, "display"),
        "network": vm.c.id.in_(
            select(nic.c.vm_id).where(nic.c.network_id == bindparam("network"), nic.c.removed.is_(None))
        ),
        "isolated": vm.c.id.in_(_IN_ISOLATED),
        "flat": vm.c.id.not_in(_IN_ISOLATED),
        "storage": vm.c.id.in_(
            select(volume.c.vm_id).where(volume.c.pool_id == bindparam("storage"), volume.c.removed.is_(None))
        ),
        "keypair": vm.c.id.in_(
            select(schema.detail.c.resource_id).where(
                schema.detail.c.resource_type == "UserVm",
                schema.detail.c.name == "SSH.KeyPairNames",
                # a machine may have several: their names, separated by commas
                (literal(",") + schema.detail.c.value + ",").like(
                    literal("%,") + bindparam("keypair", type_=Text) + ",%", escape="!"
                ),
            )
        ),
        "none": vm.c.id < 0,
    },
    base=(vm.c.type == "User",),
    keyword=(vm.c.name, vm.c.display_name, vm.c.instance_name, vm.c.state),
    owner=(vm.c.account_id, vm.c.domain_id),
    tag_type="UserVm",
)  # fmt: skip

_KEYPAIR = select(schema.ssh_keypair).where(
    schema.ssh_keypair.c.account_id == bindparam("account_id"),
    schema.ssh_keypair.c.name == bindparam("name"),
    schema.ssh_keypair.c.removed.is_(None),
)
_GROUP = select(schema.instance_group).where(
    schema.instance_group.c.account_id == bindparam("account_id"),
    schema.instance_group.c.name == bindparam("name"),
    schema.instance_group.c.removed.is_(None),
)
_UNFINISHED = (
    select(schema.job.c.id)
    .where(
        schema.job.c.lock == bindparam("lock"),
        or_(schema.job.c.state == "queued", schema.job.c.state == "running"),
    )
    .limit(1)
)


def has_unfinished_job(ctx: Context, row: Row) -> bool:
    """Whether a job of a machine has not ended."""
    return ctx.tx.scalar(_UNFINISHED, lock=lock(row)) is not None


def owner(ctx: Context, row: Row) -> Row:
    """The account a machine belongs to."""
    return access.row(ctx, ACCOUNT, row["account_id"])


def like(text: str) -> str:
    """A text as it stands in the pattern of a condition that finds exactly that."""
    return re.sub(r"([!%_])", r"!\1", text)


def must_be_owner(account: Row, row: Row) -> Row:
    """That account, where the machine belongs to it. Raises `InvalidValue`."""
    if account["id"] != row["account_id"]:
        raise InvalidValue(f"the virtual machine does not belong to account {account['name']}")
    return account


def lock(row: Row) -> str:
    """The lock that orders the jobs of one machine."""
    return f"vm:{row['uuid']}"


def check_userdata(ctx: Context, text: str | None, zone: Row) -> str | None:
    """User data as Base64, of at most ``vm.userdata.max.length`` bytes. Raises `InvalidValue`."""
    if not text:
        return None
    compact = "".join(text.split()).replace("-", "+").replace("_", "/")
    compact += "=" * (-len(compact) % 4)
    try:
        raw = base64.b64decode(compact, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidValue("userdata is not Base64") from None
    most = ctx.settings.number("vm.userdata.max.length", ("Zone", zone["id"])) or 32768
    if len(compact) > most or len(raw) > 1024 * 1024:
        raise InvalidValue(f"userdata is over the limit of {most} bytes (setting vm.userdata.max.length)")
    return compact


def compute(offering: Row, details: Mapping[str, str]) -> tuple[int, int, int]:
    """CPUs, MHz and MB of a machine with an offering; details say it where the offering leaves it open."""
    values = []
    for column, name in (("cpu_number", "cpuNumber"), ("cpu_speed", "cpuSpeed"), ("memory", "memory")):
        fixed, given = offering[column], details.get(name)
        if fixed is not None:
            if given is not None and given != str(fixed):
                raise InvalidValue(f"service offering {offering['name']} sets {name}: it cannot be given as a detail")
            values.append(int(fixed))
            continue
        if given is None:
            raise InvalidValue(f"service offering {offering['name']} is custom: give details[0].{name}")
        if not given.isascii() or not given.isdigit() or not 0 < int(given) < 2**31:
            raise InvalidValue(f"details[0].{name} takes a number above 0, not '{given[:32]}'")
        least, most = offering["details"].get("min" + name.lower()), offering["details"].get("max" + name.lower())
        if (least and int(given) < int(least)) or (most and int(given) > int(most)):
            raise InvalidValue(f"details[0].{name} must be between {least or 1} and {most or 'any'}")
        values.append(int(given))
    return values[0], values[1], values[2]


def keypair(ctx: Context, account: Row, name: str) -> Row:
    """An account's SSH key pair of that name. Raises `InvalidValue`."""
    found = ctx.tx.first(_KEYPAIR, account_id=account["id"], name=name)
    if found is None:
        raise InvalidValue(f"account {account['name']} has no SSH key pair named '{name[:64]}'")
    return found


def group_of(ctx: Context, account: Row, name: str | None) -> int | None:
    """The id of an account's instance group of that name, made where there is none; None without a name."""
    if not name:
        return None
    found = ctx.tx.first(_GROUP, account_id=account["id"], name=name)
    if found is not None:
        return int(found["id"])
    return ctx.tx.insert(
        schema.instance_group,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        name=name,
        account_id=account["id"],
        domain_id=account["domain_id"],
    )


def move(ctx: Context, row: Row, event: str, **values: Any) -> Row:
    """Takes a machine to the state after `event`, unless someone else changed it first.

    Raises `IllegalTransition`, or `OperationFailed` where the row is not as it was read.
    """
    after = states.virtualmachine.next(row["state"], event)
    changed = {"state": after, "update_count": row["update_count"] + 1, "updated": ctx.now, **values}
    if ctx.tx.update(vm, {"id": row["id"], "update_count": row["update_count"]}, **changed) != 1:
        raise OperationFailed(f"virtual machine {row['uuid']} was changed by someone else meanwhile")
    return {**row, **changed}


def add_userdata(ctx: Context, shown: Sequence[dict[str, Any]]) -> None:
    """Adds the user data to response objects of machines."""
    rows = {row["uuid"]: row for row in ctx.tx.all(VIRTUAL_MACHINE.by_uuids, uuids=[one["id"] for one in shown])}
    for one in shown:
        if rows[one["id"]]["userdata"]:
            one["userdata"] = rows[one["id"]]["userdata"]


#: Every state a list may be limited to.
STATES = states.virtualmachine.states
