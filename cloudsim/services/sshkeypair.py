"""SSH key pairs of accounts. A private key is answered once and never kept."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import bindparam, select

from cloudsim.core.errors import BadParameter, InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals

table = schema.ssh_keypair

LISTING = Listing(
    table,
    filters={
        "id": equals(table.c.id, "id"),
        "name": equals(table.c.name, "name"),
        "fingerprint": equals(table.c.fingerprint, "fingerprint"),
    },
    keyword=(table.c.name, table.c.fingerprint),
    owner=(table.c.account_id, table.c.domain_id),
)
_ROWS = (
    select(
        table,
        schema.account.c.name.label("account_name"),
        schema.account.c.project_uuid,
        schema.account.c.project_name,
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
    )
    .select_from(
        table.join(schema.account, table.c.account_id == schema.account.c.id).join(
            schema.domain, table.c.domain_id == schema.domain.c.id
        )
    )
    .where(any_of(table.c.id, "ids"))
)
_NAMED = select(table).where(
    table.c.account_id == bindparam("account_id"), table.c.name == bindparam("name"), table.c.removed.is_(None)
)
_SAME = select(table).where(
    table.c.account_id == bindparam("account_id"),
    table.c.fingerprint == bindparam("fingerprint"),
    table.c.removed.is_(None),
)


def rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Key pairs with their owners."""
    return ctx.tx.all(_ROWS, ids=ids)


def make() -> tuple[str, str]:
    """A new pair: the private key as PEM, the public key as OpenSSH writes it. Takes a tenth of a second."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return private.decode(), public.decode()


def fingerprint(public_key: str) -> str:
    """The MD5 fingerprint of a public key, as CloudStack shows it. Raises `InvalidValue` for what is none."""
    parts = public_key.split()
    try:
        if len(parts) < 2 or not parts[0].startswith(("ssh-", "ecdsa-", "sk-")):
            raise ValueError
        raw = base64.b64decode(parts[1], validate=True)
        if raw[4 : 4 + int.from_bytes(raw[:4], "big")].decode() != parts[0]:
            raise ValueError
    except (ValueError, binascii.Error, UnicodeDecodeError):
        raise InvalidValue("publickey is not a public key as OpenSSH writes it") from None
    digest = hashlib.md5(raw, usedforsecurity=False).hexdigest()
    return ":".join(digest[i : i + 2] for i in range(0, 32, 2))


def register(ctx: Context, owner: Row, name: str, public_key: str) -> int:
    """Keeps a public key for an account; answers the row's id. Raises `InvalidValue` for a name or key twice."""
    print_ = fingerprint(public_key)
    if ctx.tx.first(_NAMED, account_id=owner["id"], name=name) is not None:
        raise InvalidValue(f"account {owner['name']} has an SSH key pair named '{name[:64]}' already")
    if ctx.tx.first(_SAME, account_id=owner["id"], fingerprint=print_) is not None:
        raise InvalidValue(f"account {owner['name']} has that public key already, under another name")
    uuid = ctx.uuid()
    made = ctx.tx.insert(
        table,
        uuid=uuid,
        created=ctx.now,
        removed=None,
        name=name,
        account_id=owner["id"],
        domain_id=owner["domain_id"],
        fingerprint=print_,
        public_key=public_key.strip(),
    )
    ctx.event(
        "REGISTER.SSH.KEYPAIR",
        f"SSH key pair {name} was registered",
        resource=("SSHKeyPair", uuid),
        account_id=owner["id"],
        domain_id=owner["domain_id"],
    )
    return made


def remove(ctx: Context, owner: Row, name: str) -> None:
    """Forgets a key pair; machines that have its key keep it. Raises `BadParameter`."""
    found = ctx.tx.first(_NAMED, account_id=owner["id"], name=name)
    if found is None:
        raise BadParameter(f"account {owner['name']} has no SSH key pair named '{name[:64]}'")
    ctx.tx.update(table, {"id": found["id"]}, removed=ctx.now)
