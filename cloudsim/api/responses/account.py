"""Accounts and domains, as clients read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudsim.api.responses.base import Object, Response, shown
from cloudsim.api.responses.user import USER
from cloudsim.core.caller import domain_path_text
from cloudsim.core.clock import to_wire
from cloudsim.services import account, domain, resource
from cloudsim.services.context import Context
from cloudsim.services.resource import Kind

TOTALS = " ".join(f"{kind}total" for kind in resource.kinds() if kind != "secondarystorage")
LIMITS = " ".join(f"{kind}{end}" for kind in resource.kinds() for end in ("limit", "available"))
ACCOUNT = Response(
    "account",
    apikeyaccess="apikeyaccess",
    boolean="iscleanuprequired isdefault",
    date="created",
    float="secondarystoragetotal",
    integer="accounttype vmrunning vmstopped",
    list="groups taggedresources",
    long=f"{TOTALS} receivedbytes sentbytes",
    map="accountdetails",
    resourceiconresponse="icon",
    string=f"{LIMITS} defaultzoneid domain domainid domainpath id name networkdomain roleid rolename roletype state",
    nested={"user": ("list", USER)},
)
DOMAIN = Response(
    "domain",
    boolean="hasannotations haschild",
    date="created",
    float="secondarystoragetotal",
    integer="level",
    list="taggedresources",
    long=TOTALS,
    map="domaindetails",
    resourceiconresponse="icon",
    string=f"{LIMITS} id name networkdomain parentdomainid parentdomainname path state",
)


def resources(used: Mapping[str, int], limits: Mapping[str, int], without: str = "") -> Object:
    """What an owner has, may have and may still have of each kind; storage in GiB, memory in MB."""
    made: Object = {}
    for field, kind in resource.kinds().items():
        if field == without:
            continue
        most, has = limits[field], used[field]
        total: Any = has / kind.unit if field == "secondarystorage" else has // kind.unit
        left = "Unlimited" if most == resource.UNLIMITED else str(max(most - total, 0))
        if field == "secondarystorage" and most != resource.UNLIMITED:
            left = str(max(float(most) - total, 0.0))
        made[f"{field}limit"] = "Unlimited" if most == resource.UNLIMITED else str(most)
        made[f"{field}total"] = total
        made[f"{field}available"] = left
    return made


def tagged(entries: Sequence[tuple[Kind, str, int, int]]) -> list[Object] | None:
    """Limits and counts of the tags that have limits of their own; None where there are no such tags."""
    made = []
    for kind, tag, most, has in entries:
        total = has // kind.unit
        made.append(
            {
                "resourcetype": str(kind.number),
                "resourcetypename": kind.name,
                "tag": tag,
                "limit": most,
                "total": total,
                "available": resource.UNLIMITED if most == resource.UNLIMITED else max(most - total, 0),
            }
        )
    return made or None


@ACCOUNT.presents
def present_accounts(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Accounts with their users and what they have."""
    found = account.page(ctx, ids)
    user_ids = [one for entry in found for one in entry.users]
    objects = dict(zip(user_ids, ctx.present("user", *user_ids), strict=True))
    return [
        shown(
            id=entry.row["uuid"],
            name=entry.row["name"],
            accounttype=entry.row["type"],
            roleid=entry.row["role_uuid"],
            roletype=entry.row["role_type"],
            rolename=entry.row["role_name"],
            domainid=entry.row["domain_uuid"],
            domain=entry.row["domain_name"],
            domainpath=domain_path_text(entry.row["domain_path"]),
            defaultzoneid=entry.row["default_zone_uuid"],
            receivedbytes=0,
            sentbytes=0,
            **resources(entry.used, entry.limits),
            vmrunning=entry.used["running"],
            vmstopped=entry.used["stopped"],
            state=entry.row["state"],
            iscleanuprequired=True if entry.row["needs_cleanup"] else None,
            networkdomain=entry.row["network_domain"],
            created=to_wire(entry.row["created"]),
            isdefault=entry.row["is_default"],
            accountdetails=entry.details,
            taggedresources=tagged(entry.tagged),
            user=[objects[one] for one in entry.users],
            groups=[],
            apikeyaccess=(entry.row["api_key_access"] or "Inherit").upper(),
        )
        for entry in found
    ]


@DOMAIN.presents
def present_domains(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Domains, each with what it and those below it have."""
    return [
        shown(
            id=entry.row["uuid"],
            name=entry.row["name"],
            level=entry.row["level"],
            parentdomainid=entry.parent["uuid"] if entry.parent else None,
            parentdomainname=entry.parent["name"] if entry.parent else None,
            haschild=entry.has_children,
            path=domain_path_text(entry.row["path"]),
            state=entry.row["state"],
            networkdomain=entry.row["network_domain"],
            created=to_wire(entry.row["created"]),
            **resources(entry.used, entry.limits),
            domaindetails=entry.details or None,
            taggedresources=tagged(entry.tagged),
            hasannotations=ctx.annotated(entry.row["uuid"]),
        )
        for entry in domain.page(ctx, ids)
    ]
