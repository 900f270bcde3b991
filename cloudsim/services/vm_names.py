"""The names of machines: the host name in the guest, the name to show, and the internal one on hypervisors.

The internal name is never given twice and does not change when the machine's owner or other names do.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Sequence

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.services.context import Context

vm = schema.vm
#: RFC 1123 with CloudStack's limit of 63; a name must not be all digits.
_HOST_NAME = re.compile(r"(?!-)(?!\d+$)[A-Za-z0-9-]{1,63}(?<!-)")
FLAG = "vm.instancename.flag"
EXTRA_CONFIG = "extraconfig-1"
_DISPLAYED = (
    select(vm.c.instance_name)
    .where(
        vm.c.account_id == bindparam("account_id"),
        vm.c.display_name == bindparam("name"),
        vm.c.type == "User",
        vm.c.removed.is_(None),
    )
)  # fmt: skip


def check(name: str) -> str:
    """A host name as RFC 1123 allows it (letters, digits, hyphens; up to 63). Raises `InvalidValue`."""
    if not _HOST_NAME.fullmatch(name):
        raise InvalidValue(
            f"'{name[:64]}' cannot be a host name: use up to 63 letters, digits and hyphens, not a hyphen first or last, "
            "not only digits"
        )
    return name


def must_be_free(ctx: Context, name: str, networks: Sequence[int], but: int = 0) -> None:
    """Raises `InvalidValue` where another machine of one of the networks' domains has this host name."""
    if db.name_taken(ctx.tx, name, networks, but=but):
        raise InvalidValue(f"a virtual machine named {name} is in the same network domain already")


def ending(ctx: Context, account: Row, display_name: str | None) -> str | None:
    """The display name, where ``vm.instancename.flag`` makes it the end of the internal name; else None.

    Raises `InvalidValue` where it cannot be that, or another machine of the account ends so already.
    """
    if not display_name or not ctx.settings.flag(FLAG):
        return None
    if not _HOST_NAME.fullmatch(display_name):
        raise InvalidValue(
            f"'{display_name[:64]}' cannot be the end of an instance name (setting {FLAG}): a display name of up to 63 "
            "letters, digits and hyphens can, not a hyphen first or last, not only digits"
        )
    for row in ctx.tx.all(_DISPLAYED, account_id=account["id"], name=display_name):
        if row["instance_name"].endswith(f"-{display_name}"):
            raise InvalidValue(f"an instance name ends with {display_name} already: choose another display name")
    return display_name


def instance_name(ctx: Context, account: Row, vm_id: int, display_name: str | None) -> str:
    """The internal name of a new machine: ``i-<account>-<machine>-``, and `ending` or the setting ``instance.name``."""
    return (
        f"i-{account['id']}-{vm_id}-{ending(ctx, account, display_name) or ctx.settings.text('instance.name') or 'VM'}"
    )


def extra_config(ctx: Context, account_id: int, text: str) -> str:
    """Further configuration for the hypervisor, decoded. Raises `InvalidValue` where the account may give none."""
    if not ctx.settings.flag("enable.additional.vm.configuration", ("Account", account_id)):
        raise InvalidValue("extraconfig is not allowed here (setting enable.additional.vm.configuration)")
    return urllib.parse.unquote(text)
