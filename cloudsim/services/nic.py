"""Network cards of a virtual machine."""

from __future__ import annotations

from cloudsim.db.database import Row
from cloudsim.db.virtualmachine import NICS, secondary_of
from cloudsim.services.context import Context
from cloudsim.services.listing import has_keyword


def secondary(ctx: Context, rows: list[Row]) -> dict[int, list[Row]]:
    """The secondary addresses of cards, by the card's id."""
    return secondary_of(ctx.tx, rows)


def of_machine(ctx: Context, vm: Row, network: Row | None, nic: Row | None, keyword: str | None = None) -> list[Row]:
    """The cards of a machine, in their order: all, or those in a network, or one; `keyword` is looked for in the
    addresses and the network's name.
    """
    return [
        row
        for row in ctx.tx.all(NICS, ids=[vm["id"]])
        if (network is None or row["network_id"] == network["id"])
        and (nic is None or row["uuid"] == nic["uuid"])
        and has_keyword(keyword, row["ip"], row["mac"], row["network_name"])
    ]
