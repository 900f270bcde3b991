"""Load balancer rules made, changed and taken away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudsim.core.errors import BadParameter, CloudError, InvalidValue, RuleConflict
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import (
    access,
    firewall,
    lb_capability,
    loadbalancer,
    loadbalancer_address,
    loadbalancer_gone,
    network,
    router_apply,
    rule_request,
    rules,
    usage,
)
from cloudsim.services.context import Context
from cloudsim.services.lb_capability import Abilities
from cloudsim.services.loadbalancer_change import Change, lock
from cloudsim.services.nouns import ACCOUNT, LOAD_BALANCER_RULE, NETWORK, NETWORK_OFFERING, NETWORK_RULE

Plain = dict[str, Any]

DNS = 53
STATS_PORT = "network.loadbalancer.haproxy.stats.port"


def _one_of(name: str, text: str, allowed: Sequence[str]) -> str:
    found = text.strip().lower()
    if found not in allowed:
        raise InvalidValue(f"{name} takes {', '.join(allowed)}, not '{text[:64]}'")
    return found


def _transport(protocol: str | None) -> str:
    return "udp" if protocol == "udp" else "tcp"


def place(ctx: Context, *, account: Row | None, network_: Row | None, zone: Row | None) -> Row:
    """The network that a rule without an address is for. Raises `InvalidValue`, `PermissionDenied`."""
    owner = account if account is not None else access.row(ctx, ACCOUNT, ctx.caller.account_id)
    if network_ is None:
        if zone is None:
            raise InvalidValue("say where the rule is: publicipid, networkid or zoneid")
        return loadbalancer_address.network_in(ctx, owner, zone)
    access.must_own(ctx, NETWORK, network_)
    if zone is not None and network_["zone_id"] != zone["id"]:
        raise InvalidValue(f"network {network_['name']} is in another zone")
    if network_["guest_type"] != "Isolated" or not network.may_use(ctx, network_, owner):
        raise InvalidValue(f"network {network_['name']} is no isolated network of account {owner['name']}")
    return network_


def check_place(ctx: Context, address: Row, *, account: Row | None, network_: Row | None, zone: Row | None) -> Row:
    """The network of a public address, which must be as is said beside it. Raises `InvalidValue`, `PermissionDenied`."""
    found = rule_request.network_of(ctx, address, lb_capability.SERVICE)
    if network_ is not None and network_["id"] != found["id"]:
        raise InvalidValue(f"public address {address['address']} is one of network {found['name']}")
    if zone is not None and zone["id"] != found["zone_id"]:
        raise InvalidValue(f"public address {address['address']} is in another zone")
    if account is not None and account["id"] != address["account_id"]:
        raise InvalidValue(f"public address {address['address']} is not one of account {account['name']}")
    return found


def _check_ports(ctx: Context, address: Row, found: Row, public: int, private: int, transport: str) -> None:
    rule_request.port(public, "publicport")
    rule_request.port(private, "privateport")
    offered = access.row(ctx, NETWORK_OFFERING, found["offering_id"])
    names = {service["name"] for service in offered["services"]}
    if public == DNS and address["source_nat"] and "Dns" in names:
        raise InvalidValue("port 53 of a source NAT address is that of the router's DNS")
    if lb_capability.by_router(ctx, found) and str(public) == ctx.settings.text(STATS_PORT).strip():
        raise InvalidValue(f"at port {public} load balancers tell of themselves (setting {STATS_PORT})")
    if address["static_nat"]:
        raise RuleConflict(f"public address {address['address']} is used for static NAT")
    rules.check_ports(ctx, address, rules.LOAD_BALANCING, transport, public, public)
    rules.check_conserve(ctx, address, found, rules.LOAD_BALANCING)


def create(
    ctx: Context,
    address: Row | None,
    found: Row,
    *,
    name: str,
    description: str | None,
    algorithm: str,
    protocol: str | None,
    public: int,
    private: int,
    cidrs: Sequence[str] | None,
    open_firewall: bool | None,
    display: bool,
) -> tuple[str, str]:
    """Makes a rule at a public address of network `found`, or at one that is taken for it.

    `open_firewall`: whether everybody is let in at the port; None: where the network has a firewall. Answers the uuids of
    the rule and of the job. Raises `InvalidValue`, `PermissionDenied`, `RuleConflict`, `InsufficientAddresses`,
    `LimitReached`.
    """
    if not name.strip():
        raise InvalidValue("a load balancer rule has a name")
    can = lb_capability.of_network(ctx, found)
    stored = _protocol(can, protocol)
    chosen = _one_of("algorithm", algorithm, can.algorithms)
    sources = rule_request.cidrs(cidrs)
    if open_firewall and not rule_request.has_service(ctx, found, "Firewall"):
        raise InvalidValue(f"network {found['name']} has no firewall to open: give openfirewall=false")
    used = address if address is not None else loadbalancer_address.take(ctx, found)
    transport = _transport(stored)
    _check_ports(ctx, used, found, public, private, transport)
    made = rules.add(
        ctx,
        purpose=rules.LOAD_BALANCING,
        network_id=found["id"],
        public_ip_id=used["id"],
        account_id=used["account_id"],
        domain_id=used["domain_id"],
        protocol=transport,
        start_port=public,
        end_port=public,
        cidrs=sources,
        private_start=private,
        private_end=private,
        display=display,
    )
    ctx.tx.insert(
        schema.load_balancer,
        rule_id=made,
        name=name,
        description=description,
        algorithm=chosen,
        protocol=stored,
        cert_id=None,
        own_address=address is None,
    )
    if open_firewall is not False:
        firewall.open_for(ctx, used, found, made, transport, public, public)
    row = access.row(ctx, LOAD_BALANCER_RULE, made)
    more = {"zone_id": found["zone_id"], "name": name}
    usage.begin(ctx, usage.LOAD_BALANCER, "firewall_rule", {**row, **more}, network_id=found["id"])
    # without machines the rule itself is nothing to routers
    opened = len(rules.with_related(ctx, row)) > 1
    jobs = router_apply.changed(ctx, found["id"], rules.PARTS[rules.FIREWALL]) if opened else []
    return row["uuid"], _order(ctx, row, name, "create", "making", jobs)


def _protocol(can: Abilities, protocol: str | None) -> str | None:
    return None if protocol is None else _one_of("protocol", protocol, can.protocols)


def _order(ctx: Context, row: Row, name: str, verb: str, text: str, jobs: Sequence[str]) -> str:
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=f"loadbalancer.{verb}",
            arguments={"rule_id": row["id"], "jobs": list(jobs)},
            instance_type=LOAD_BALANCER_RULE.type,
            instance_uuid=row["uuid"],
            lock=lock(ctx, row),
            event=f"LB.{verb.upper()}",
            event_text=f"{text} load balancer rule {name}",
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def _created(ctx: Context, rule_id: int, jobs: Sequence[str]) -> Plain:
    router_apply.check(ctx, jobs)
    row = access.alive(ctx, LOAD_BALANCER_RULE, rule_id)
    for one in rules.with_related(ctx, row)[1:]:
        ctx.tx.update(schema.firewall_rule, {"id": one["id"], "state": "Add"}, state="Active")
    return {"loadbalancer": ctx.present("loadbalancer", rule_id)[0]}


def _not_created(ctx: Context, error: CloudError, rule_id: int, **_: Any) -> None:
    """The rule is gone again; a router that knows of it is told so."""
    row = ctx.tx.first(LOAD_BALANCER_RULE.by_id, row_id=rule_id)
    if row is not None and row["removed"] is None:
        rules.take(ctx, [row])


@workflow("loadbalancer.create", failed=_not_created)
async def _create(wf: Workflow[Context], rule_id: int, jobs: list[str]) -> None:
    await wf.ended(jobs)
    await wf.finish(_created, rule_id, jobs)


def update(
    ctx: Context,
    row: Row,
    *,
    name: str | None,
    description: str | None,
    algorithm: str | None,
    protocol: str | None,
    cidrs: Sequence[str] | None,
    display: bool | None,
    uuid: str | None,
) -> str:
    """Changes a rule; what is None stays. Answers the job's uuid. Raises `InvalidValue`, `PermissionDenied`."""
    change = Change(ctx, row)
    can = lb_capability.of_network(ctx, access.row(ctx, NETWORK, row["network_id"]))
    if name is not None and not name.strip():
        raise InvalidValue("a load balancer rule has a name")
    if uuid is not None and uuid != row["uuid"] and ctx.tx.first(NETWORK_RULE.by_uuid, uuid=uuid):
        raise BadParameter("customid is the id of another rule")
    own: Plain = {}
    if algorithm is not None:
        own["algorithm"] = _one_of("algorithm", algorithm, can.algorithms)
    if protocol is not None:
        own["protocol"] = _new_protocol(row, change.own, _one_of("protocol", protocol, can.protocols))
    told = change.balancer(**own)
    if cidrs is not None:
        told = change.rule(cidrs=rule_request.cidrs(cidrs)) or told
    change.rule(**rules.plain_changes(display, uuid))
    named = {"name": name, "description": description}
    change.balancer(**{column: value for column, value in named.items() if value is not None})
    return change.order("LB.UPDATE", "changing", tell=told, shown=("loadbalancer", row["id"]))


def _new_protocol(row: Row, own: Row, protocol: str) -> str:
    if _transport(protocol) != row["protocol"]:
        raise InvalidValue(f"a rule for {row['protocol']} does not become one for {_transport(protocol)}: make another")
    if own["cert_id"] is not None and protocol != "ssl":
        raise InvalidValue("the rule has a certificate, which is for protocol ssl: remove it first")
    return protocol


def delete(ctx: Context, row: Row) -> str:
    """Takes a rule away, with its policies and the firewall rule that was made for it; answers the job's uuid.

    What is on its way out already is tried again. Raises `PermissionDenied`.
    """
    access.must_own(ctx, LOAD_BALANCER_RULE, row)
    found = rules.with_related(ctx, row)
    known = loadbalancer.has_machines(ctx, row)
    for one in found:
        ctx.tx.update(schema.firewall_rule, {"id": one["id"]}, state="Revoke")
    parts = rules.parts_of(found if known else found[1:])
    jobs = router_apply.changed(ctx, row["network_id"], *parts) if parts else []
    return _order(ctx, row, loadbalancer.own(ctx, row)["name"], "delete", "removing", jobs)


def _deleted(ctx: Context, rule_id: int, jobs: Sequence[str]) -> Plain:
    router_apply.check(ctx, jobs)
    loadbalancer_gone.leave(ctx, [rule_id])
    return {"success": True}


@workflow("loadbalancer.delete")
async def _delete(wf: Workflow[Context], rule_id: int, jobs: list[str]) -> None:
    await wf.ended(jobs)
    await wf.finish(_deleted, rule_id, jobs)
