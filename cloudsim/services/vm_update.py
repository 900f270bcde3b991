"""Changing what is known of a virtual machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, select

from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services import access, dhcp_options, securitygroup_member, vm_lease_rules, vm_names
from cloudsim.services import userdata as user_data
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, NETWORK, TEMPLATE, ZONE
from cloudsim.services.virtualmachine import check_userdata, group_of, has_unfinished_job

vm, nic = schema.vm, schema.nic

_DETAILS = delete(schema.detail).where(
    schema.detail.c.resource_type == "UserVm", schema.detail.c.resource_id == bindparam("vm_id")
)
_DETAIL_ROWS = select(schema.detail).where(
    schema.detail.c.resource_type == "UserVm", schema.detail.c.resource_id == bindparam("vm_id")
)
_NIC_NETWORKS = (
    select(nic.c.id, nic.c.network_id, nic.c.dhcp_options, schema.network.c.uuid.label("network_uuid"))
    .select_from(nic.join(schema.network, nic.c.network_id == schema.network.c.id))
    .where(nic.c.vm_id == bindparam("vm_id"), nic.c.removed.is_(None))
)
_INSTANCE_NAME = select(vm.c.id).where(vm.c.instance_name == bindparam("name"))
#: Details that the server itself keeps: a change of the others leaves them as they are.
_KEPT = ("SSH.KeyPairNames", "Encrypted.Password")


def update(
    ctx: Context,
    row: Row,
    *,
    uuid: str | None,
    name: str | None,
    instance_name: str | None,
    group: str | None,
    os_type: Row | None,
    userdata: str | None,
    userdata_row: Row | None,
    userdata_details: Mapping[str, str] | None,
    dynamically_scalable: bool | None,
    details: Mapping[str, str] | None,
    clean_details: bool,
    extra_config: str | None,
    card_options: Sequence[Mapping[str, str]],
    security_group_ids: Sequence[str] = (),
    security_group_names: Sequence[str] = (),
    lease_duration: int | None = None,
    lease_action: str | None = None,
    **columns: Any,
) -> None:
    """Changes a virtual machine; what is None stays. Raises `InvalidValue`, `PermissionDenied`.

    The id, the instance name, details, security groups and scaling can change only while the machine is stopped; the
    guest takes a new host name over at its next start.
    """
    changes = {key: value for key, value in columns.items() if value is not None}
    stopped = row["state"] in ("Stopped", "Error")
    if name is not None and name != row["name"]:
        vm_names.check(name)
        cards = [card["network_id"] for card in ctx.tx.all(_NIC_NETWORKS, vm_id=row["id"])]
        vm_names.must_be_free(ctx, name, cards, but=row["id"])
        changes["name"] = name
    if uuid is not None and uuid != row["uuid"]:
        _check_known_by(ctx, row, "id")
        changes["uuid"] = uuid
    if instance_name is not None and instance_name != row["instance_name"]:
        _check_known_by(ctx, row, "instance name")
        vm_names.check(instance_name)
        if ctx.tx.scalar(_INSTANCE_NAME, name=instance_name) is not None:
            raise InvalidValue(f"an instance named {instance_name} is there already")
        changes["instance_name"] = instance_name
    if dynamically_scalable is not None and dynamically_scalable != row["dynamically_scalable"]:
        if not stopped:
            raise InvalidValue("dynamic scaling can change only while the virtual machine is stopped")
        if dynamically_scalable and not access.row(ctx, TEMPLATE, row["template_id"])["dynamically_scalable"]:
            raise InvalidValue("the template of the virtual machine does not allow dynamic scaling")
        changes["dynamically_scalable"] = dynamically_scalable
    if group is not None:
        owner = access.row(ctx, ACCOUNT, row["account_id"])
        changes["group_id"] = group_of(ctx, owner, group)
    if os_type is not None:
        changes["guest_os_id"] = os_type["id"]
    if userdata is not None and userdata_row is not None:
        raise InvalidValue("give userdata or userdataid, not both")
    if userdata is not None or userdata_row is not None:
        own = userdata_row["data"] if userdata_row is not None else userdata
        image, zone = access.row(ctx, TEMPLATE, row["template_id"]), access.row(ctx, ZONE, row["zone_id"])
        data, data_row = user_data.of_machine(ctx, image, own, userdata_row)
        changes["userdata"] = check_userdata(ctx, data, zone)
        changes["userdata_id"] = data_row["id"] if data_row is not None else None
        if userdata_row is None:
            changes["userdata_details"] = None
    if userdata_details is not None:
        changes["userdata_details"] = dict(userdata_details)
    if details is not None or clean_details:
        if not stopped:
            raise InvalidValue("details can change only while the virtual machine is stopped")
        _replace_details(ctx, row, {} if clean_details else dict(details or {}))
    if extra_config is not None:
        _extra_config(ctx, row, extra_config)
    if security_group_ids or security_group_names:
        securitygroup_member.replace(ctx, row, security_group_ids, security_group_names)
    for entry in card_options:
        _dhcp(ctx, row, entry)
    changes.update(vm_lease_rules.changed(ctx, row, lease_duration, lease_action))
    ctx.tx.update(vm, {"id": row["id"]}, **changes, updated=ctx.now)
    if "display" in changes:
        ctx.tx.update(schema.volume, {"vm_id": row["id"]}, display=changes["display"])
    ctx.event(
        "VM.UPDATE",
        f"virtual machine {row['display_name'] or row['name']} was changed",
        resource=("VirtualMachine", row["uuid"]),
        account_id=row["account_id"],
        domain_id=row["domain_id"],
    )


def _check_known_by(ctx: Context, row: Row, what: str) -> None:
    """Hosts know a machine by its id and instance name, and jobs wait for one another by its id.

    So neither changes while it is on a host or a job of it is unfinished, nor once libvirt has a definition of it.
    """
    if row["state"] not in ("Stopped", "Error"):
        raise InvalidValue(f"the {what} can change only while the virtual machine is stopped")
    if has_unfinished_job(ctx, row):
        raise InvalidValue(f"the {what} cannot change while a job of the virtual machine is unfinished")
    if row["hypervisor"] != "Simulator" and row["last_host_id"] is not None:
        raise InvalidValue(f"the {what} cannot change once the virtual machine is defined on a host")


def _words(ctx: Context, setting: str) -> set[str]:
    return {word.strip() for word in ctx.settings.text(setting).split(",") if word.strip()}


def _replace_details(ctx: Context, row: Row, wanted: dict[str, str]) -> None:
    now = {one["name"]: one["value"] for one in ctx.tx.all(_DETAIL_ROWS, vm_id=row["id"])}
    kept = set(_KEPT)
    if not ctx.caller.is_admin:
        denied = _words(ctx, "user.vm.denied.details")
        readonly = _words(ctx, "user.vm.readonly.details")
        for name in wanted:
            if name in denied or (name in readonly and wanted[name] != now.get(name)):
                raise PermissionDenied(f"detail {name[:64]} is for root admins to change")
        kept |= denied | readonly
    made = {**wanted, **{name: value for name, value in now.items() if name in kept}}
    ctx.tx.execute(_DETAILS, vm_id=row["id"])
    ctx.tx.insert_many(
        schema.detail,
        [
            {"resource_type": "UserVm", "resource_id": row["id"], "name": name, "value": value, "display": True}
            for name, value in made.items()
        ],
    )


def _extra_config(ctx: Context, row: Row, text: str) -> None:
    value = vm_names.extra_config(ctx, row["account_id"], text)
    where = {"resource_type": "UserVm", "resource_id": row["id"], "name": vm_names.EXTRA_CONFIG}
    if ctx.tx.update(schema.detail, where, value=value) == 0:
        ctx.tx.insert(schema.detail, **where, value=value, display=True)


def _dhcp(ctx: Context, row: Row, entry: Mapping[str, str]) -> None:
    for card in ctx.tx.all(_NIC_NETWORKS, vm_id=row["id"]):
        if card["network_uuid"] == entry.get("networkid"):
            options = dhcp_options.of_card(ctx, access.row(ctx, NETWORK, card["network_id"]), entry)
            ctx.tx.update(nic, {"id": card["id"]}, dhcp_options=options)
            return
    raise InvalidValue("dhcpoptionsnetworklist names a network that the virtual machine has no card in")
