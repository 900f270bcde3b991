"""Public addresses that are taken for a load balancer rule which names none, and go with it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import exists, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import (
    access,
    public_range,
    publicip_orders,
    publicip_pool,
    resource,
    router_apply,
    shared_network,
)
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, PUBLIC_IP

rule, balancer, public_ip = schema.firewall_rule, schema.load_balancer, schema.public_ip
_OTHER = rule.alias("other")

#: Addresses of rules that are gone, where no other rule is left.
_LEFT_OVER = (
    select(public_ip)
    .select_from(
        balancer.join(rule, balancer.c.rule_id == rule.c.id).join(public_ip, rule.c.public_ip_id == public_ip.c.id)
    )
    .where(
        any_of(balancer.c.rule_id, "ids"),
        balancer.c.own_address.is_(True),
        public_ip.c.state == "Allocated",
        ~exists().where(_OTHER.c.public_ip_id == public_ip.c.id, _OTHER.c.removed.is_(None)),
    )
    .distinct()
)


def network_in(ctx: Context, account: Row, zone: Row) -> Row:
    """The network of an account in a zone that rules without another are for. Raises `InvalidValue`."""
    if shared_network.by_default(zone):
        raise InvalidValue(f"zone {zone['name']} has shared networks: name the network with networkid")
    return publicip_orders.only_network(ctx, account, zone)


def take(ctx: Context, network: Row) -> Row:
    """Takes a public address for a network; answers its row. Raises `InsufficientAddresses`, `LimitReached`."""
    free = public_range.free(ctx, network["zone_id"], network["account_id"], network["domain_id"])
    resource.check(ctx, access.row(ctx, ACCOUNT, network["account_id"]), {"ip": 1})
    publicip_pool.give(ctx, free, network, network=network)
    router_apply.changed(ctx, network["id"], publicip_orders.PART)
    ctx.event(
        "NET.IPASSIGN",
        f"public address {free['address']} was given to network {network['name']} for a load balancer",
        resource=("IpAddress", free["uuid"]),
        account_id=network["account_id"],
        domain_id=network["domain_id"],
    )
    return access.row(ctx, PUBLIC_IP, free["id"])


def give_back(ctx: Context, ids: Sequence[int]) -> None:
    """Load balancer rules are gone: addresses that were taken for them, and that no other rule uses, go as well."""
    for address in ctx.tx.all(_LEFT_OVER, ids=list(ids)):
        publicip_pool.free(ctx, address)
        router_apply.changed(ctx, address["network_id"], publicip_orders.PART)
