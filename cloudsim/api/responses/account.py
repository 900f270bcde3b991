"""Accounts and domains, as clients read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloudsim.api.responses.base import Object, Response, shown
from cloudsim.api.responses.user import USER
from cloudsim.core.caller import domain_path_text
from cloudsim.core.clock import to_wire
from cloudsim.services import account
from cloudsim.services.context import Context

_TOTALS = " ".join(f"{kind}total" for kind in account.KINDS if kind != "secondarystorage")
_LIMITS = " ".join(f"{kind}{end}" for kind in account.KINDS for end in ("limit", "available"))
ACCOUNT = Response(
    "account",
    apikeyaccess="apikeyaccess",
    boolean="iscleanuprequired isdefault",
    date="created",
    float="secondarystoragetotal",
    integer="accounttype vmrunning vmstopped",
    list="groups taggedresources",
    long=f"{_TOTALS} receivedbytes sentbytes",
    map="accountdetails",
    resourceiconresponse="icon",
    string=f"{_LIMITS} defaultzoneid domain domainid domainpath id name networkdomain roleid rolename roletype state",
    nested={"user": ("list", USER)},
)
DOMAIN = Response(
    "domain",
    boolean="hasannotations haschild",
    date="created",
    float="secondarystoragetotal",
    integer="level",
    list="taggedresources",
    long=_TOTALS,
    map="domaindetails",
    resourceiconresponse="icon",
    string=f"{_LIMITS} id name networkdomain parentdomainid parentdomainname path state",
)


def _resources(used: Mapping[str, int]) -> Object:
    """What an owner has of each kind. Nothing limits it: this server does not enforce resource limits."""
    made: Object = {}
    for kind in account.KINDS:
        made[f"{kind}limit"] = "Unlimited"
        made[f"{kind}total"] = float(used[kind]) if kind == "secondarystorage" else used[kind]
        made[f"{kind}available"] = "Unlimited"
    return made


@ACCOUNT.presents
def present_accounts(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Accounts with their users and what they have."""
    found = account.page(ctx, ids)
    user_ids = [one for _, _, users in found for one in users]
    objects = dict(zip(user_ids, ctx.present("user", *user_ids), strict=True))
    return [
        shown(
            id=row["uuid"],
            name=row["name"],
            accounttype=row["type"],
            roleid=row["role_uuid"],
            roletype=row["role_type"],
            rolename=row["role_name"],
            domainid=row["domain_uuid"],
            domain=row["domain_name"],
            domainpath=domain_path_text(row["domain_path"]),
            defaultzoneid=row["default_zone_uuid"],
            receivedbytes=0,
            sentbytes=0,
            **_resources(used),
            vmrunning=used["running"],
            vmstopped=used["stopped"],
            state=row["state"],
            networkdomain=row["network_domain"],
            created=to_wire(row["created"]),
            isdefault=row["is_default"],
            groups=[],
            user=[objects[one] for one in users],
            accountdetails={},
            apikeyaccess="INHERIT",
        )
        for row, used, users in found
    ]


@DOMAIN.presents
def present_domains(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Domains with what they have."""
    return [
        shown(
            id=row["uuid"],
            name=row["name"],
            level=row["level"],
            parentdomainid=parent["uuid"] if parent else None,
            parentdomainname=parent["name"] if parent else None,
            haschild=children,
            path=domain_path_text(row["path"]),
            state=row["state"],
            networkdomain=row["network_domain"],
            created=to_wire(row["created"]),
            **_resources(used),
            hasannotations=False,
        )
        for row, parent, children, used in account.domains(ctx, ids)
    ]
