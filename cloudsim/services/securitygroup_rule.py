"""Rules of security groups as they are asked for: read and checked."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.services import access, securitygroup, securitygroup_workflows
from cloudsim.services.context import Context
from cloudsim.services.nouns import SECURITY_GROUP, SECURITY_GROUP_RULE

INGRESS, EGRESS = "ingress", "egress"
_NUMBERS = {"1": "icmp", "6": "tcp", "17": "udp"}
_ACCOUNT = select(schema.account).where(
    schema.account.c.domain_id == bindparam("domain_id"),
    schema.account.c.name == bindparam("name"),
    schema.account.c.removed.is_(None),
)


def protocol_of(text: str | None) -> str:
    """A protocol as it is stored: tcp, udp, icmp, all, or the number of another. Raises `InvalidValue`."""
    word = (text or "all").strip().lower()
    if word.isascii() and word.isdigit() and int(word[:4]) <= 255 and len(word) < 4:
        word = str(int(word))
        return _NUMBERS.get(word, word)
    if word not in ("tcp", "udp", "icmp", "all"):
        raise InvalidValue(f"protocol takes tcp, udp, icmp, all or a number up to 255, not '{word[:32]}'")
    return word


def _span(
    protocol: str, start: int | None, end: int | None, icmp_type: int | None, icmp_code: int | None
) -> tuple[int | None, int | None]:
    if protocol == "icmp":
        if start is not None or end is not None:
            raise InvalidValue("icmp has no ports: give icmptype and icmpcode")
        return _icmp(icmp_type, icmp_code)
    if icmp_type is not None or icmp_code is not None:
        raise InvalidValue(f"icmptype and icmpcode are for protocol icmp, not {protocol}")
    if protocol not in ("tcp", "udp"):
        if start is not None or end is not None:
            raise InvalidValue(f"startport and endport are for tcp and udp, not {protocol}")
        return None, None
    if start is None:
        raise InvalidValue(f"a rule for {protocol} needs startport and endport")
    end = start if end is None else end
    for port in (start, end):
        if not 0 <= port <= 65535:
            raise InvalidValue(f"ports go from 0 to 65535: {port} is none")
    if start > end:
        raise InvalidValue(f"startport {start} is above endport {end}")
    return start, end


def _icmp(icmp_type: int | None, icmp_code: int | None) -> tuple[int, int]:
    if icmp_type is None or icmp_code is None:
        raise InvalidValue("a rule for icmp needs icmptype and icmpcode (-1: any)")
    if not -1 <= icmp_type <= 255 or not -1 <= icmp_code <= 255:
        raise InvalidValue("icmptype and icmpcode go from 0 to 255, or are -1 for any")
    if icmp_type == -1 and icmp_code != -1:
        raise InvalidValue("an icmpcode belongs to an icmptype: for any type it is -1")
    return icmp_type, icmp_code


def _cidrs(texts: Sequence[str]) -> list[str]:
    made = []
    for text in texts:
        try:
            made.append(str(ipaddress.ip_network(text)))
        except ValueError:
            raise InvalidValue(f"cidrlist takes networks such as 10.1.1.0/24, not '{text[:64]}'") from None
    return list(dict.fromkeys(made))


def _allowed(ctx: Context, group: Row, entries: Sequence[Mapping[str, str]]) -> list[int]:
    """The groups that are named by account and name, in the domain of the group they are let into."""
    made = []
    for entry in entries:
        pairs = [(entry["account"], entry["group"])] if {"account", "group"} <= set(entry) else list(entry.items())
        if len(pairs) != 1 or not all(pairs[0]):
            raise InvalidValue("each entry of usersecuritygrouplist has an account and a group")
        account, name = pairs[0]
        owner = ctx.tx.first(_ACCOUNT, domain_id=group["domain_id"], name=account)
        if owner is None:
            raise InvalidValue(f"there is no account '{account[:64]}' in the domain of the security group")
        made.append(int(securitygroup.named(ctx, owner, name)["id"]))
    return list(dict.fromkeys(made))


def authorize(
    ctx: Context,
    group: Row,
    direction: str,
    *,
    protocol: str | None,
    start: int | None,
    end: int | None,
    icmp_type: int | None,
    icmp_code: int | None,
    cidrs: Sequence[str] | None,
    groups: Sequence[Mapping[str, str]] | None,
) -> str:
    """Lets more through; answers the job's uuid. Raises `InvalidValue`, `PermissionDenied`."""
    access.must_own(ctx, SECURITY_GROUP, group)
    if not cidrs and not groups:
        raise InvalidValue("say who is let through: cidrlist or usersecuritygrouplist")
    stored = protocol_of(protocol)
    first, last = _span(stored, start, end, icmp_type, icmp_code)
    arguments: dict[str, Any] = {
        "group_id": group["id"],
        "direction": direction,
        "protocol": stored,
        "start": first,
        "end": last,
        "cidrs": _cidrs(cidrs or ()),
        "allowed": _allowed(ctx, group, groups or ()),
    }
    return _order(ctx, group, "authorize", f"SG.AUTH.{direction.upper()}", "letting more through", arguments)


def revoke(ctx: Context, row: Row, direction: str) -> str:
    """Takes a rule away; answers the job's uuid. Raises `BadParameter`, `PermissionDenied`."""
    if row["direction"] != direction:
        raise access.not_found(SECURITY_GROUP_RULE, row["uuid"])
    access.must_own(ctx, SECURITY_GROUP_RULE, row)
    group = access.row(ctx, SECURITY_GROUP, row["group_id"])
    event = f"SG.REVOKE.{direction.upper()}"
    return _order(ctx, group, "revoke", event, "letting less through", {"rule_id": row["id"]})


def _order(ctx: Context, group: Row, verb: str, event: str, text: str, arguments: dict[str, Any]) -> str:
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=f"securitygroup.{verb}",
            arguments=arguments,
            instance_type="SecurityGroup",
            instance_uuid=group["uuid"],
            lock=f"securitygroup:{group['uuid']}",
            event=event,
            event_text=f"{text} in security group {group['name']}",
            account_id=group["account_id"],
            domain_id=group["domain_id"],
        )
    )


__all__ = ["EGRESS", "INGRESS", "authorize", "protocol_of", "revoke", "securitygroup_workflows"]
