"""Network cards of a virtual machine."""

from __future__ import annotations

from cloudsim.db.database import Row
from cloudsim.db.virtualmachine import NICS
from cloudsim.services.context import Context


def of_machine(ctx: Context, vm: Row, network: Row | None, nic: Row | None) -> list[Row]:
    """The cards of a machine, in their order: all, or those in a network, or one."""
    return [
        row
        for row in ctx.tx.all(NICS, ids=[vm["id"]])
        if (network is None or row["network_id"] == network["id"]) and (nic is None or row["uuid"] == nic["uuid"])
    ]
