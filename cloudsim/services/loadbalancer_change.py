"""Changes of load balancer rules: written at once, told to the routers, and put back where these could not be told.

A request makes a `Change`, writes with it what becomes different, and has it ordered: the job waits until every router of
the network knows. What was written is then final; where a router refused or did not answer, it is as before again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Table, bindparam, select

from cloudsim.core.errors import CloudError
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, loadbalancer, loadbalancer_parts, router_apply
from cloudsim.services.context import Context
from cloudsim.services.nouns import LOAD_BALANCER_RULE, NETWORK

rule, balancer, member = schema.firewall_rule, schema.load_balancer, schema.load_balancer_vm

Plain = dict[str, Any]
#: Tables of what rules have several of, by their names: rows are marked as removed.
_POLICIES: dict[str, Table] = {
    table.name: table for table in (schema.lb_stickiness_policy, schema.lb_health_check_policy)
}


def lock(ctx: Context, row: Row) -> str:
    """The lock of jobs about the rules of a network."""
    return f"rules:{access.row(ctx, NETWORK, row['network_id'])['uuid']}"


class Change:
    """What one request makes different of a rule."""

    def __init__(self, ctx: Context, row: Row) -> None:
        """Begins. Raises `PermissionDenied`, `InvalidValue` where the rule may not be changed."""
        self.ctx = ctx
        self.row = row
        #: What the rule has beside what all rules have.
        self.own = loadbalancer.touch(ctx, row)
        self._known = loadbalancer.has_machines(ctx, row)
        #: How it is put back: columns as [name, before, after], members as [machine, address, whether it joined],
        #: policies as [table, id, whether it is new].
        self._back: Plain = {"rule": [], "balancer": [], "members": [], "policies": []}

    def rule(self, **values: Any) -> bool:
        """Other values of the rule's own row; answers whether any is."""
        return self._columns("rule", rule, {"id": self.row["id"]}, self.row, values)

    def balancer(self, **values: Any) -> bool:
        """Other values of what the rule has beside it; answers whether any is."""
        return self._columns("balancer", balancer, {"rule_id": self.row["id"]}, self.own, values)

    def _columns(self, name: str, table: Table, where: Plain, before: Row, values: Plain) -> bool:
        changes = {column: value for column, value in values.items() if before[column] != value}
        if changes:
            self.ctx.tx.update(table, where, **changes)
            self._back[name] += [[column, before[column], value] for column, value in changes.items()]
        return bool(changes)

    def join(self, pairs: Iterable[tuple[int, str]]) -> None:
        """Machines join, each with an address of its own (empty: that of its card)."""
        for vm_id, address in pairs:
            self.ctx.tx.insert(member, rule_id=self.row["id"], vm_id=vm_id, address=address)
            self._back["members"].append([vm_id, address, True])

    def leave(self, pairs: Iterable[tuple[int, str]]) -> None:
        """Machines leave."""
        for vm_id, address in pairs:
            _leave(self.ctx, self.row["id"], vm_id, address)
            self._back["members"].append([vm_id, address, False])

    def add(self, table: Table, **values: Any) -> tuple[int, str]:
        """A new policy; answers its id and its uuid."""
        uuid = self.ctx.uuid()
        made = self.ctx.tx.insert(
            table,
            uuid=uuid,
            created=self.ctx.now,
            removed=None,
            rule_id=self.row["id"],
            account_id=self.row["account_id"],
            domain_id=self.row["domain_id"],
            **values,
        )
        self._back["policies"].append([table.name, made, True])
        return made, uuid

    def end(self, table: Table, row_id: int) -> None:
        """A policy ends."""
        self.ctx.tx.update(table, {"id": row_id}, removed=self.ctx.now)
        self._back["policies"].append([table.name, row_id, False])

    def order(self, event: str, text: str, *, tell: bool = True, shown: Sequence[Any] | None = None) -> str:
        """The job that ends when the routers know; answers its uuid.

        `tell`: whether it is anything to routers. `shown`: noun and row id of what the job answers; none: success.
        """
        ctx, row, jobs = self.ctx, self.row, []
        if tell and (self._known or loadbalancer.has_machines(ctx, row)):
            self.rule(state="Add")
            jobs = router_apply.changed(ctx, row["network_id"], loadbalancer_parts.PART)
        return ctx.submit(
            Order(
                command=ctx.command,
                workflow="loadbalancer.change",
                arguments={"rule_id": row["id"], "jobs": jobs, "back": self._back, "shown": shown and list(shown)},
                instance_type=LOAD_BALANCER_RULE.type,
                instance_uuid=row["uuid"],
                lock=lock(ctx, row),
                event=event,
                event_text=f"{text} load balancer rule {self.own['name']}",
                account_id=row["account_id"],
                domain_id=row["domain_id"],
            )
        )


def _leave(ctx: Context, rule_id: int, vm_id: int, address: str) -> None:
    ctx.tx.execute(_LEAVE, which=rule_id, machine=vm_id, place=address)


def _changed(ctx: Context, rule_id: int, jobs: Sequence[str], shown: Sequence[Any] | None) -> Plain:
    router_apply.check(ctx, jobs)
    access.alive(ctx, LOAD_BALANCER_RULE, rule_id)
    loadbalancer.told(ctx, rule_id)
    if shown is None:
        return {"success": True}
    noun, row_id = shown
    return {noun: ctx.present(noun, row_id)[0]}


def _put_back(ctx: Context, error: CloudError, rule_id: int, jobs: Sequence[str], back: Plain, **_: Any) -> None:
    """Everything is as before; what was changed again since stays. A router that knows is told so."""
    row = ctx.tx.first(LOAD_BALANCER_RULE.by_id, row_id=rule_id)
    if row is None or row["removed"] is not None:
        return
    for name, table, key, now in (
        ("rule", rule, "id", row),
        ("balancer", balancer, "rule_id", loadbalancer.own(ctx, row)),
    ):
        values = {column: before for column, before, after in back[name] if now[column] == after}
        if values.get("cert_id") is not None and ctx.tx.scalar(_CERT, cert_id=values["cert_id"]) is None:
            del values["cert_id"]
        if values:
            ctx.tx.update(table, {key: rule_id}, **values)
    there = {(one["vm_id"], one["address"]) for one in ctx.tx.all(_MEMBERS, rule_id=rule_id)}
    for vm_id, address, joined in back["members"]:
        if joined:
            _leave(ctx, rule_id, vm_id, address)
        elif (vm_id, address) not in there and ctx.tx.scalar(_ALIVE, vm_id=vm_id) is not None:
            ctx.tx.insert(member, rule_id=rule_id, vm_id=vm_id, address=address)
    for table_name, row_id, new in back["policies"]:
        ctx.tx.update(_POLICIES[table_name], {"id": row_id}, removed=ctx.now if new else None)
    if jobs:
        router_apply.changed(ctx, row["network_id"], loadbalancer_parts.PART)


_LEAVE = member.delete().where(
    member.c.rule_id == bindparam("which", type_=Big),
    member.c.vm_id == bindparam("machine", type_=Big),
    member.c.address == bindparam("place"),
)
_MEMBERS = select(member.c.vm_id, member.c.address).where(member.c.rule_id == bindparam("rule_id"))
_CERT = select(schema.ssl_cert.c.id).where(
    schema.ssl_cert.c.id == bindparam("cert_id"), schema.ssl_cert.c.removed.is_(None)
)
_ALIVE = select(schema.vm.c.id).where(schema.vm.c.id == bindparam("vm_id"), schema.vm.c.removed.is_(None))


@workflow("loadbalancer.change", failed=_put_back)
async def _change(wf: Workflow[Context], rule_id: int, jobs: list[str], back: Plain, shown: list[Any] | None) -> None:
    await wf.ended(jobs)
    await wf.finish(_changed, rule_id, jobs, shown)
