"""Public addresses, static NAT, and quarantine."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing

from cloudsim.db import schema

REMAINING = "UPDATE public_ip SET state = '{}', network_id = NULL WHERE uuid = :id"
IN_A_ZONE = "a zone is for everybody: what is missing is a network of one's own there"
RIGHT = "only the role of root admins has it"


@thing("quarantinedip", needs=("publicipaddress",))
async def _quarantined(cast: Cast, **owner: Any) -> str:
    (address,) = cast.one("SELECT id FROM public_ip WHERE uuid = ?", cast.id("publicipaddress", owner))
    given = {"address_id": address, "ends": 32_503_680_000_000}
    return await cast.insert(schema.quarantined_ip, **given, **cast.owned(owner))


ROWS = [
    Row("associateIpAddress", "network", by="networkid"),
]
