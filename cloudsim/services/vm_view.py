"""Pages of virtual machines for who shows them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.db import virtualmachine as db
from cloudsim.db.virtualmachine import Machines
from cloudsim.services.context import Context


def page(ctx: Context, ids: Sequence[int]) -> Machines:
    """The machines of these ids in their order, with all that belongs to them."""
    return db.page(ctx.tx, ids)
