"""User data that accounts keep for their machines."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence

from sqlalchemy import bindparam, func, select

from cloudsim.core.errors import InvalidValue, ResourceInUse
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals
from cloudsim.services.nouns import TEMPLATE, USER_DATA

table = schema.user_data

LISTING = Listing(
    table,
    filters={"id": equals(table.c.id, "id"), "name": equals(table.c.name, "name")},
    keyword=(table.c.name,),
    owner=(table.c.account_id, table.c.domain_id),
)
_ROWS = (
    select(
        table,
        schema.account.c.uuid.label("account_uuid"),
        schema.account.c.name.label("account_name"),
        schema.account.c.project_uuid,
        schema.account.c.project_name,
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
    )
    .select_from(
        table.join(schema.account, table.c.account_id == schema.account.c.id).join(
            schema.domain, table.c.domain_id == schema.domain.c.id
        )
    )
    .where(any_of(table.c.id, "ids"))
)
_OF = select(table).where(table.c.account_id == bindparam("account_id"), table.c.removed.is_(None))
_LINKED = select(func.count()).where(
    schema.template.c.userdata_id == bindparam("row_id"), schema.template.c.removed.is_(None)
)
_USED = select(func.count()).where(schema.vm.c.userdata_id == bindparam("row_id"), schema.vm.c.removed.is_(None))
#: Bytes before encoding; what a POST may carry (the reference's limit).
MOST = 32 * 1024


def rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """User data with their owners."""
    return ctx.tx.all(_ROWS, ids=ids)


def register(ctx: Context, owner: Row, name: str, data: str, params: str | None) -> int:
    """Keeps user data (Base64) under a name; answers the row's id. Raises `InvalidValue`."""
    if not name.strip():
        raise InvalidValue("user data have a name")
    try:
        text = data + "=" * (-len(data) % 4)
        raw = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (ValueError, binascii.Error):
        raise InvalidValue("userdata takes Base64") from None
    most = ctx.settings.number("vm.userdata.max.length") or MOST
    if not raw or len(data) > most:
        raise InvalidValue(f"userdata takes up to {most} characters, and some at least")
    for row in ctx.tx.all(_OF, account_id=owner["id"]):
        if row["name"] == name:
            raise InvalidValue(f"account {owner['name']} has user data named '{name[:64]}' already")
        if row["data"] == data:
            raise InvalidValue(f"account {owner['name']} has these user data already, as '{row['name']}'")
    named = [part.strip() for part in (params or "").split(",") if part.strip()]
    uuid = ctx.uuid()
    made = ctx.tx.insert(
        table,
        uuid=uuid,
        created=ctx.now,
        removed=None,
        name=name,
        account_id=owner["id"],
        domain_id=owner["domain_id"],
        data=data,
        params=",".join(named) or None,
    )
    ctx.event(
        "REGISTER.USER.DATA",
        f"user data {name} were registered",
        resource=("UserData", uuid),
        account_id=owner["id"],
        domain_id=owner["domain_id"],
    )
    return made


def remove(ctx: Context, row: Row) -> None:
    """Forgets user data that no machine has. Raises `ResourceInUse`, `PermissionDenied`."""
    access.must_own(ctx, USER_DATA, row)
    used = ctx.tx.scalar(_USED, row_id=row["id"])
    if used:
        raise ResourceInUse(f"{used} virtual machine(s) have user data {row['name']}")
    linked = ctx.tx.scalar(_LINKED, row_id=row["id"])
    if linked:
        raise ResourceInUse(f"{linked} template(s) or ISO(s) bring user data {row['name']}: unlink them first")
    ctx.tx.update(table, {"id": row["id"]}, removed=ctx.now)


# -- user data that a template brings

#: What becomes of a machine's own: they take the place of the template's, are added to them, or are refused.
POLICIES = ("ALLOWOVERRIDE", "APPEND", "DENYOVERRIDE")
#: How cloud-init tells what a part is.
_KINDS = ((b"#cloud-config", "cloud-config"), (b"#!", "x-shellscript"), (b"#include", "x-include-url"))


def link(ctx: Context, image: Row, data: Row | None, policy: str | None) -> None:
    """Makes a template or ISO bring user data, or none any more. Raises `InvalidValue`, `PermissionDenied`."""
    access.must_own(ctx, TEMPLATE, image)
    if data is None and policy is not None:
        raise InvalidValue("userdatapolicy goes with userdataid")
    chosen = (policy or POLICIES[0]).upper()
    if chosen not in POLICIES:
        raise InvalidValue(f"userdatapolicy takes {', '.join(POLICIES)}, not '{chosen[:32]}'")
    ctx.tx.update(
        schema.template,
        {"id": image["id"]},
        userdata_id=data["id"] if data is not None else None,
        userdata_policy=chosen if data is not None else None,
    )


def of_machine(ctx: Context, image: Row, own: str | None, own_row: Row | None) -> tuple[str | None, Row | None]:
    """The user data (Base64) of a machine made of a template, and the row they are: its own, the template's, or both.

    Raises `InvalidValue` where the template lets it have none of its own.
    """
    if image["userdata_id"] is None:
        return own, own_row
    brought = access.row(ctx, USER_DATA, image["userdata_id"])
    if brought["removed"] is not None:  # they went away with their account
        return own, own_row
    if own is None:
        return brought["data"], brought
    if image["userdata_policy"] == "DENYOVERRIDE":
        raise InvalidValue(f"template {image['name']} brings user data, and a machine of it has no other")
    if image["userdata_policy"] == "APPEND":
        return _together(brought["data"], own), own_row
    return own, own_row


def _together(*texts: str) -> str:
    """Several user data as one, in the form that cloud-init takes apart. What is no Base64 is left to who checks it."""
    try:
        parts = [base64.b64decode(text + "=" * (-len(text) % 4)) for text in texts]
    except (ValueError, binascii.Error):
        return texts[-1]
    boundary = hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]
    lines = [f'Content-Type: multipart/mixed; boundary="{boundary}"'.encode(), b"MIME-Version: 1.0", b""]
    for part in parts:
        kind = next((name for start, name in _KINDS if part.startswith(start)), "plain")
        lines += [f"--{boundary}".encode(), f'Content-Type: text/{kind}; charset="utf-8"'.encode(), b"", part]
    return base64.b64encode(b"\n".join([*lines, f"--{boundary}--".encode(), b""])).decode()
