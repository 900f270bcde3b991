"""Public addresses, static NAT, and quarantine."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing

from cloudsim.db import schema

#: In use for a network of a machine of its owner.
ACQUIRED = (
    "UPDATE public_ip SET state = 'Allocated', static_nat = 0, source_nat = 0, network_id = (SELECT c.network_id FROM nic c"
    " JOIN vm v ON c.vm_id = v.id WHERE v.account_id = public_ip.account_id AND v.type = 'User' AND c.removed IS NULL"
    " AND c.ip IS NOT NULL"
    " ORDER BY c.id DESC LIMIT 1) WHERE uuid = :id"
)
UNRULED = "UPDATE firewall_rule SET removed = 1 WHERE public_ip_id = (SELECT id FROM public_ip WHERE uuid = :id)"
#: Machines have no second card in one network.
PLAIN = "UPDATE nic SET removed = 1 WHERE ip IS NULL AND :id <> ''"
RESERVED = "UPDATE public_ip SET state = 'Reserved', network_id = NULL WHERE uuid = :id"
TRANSLATED = ACQUIRED.replace(
    "static_nat = 0",
    "static_nat = 1, vm_id = (SELECT v.id FROM vm v WHERE v.account_id = public_ip.account_id AND v.type = 'User' LIMIT 1)",
)


@thing("quarantinedip", needs=("publicipaddress",))
async def _quarantined(cast: Cast, **owner: Any) -> str:
    (address,) = cast.one("SELECT id FROM public_ip WHERE uuid = ?", cast.id("publicipaddress", owner))
    given = {"address_id": address, "ends": 32_503_680_000_000}
    return await cast.insert(schema.quarantined_ip, **given, **cast.owned(owner))


@thing("freeaddress", owned="cloud")
async def _free(cast: Cast, **_: Any) -> str:
    (uuid,) = cast.one("SELECT uuid FROM public_ip WHERE state = 'Free' ORDER BY id DESC LIMIT 1")
    return str(uuid)


ROWS = [
    Row("associateIpAddress", "network", by="networkid"),
    Row("disassociateIpAddress", "publicipaddress", given=ACQUIRED),
    Row("updateIpAddress", "publicipaddress", given=ACQUIRED),
    Row("releaseIpAddress", "publicipaddress", given=RESERVED),
    Row("reserveIpAddress", "freeaddress"),
    Row(
        "enableStaticNat", "publicipaddress", by="ipaddressid", given=f"{UNRULED};{ACQUIRED};{PLAIN}",
        virtualmachineid="@virtualmachine",
    ),
    Row("disableStaticNat", "publicipaddress", by="ipaddressid", given=TRANSLATED),
    Row("listQuarantinedIps"),
    Row("updateQuarantinedIp", "quarantinedip", enddate="2030-01-01"),
    Row("removeQuarantinedIp", "quarantinedip", removalreason="because"),
]  # fmt: skip
