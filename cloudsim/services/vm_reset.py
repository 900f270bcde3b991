"""New passwords, SSH keys and user data for machines that are stopped; their guests get them at the next start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.jobs.workflow import single
from cloudsim.services import access, virtualmachine, vm_orders, vm_password, vm_plain
from cloudsim.services import userdata as user_data
from cloudsim.services.context import Context
from cloudsim.services.nouns import TEMPLATE, VIRTUAL_MACHINE, ZONE

vm, detail = schema.vm, schema.detail
KEYS = "SSH.KeyPairNames"
_OLD_KEYS = delete(detail).where(
    detail.c.resource_type == "UserVm", detail.c.resource_id == bindparam("vm_id"), detail.c.name == KEYS
)


def _must_be_stopped(row: Row, what: str) -> None:
    if row["state"] not in ("Stopped", "Error"):
        raise InvalidValue(f"the {what} can be reset only while the virtual machine is stopped; it is {row['state']}")


def _takes_password(ctx: Context, row: Row) -> bool:
    return bool(access.row(ctx, TEMPLATE, row["template_id"])["password_enabled"])


# -- password


def password(ctx: Context, row: Row, text: str | None) -> str:
    """Orders a new password (`text`, or one by chance); answers the job's uuid. Raises `InvalidValue`."""
    _check_password(ctx, row)
    if text is not None and not text.strip():
        raise InvalidValue("a password is not empty")
    sealed = ctx.cloud.cipher.seal(text) if text is not None else None
    return vm_orders.order(
        ctx,
        row,
        "virtualmachine.resetpassword",
        "VM.RESETPASSWORD",
        "resetting the password of",
        {"sealed": sealed},
    )


def _check_password(ctx: Context, row: Row) -> None:
    if not _takes_password(ctx, row):
        raise InvalidValue("the template of the virtual machine takes no password (passwordenabled)")
    _must_be_stopped(row, "password")


def _give_password(ctx: Context, vm_id: int, sealed: str | None) -> dict[str, Any]:
    row = access.alive(ctx, VIRTUAL_MACHINE, vm_id)
    _check_password(ctx, row)
    text = ctx.cloud.cipher.open(sealed) if sealed is not None else vm_password.make(ctx)
    vm_password.give(ctx, row, text)
    ctx.tx.update(vm, {"id": vm_id}, password_enabled=True, updated=ctx.now)
    return vm_password.shown(ctx, vm_id, vm_plain.result(ctx, vm_id))


single("virtualmachine.resetpassword", _give_password)


# -- SSH keys


def keys(ctx: Context, row: Row, owner: Row, names: Sequence[str]) -> str:
    """Orders that these key pairs of an account take the place of the machine's. Raises `InvalidValue`."""
    wanted = list(dict.fromkeys(name for name in names if name))
    if not wanted:
        raise InvalidValue("give keypair or keypairs")
    _must_be_stopped(row, "SSH key")
    if owner["id"] != row["account_id"]:
        raise InvalidValue("the key pairs are those of the owner of the virtual machine")
    _found_keys(ctx, owner, wanted)
    return vm_orders.order(
        ctx, row, "virtualmachine.resetsshkey", "VM.RESETSSHKEY", "resetting the SSH key of", {"names": wanted}
    )


def _found_keys(ctx: Context, owner: Row, names: Sequence[str]) -> list[Row]:
    return [virtualmachine.keypair(ctx, owner, name) for name in names]


def _give_keys(ctx: Context, vm_id: int, names: list[str]) -> dict[str, Any]:
    row = access.alive(ctx, VIRTUAL_MACHINE, vm_id)
    _must_be_stopped(row, "SSH key")
    owner = virtualmachine.owner(ctx, row)
    public = "\n".join(key["public_key"] for key in _found_keys(ctx, owner, names))
    ctx.tx.update(vm, {"id": vm_id}, keypairs=names, ssh_public_key=public, updated=ctx.now)
    ctx.tx.execute(_OLD_KEYS, vm_id=vm_id)
    ctx.tx.insert(
        detail, resource_type="UserVm", resource_id=vm_id, name=KEYS, value=",".join(names), display=True
    )  # fmt: skip
    if not _takes_password(ctx, row):
        return vm_plain.result(ctx, vm_id)
    # whoever has the new key can read the password, and nobody who had the old one only
    vm_password.give(ctx, access.row(ctx, VIRTUAL_MACHINE, vm_id), vm_password.make(ctx))
    return vm_password.shown(ctx, vm_id, vm_plain.result(ctx, vm_id))


single("virtualmachine.resetsshkey", _give_keys)


# -- user data


def userdata(
    ctx: Context, row: Row, text: str | None, data_row: Row | None, details: Mapping[str, str] | None
) -> None:  # fmt: skip
    """Gives a stopped machine other user data; those its template brings where none are given. Raises `InvalidValue`."""
    if text is not None and data_row is not None:
        raise InvalidValue("give userdata or userdataid, not both")
    if details and data_row is None:
        raise InvalidValue("userdatadetails goes with userdataid")
    _must_be_stopped(row, "user data")
    image, zone = access.row(ctx, TEMPLATE, row["template_id"]), access.row(ctx, ZONE, row["zone_id"])
    own = data_row["data"] if data_row is not None else text
    if own is None and image["userdata_id"] is None:
        raise InvalidValue("give userdata or userdataid: the template of the virtual machine brings none")
    data, found = user_data.of_machine(ctx, image, own, data_row)
    ctx.tx.update(
        vm,
        {"id": row["id"]},
        userdata=virtualmachine.check_userdata(ctx, data, zone),
        userdata_id=found["id"] if found is not None else None,
        userdata_details=dict(details) if details else None,
        updated=ctx.now,
    )
    ctx.event(
        "VM.RESETUSERDATA",
        f"the user data of virtual machine {row['display_name'] or row['name']} were reset",
        resource=("VirtualMachine", row["uuid"]),
        account_id=row["account_id"],
        domain_id=row["domain_id"],
    )
