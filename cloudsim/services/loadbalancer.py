"""Load balancer rules: ports of public addresses whose connections are spread over machines of a network.

A rule is an entry of `rules` (state, address, ports, sources) with a row of its own for the rest. Routers are told of it
once it has machines (`loadbalancer_parts`): until then it stays in ``Add``, and from the first on it is ``Active``.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.db.virtualmachine import TAGS, grouped
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals
from cloudsim.services.nouns import LOAD_BALANCER_RULE

rule, balancer, member = schema.firewall_rule, schema.load_balancer, schema.load_balancer_vm
public_ip, network, zone = schema.public_ip, schema.network, schema.zone

_SOURCE = rule.join(balancer, balancer.c.rule_id == rule.c.id)
LISTING = Listing(
    rule,
    source=_SOURCE,
    filters={
        "id": equals(rule.c.id, "id"),
        "name": equals(balancer.c.name, "name"),
        "address": equals(rule.c.public_ip_id, "address"),
        "network": equals(rule.c.network_id, "network"),
        "machine": rule.c.id.in_(select(member.c.rule_id).where(member.c.vm_id == bindparam("machine"))),
        "zone": rule.c.network_id.in_(select(network.c.id).where(network.c.zone_id == bindparam("zone"))),
        "display": equals(rule.c.display, "display"),
    },
    keyword=(balancer.c.name,),
    owner=(rule.c.account_id, rule.c.domain_id),
    tag_type="LoadBalancer",
)
_ROWS = (
    select(
        rule,
        balancer.c.name,
        balancer.c.description,
        balancer.c.algorithm,
        balancer.c.protocol.label("lb_protocol"),
        public_ip.c.uuid.label("address_uuid"),
        public_ip.c.address,
        network.c.uuid.label("network_uuid"),
        zone.c.uuid.label("zone_uuid"),
        zone.c.name.label("zone_name"),
        schema.account.c.name.label("account_name"),
        schema.account.c.project_uuid,
        schema.account.c.project_name,
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
    )
    .select_from(
        _SOURCE.join(public_ip, rule.c.public_ip_id == public_ip.c.id)
        .join(network, rule.c.network_id == network.c.id)
        .join(zone, network.c.zone_id == zone.c.id)
        .join(schema.account, rule.c.account_id == schema.account.c.id)
        .join(schema.domain, rule.c.domain_id == schema.domain.c.id)
    )
    .where(any_of(rule.c.id, "ids"))
)
_OWN = select(balancer).where(balancer.c.rule_id == bindparam("rule_id"))
_ANY = select(member.c.id).where(member.c.rule_id == bindparam("rule_id")).limit(1)
_OF_MACHINE = (
    select(balancer.c.name)
    .select_from(member.join(rule, member.c.rule_id == rule.c.id).join(balancer, balancer.c.rule_id == rule.c.id))
    .where(member.c.vm_id == bindparam("vm_id"), rule.c.removed.is_(None))
    .limit(1)
)


def page(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, list[Row]]]:
    """Rules with their addresses, networks and owners, and their tags."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    tags = grouped(ctx.tx.all(TAGS, kind="LoadBalancer", ids=ids), "resource_id")
    return [(rows[i], tags.get(i, [])) for i in ids if i in rows]


def own(ctx: Context, row: Row) -> Row:
    """What a rule has beside what all rules have."""
    found = ctx.tx.first(_OWN, rule_id=row["id"])
    assert found is not None
    return found


def touch(ctx: Context, row: Row) -> Row:
    """A rule that is to be changed, with what it has of its own. Raises `PermissionDenied`, `InvalidValue`."""
    access.must_own(ctx, LOAD_BALANCER_RULE, row)
    found = own(ctx, row)
    if row["state"] == "Revoke":
        raise InvalidValue(f"load balancer rule {found['name']} is on its way out")
    return found


def has_machines(ctx: Context, row: Row) -> bool:
    """Whether a rule has machines, so that routers know it."""
    return ctx.tx.scalar(_ANY, rule_id=row["id"]) is not None


def of_machine(ctx: Context, vm_id: int) -> str | None:
    """The name of a rule that a machine is assigned to; None where it is at no load balancer."""
    found: str | None = ctx.tx.scalar(_OF_MACHINE, vm_id=vm_id)
    return found


def told(ctx: Context, rule_id: int) -> None:
    """The routers have been told of a rule: it is ``Active`` where it has machines."""
    if ctx.tx.scalar(_ANY, rule_id=rule_id) is not None:
        ctx.tx.update(rule, {"id": rule_id, "state": "Add"}, state="Active")
