"""Public addresses in quarantine, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, shown
from cloudsim.core.clock import to_wire
from cloudsim.services import quarantine
from cloudsim.services.context import Context

QUARANTINED_IP = Response(
    "quarantinedips",
    string="id ipaddress previousownerid previousownername removalreason removeraccountid",
    date="created enddate removed",
)


@QUARANTINED_IP.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Quarantines."""
    return [
        shown(
            id=row["uuid"],
            ipaddress=row["address"],
            previousownerid=row["account_uuid"],
            previousownername=row["account_name"],
            created=to_wire(row["created"]),
            enddate=to_wire(row["ends"]),
            removed=to_wire(row["removed"]) if row["removed"] else None,
            removalreason=row["reason"],
            removeraccountid=row["remover_uuid"],
        )
        for row in quarantine.rows(ctx, ids)
    ]
