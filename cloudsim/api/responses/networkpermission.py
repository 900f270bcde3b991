"""Who may use a network, as clients read it."""

from __future__ import annotations

from cloudsim.api.responses.base import Object, Response, shown
from cloudsim.services.context import Row

NETWORK_PERMISSION = Response(
    "networkpermission", string="account accountid domain domainid networkid project projectid"
)


def permission(row: Row, network: Row) -> Object:
    """One account or project that may use a network."""
    if row["project_uuid"]:
        who = {"project": row["project_name"], "projectid": row["project_uuid"]}
    else:
        who = {"account": row["name"], "accountid": row["uuid"]}
    return shown(networkid=network["uuid"], **who, domain=row["domain_name"], domainid=row["domain_uuid"])
