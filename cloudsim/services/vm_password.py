"""Passwords of guests, kept sealed: told once in the answer that made them, and again only encrypted for an SSH key."""

from __future__ import annotations

import base64
import secrets
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_ssh_public_key
from sqlalchemy import bindparam, delete, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.nouns import VIRTUAL_MACHINE

#: The detail that holds what `getVMPassword` answers.
ENCRYPTED = "Encrypted.Password"
LEAST = 6
#: Letters and digits that nobody takes for one another.
_LOWER, _UPPER, _DIGITS = "abcdefghjkmnpqrstuvwxyz", "ABCDEFGHJKMNPQRSTUVWXYZ", "23456789"

_OLD = delete(schema.detail).where(
    schema.detail.c.resource_type == "UserVm",
    schema.detail.c.resource_id == bindparam("vm_id"),
    schema.detail.c.name == ENCRYPTED,
)
_SEALED = select(schema.detail.c.value).where(
    schema.detail.c.resource_type == "UserVm",
    schema.detail.c.resource_id == bindparam("vm_id"),
    schema.detail.c.name == ENCRYPTED,
)


def make(ctx: Context) -> str:
    """A new password of ``vm.password.length`` letters and digits, with some of each kind."""
    length = max(LEAST, ctx.settings.number("vm.password.length") or LEAST)
    chosen = [secrets.choice(kind) for kind in (_LOWER, _UPPER, _DIGITS)]
    chosen += [secrets.choice(_LOWER + _UPPER + _DIGITS) for _ in range(length - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)


def encrypted(text: str, public_key: str | None) -> str | None:
    """A password as only the holder of an SSH key can read it: RSA with PKCS#1 padding, Base64; None for other keys."""
    for line in (public_key or "").splitlines():
        try:
            key = load_ssh_public_key(line.encode())
            if isinstance(key, rsa.RSAPublicKey):
                return base64.b64encode(key.encrypt(text.encode(), padding.PKCS1v15())).decode()
        except (ValueError, UnsupportedAlgorithm):
            continue
    return None


def give(ctx: Context, row: Row, text: str) -> None:
    """Gives a machine a password: sealed, and encrypted with its SSH key where it has one."""
    ctx.tx.update(schema.vm, {"id": row["id"]}, password=ctx.cloud.cipher.seal(text))
    ctx.tx.execute(_OLD, vm_id=row["id"])
    told = encrypted(text, row["ssh_public_key"])
    if told is not None:
        ctx.tx.insert(
            schema.detail, resource_type="UserVm", resource_id=row["id"], name=ENCRYPTED, value=told, display=False
        )


def shown(ctx: Context, vm_id: int, made: dict[str, Any]) -> dict[str, Any]:
    """A job's result with the machine's password, where its template takes one."""
    row = access.row(ctx, VIRTUAL_MACHINE, vm_id)
    if row["password_enabled"] and row["password"] and "virtualmachine" in made:
        made["virtualmachine"]["password"] = ctx.cloud.cipher.open(row["password"])
    return made


def told(ctx: Context, row: Row) -> str:
    """The encrypted password of a machine. Raises `InvalidValue` where it has none."""
    found = ctx.tx.scalar(_SEALED, vm_id=row["id"])
    if found is None:
        raise InvalidValue(
            "the virtual machine has no password to tell: its template takes none, or it has no RSA key pair"
        )
    return str(found)
