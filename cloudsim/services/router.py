"""Virtual routers: a guest network whose offering has a service by one gets it with its first machine.

It is made in the transaction that implements the network and started before that machine starts, whose job waits for it
(`require`); so does every later machine that finds it stopped or gone. Two stand in for each other where the
network is redundant. Only simulated hosts run routers, as the cloud's other machines: on real hosts they would take memory
for nothing, so machines for other hypervisors start without one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import and_, bindparam, func, select

from cloudsim import CLOUDSTACK_VERSION
from cloudsim.core.errors import CloudError, InvalidValue, ResourceUnavailable
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.jobs.workflow import Workflow
from cloudsim.services import access, alert, cloud_machine, identity, network, shared_network, system_network
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK, NETWORK_OFFERING, SERVICE_OFFERING

vm, nic, table, job = schema.vm, schema.nic, schema.router, schema.job

TYPE = "DomainRouter"
#: Who provides services by routers; what a Netscaler would do, they do in its place.
PROVIDERS = frozenset(("virtualrouter", "vpcvirtualrouter", "netscaler"))
#: States in which a router does its work.
SERVING = ("Running", "Migrating")
#: States of one that is on its way out: another may take its place.
LEAVING = ("Error", "Destroyed", "Expunging")
#: What a start ends with where the router it needs is there each time, and gone when it looks again.
GONE = "the router of a network is stopped or removed again and again"
#: How often routers are looked for again when someone stops or removes them meanwhile.
TURNS = 5

_OF = (
    select(vm.c.id, vm.c.uuid, vm.c.name, vm.c.type, vm.c.state, vm.c.account_id, vm.c.domain_id, vm.c.host_id)
    .where(vm.c.network_id == bindparam("network_id"), vm.c.removed.is_(None))
    .order_by(vm.c.id)
)
_HOST = select(schema.host.c.id).where(
    schema.host.c.zone_id == bindparam("zone_id"),
    schema.host.c.hypervisor == cloud_machine.HYPERVISOR,
    schema.host.c.removed.is_(None),
)
_NEWEST_NIC = select(func.max(nic.c.id))
_SOURCE_NAT = (
    select(schema.public_ip, schema.vlan.c.gateway, schema.vlan.c.netmask, schema.vlan.c.tag)
    .select_from(schema.public_ip.join(schema.vlan, schema.public_ip.c.vlan_id == schema.vlan.c.id))
    .where(
        schema.public_ip.c.network_id == bindparam("network_id"),
        schema.public_ip.c.source_nat.is_(True),
        schema.public_ip.c.removed.is_(None),
    )
)
_PARTNERS = (
    select(vm.c.id, vm.c.host_id, vm.c.name, table.c.id.label("router_id"), table.c.redundant_state)
    .select_from(vm.join(table, table.c.vm_id == vm.c.id))
    .where(
        vm.c.network_id == bindparam("network_id"),
        vm.c.id != bindparam("vm_id"),
        vm.c.host_id.is_not(None),
        vm.c.removed.is_(None),
    )
    .order_by(vm.c.id)
)
#: Starts of routers that failed, for other reasons than that they were removed meanwhile.
_FAILED = (
    select(job.c.result)
    .select_from(job.join(vm, job.c.instance_uuid == vm.c.uuid))
    .where(
        any_of(job.c.uuid, "jobs"),
        vm.c.network_id == bindparam("network_id"),
        and_(job.c.state == "failed", job.c.result_code != 431, job.c.workflow == "virtualmachine.start"),
    )
)


def of_network(ctx: Context, network_id: int) -> list[Row]:
    """The routers of a network that are there, as far as is needed to order something of them."""
    return ctx.tx.all(_OF, network_id=network_id)


def served(offered: Row) -> bool:
    """Whether networks of an offering have routers."""
    return any(
        str(provider["name"]).lower() in PROVIDERS
        for service in offered["services"]
        for provider in service["provider"]
    )


# -- what a machine needs before it starts


def require(ctx: Context, found: Row, waited: Sequence[str] | None = None) -> tuple[list[str], bool]:
    """Orders the routers that an implemented network lacks: the jobs to wait for, and whether anything was ordered now.

    No jobs where all run. `waited`: the jobs that were waited for since the last time; one router is enough then. Raises
    `ResourceUnavailable` where a router could not start, or this cloud has nothing to make one of.
    """
    there = ctx.tx.all(_OF, network_id=found["id"])
    wanted = 2 if found["redundant"] else 1
    if sum(row["state"] in SERVING for row in there) >= (wanted if waited is None else 1):
        return [], False
    failed = ctx.tx.first(_FAILED, jobs=list(waited), network_id=found["id"]) if waited else None
    if failed is not None:
        text = failed["result"]["errortext"]
        raise ResourceUnavailable(f"the router of network {found['name']} cannot start: {text}")
    offered = access.row(ctx, NETWORK_OFFERING, found["offering_id"])
    if not served(offered):
        return [], False
    there = [row for row in there if row["state"] not in LEAVING]
    under_way = {row["id"]: cloud_machine.open_jobs(ctx, row) for row in there if row["state"] not in SERVING}
    jobs = [job for some in under_way.values() for job in some]
    if all(under_way.values()) and len(there) >= wanted:
        return jobs, False
    inner = _as_system(ctx)
    for row in there:
        if row["id"] in under_way and not under_way[row["id"]]:
            jobs.append(_order(inner, row, "virtualmachine.start", "START", "starting"))
    return jobs + [_create(inner, found, offered) for _ in range(wanted - len(there))], True


def provide(ctx: Context, found: Row) -> list[str]:
    """As `require`, for what is asked of a network itself: nothing where its zone has no simulated hosts."""
    if found["state"] != "Implemented" or ctx.tx.scalar(_HOST, zone_id=found["zone_id"]) is None:
        return []
    return require(ctx, found)[0]


def again(ctx: Context, network_id: int, waited: Sequence[str]) -> list[str]:
    """What is to be waited for after `waited` has ended; nothing where the network has a router that runs."""
    return require(ctx, access.alive(ctx, NETWORK, network_id), waited)[0]


async def ready(wf: Workflow[Context], network_id: int, jobs: Sequence[str]) -> None:
    """Waits until a network has a router that runs. Raises `ResourceUnavailable`."""
    for turn in range(1, TURNS + 1):
        if not jobs:
            return
        await wf.ended(jobs)
        jobs = await wf.step(f"routers-{turn}", again, network_id, list(jobs))
    raise ResourceUnavailable(GONE)


def _as_system(ctx: Context) -> Context:
    """The same transaction on behalf of the cloud: what it does for itself is nobody's job."""
    user = cloud_machine.system_user(ctx)
    caller = identity.by_user_id(ctx.tx, user["id"]) if user else None
    if caller is None:
        raise ResourceUnavailable("the cloud's own user is missing")
    return ctx.as_caller(caller)


def _order(ctx: Context, row: Row, workflow: str, event: str, text: str, **arguments: Any) -> str:
    return cloud_machine.order(ctx, {**row, **_account(ctx)}, workflow, event, text, **arguments)


def remove(ctx: Context, row: Row) -> str:
    """Orders, on behalf of the cloud, that a router goes; answers the job's uuid."""
    return _order(_as_system(ctx), row, "virtualmachine.destroy", "DESTROY", "removing", expunge=True)


def remove_all(ctx: Context, network_id: int) -> list[str]:
    """Orders that all routers of a network go; answers the jobs to wait for."""
    jobs = []
    for row in ctx.tx.all(_OF, network_id=network_id):
        under_way = cloud_machine.open_jobs(ctx, row) if row["state"] in LEAVING else []
        jobs += under_way or [remove(ctx, row)]
    return jobs


def patch_all(ctx: Context, network_id: int) -> None:
    """Gives the routers of a network that run the software of now."""
    for row in ctx.tx.all(_OF, network_id=network_id):
        if row["state"] in SERVING:
            patch(ctx, row)


def is_patched(ctx: Context, row: Row) -> bool:
    """Whether a router has the software of now."""
    own = ctx.tx.first(_ROUTER, vm_id=row["id"])
    return own is not None and own["software_version"] == CLOUDSTACK_VERSION


def patch(ctx: Context, row: Row) -> None:
    """Gives a router the software of now while it runs; the template stays."""
    now = versions(ctx)
    ctx.tx.update(
        table,
        {"vm_id": row["id"]},
        software_version=now["software_version"],
        scripts_version=now["scripts_version"],
    )


# -- making one


def _create(ctx: Context, found: Row, offered: Row) -> str:
    """Makes a router and orders its start; `ctx` is the cloud's own. Answers the job's uuid."""
    template, size = cloud_machine.template(ctx), _offering(ctx, offered)
    if template is None or size is None:
        raise ResourceUnavailable(
            f"network {found['name']} needs a router: the cloud has no template or offering for it"
        )
    # a shared network's router is the cloud's own
    whose = found if found["guest_type"] == "Isolated" else _account(ctx)
    row = cloud_machine.insert(
        ctx,
        TYPE,
        zone_id=found["zone_id"],
        owner=whose,
        user_id=ctx.caller.user_id,
        offered=size,
        made_from=template,
        network_id=found["id"],
    )
    ctx.tx.insert(table, vm_id=row["id"], is_redundant=found["redundant"], redundant_state="UNKNOWN")
    _cards(ctx, row, found, offered)
    return _order(ctx, row, "virtualmachine.start", "CREATE", "making", first=True)


def _account(ctx: Context) -> dict[str, int]:
    return {"account_id": ctx.caller.account_id, "domain_id": ctx.caller.domain_id}


def _offering(ctx: Context, offered: Row) -> Row | None:
    """The network offering's own, the one of the setting, the cloud's."""
    own = offered["service_offering_id"]
    row = access.row(ctx, SERVICE_OFFERING, own) if own is not None else None
    if row is not None and not row["is_default"] and row["removed"] is None:
        return row
    return cloud_machine.offering(ctx, TYPE, ctx.settings.text("router.service.offering"))


def _cards(ctx: Context, row: Row, found: Row, offered: Row) -> None:
    """A card in the network (its gateway where it alone does source NAT), the control card, one for the outside."""
    outside = ctx.tx.first(_SOURCE_NAT, network_id=found["id"])
    gateway = outside is not None and not found["redundant"]
    card = int(ctx.tx.scalar(_NEWEST_NIC) or 0) + 1
    if found["guest_type"] == "Shared":
        place = shared_network.card(ctx, found, row, found["router_ip"], system=True)
    else:
        own = found["gateway"] if gateway else found["router_ip"] or network.address(ctx, found)
        place = {"ip": own, "netmask": found["netmask"], "gateway": found["gateway"]}
    ctx.tx.insert(
        nic,
        {
            **{column.name: None for column in nic.c if column.name != "id"},
            "id": card,
            "uuid": ctx.uuid(),
            "created": ctx.now,
            "vm_id": row["id"],
            "network_id": found["id"],
            "mac": network.mac_address(found["zone_id"], card),
            **place,
            "gateway": None if outside is not None else place["gateway"],
            "device_id": 0,
            "is_default": outside is None,
            "state": "Allocated",
            "broadcast_uri": found["broadcast_uri"],
            "isolation_uri": found["broadcast_uri"],
            "mtu": found["private_mtu"] or 1500,
            "dhcp_options": {},
            "enabled": True,
            "has_secondary": False,
        },
    )
    system_network.add_control(ctx, row)
    if outside is not None:
        system_network.add(
            ctx,
            row,
            "Public",
            outside["address"],
            outside["netmask"],
            outside["gateway"],
            public_ip_id=outside["id"],
            vlan=outside["tag"],
        )


def source_nat_changed(ctx: Context, network_id: int) -> None:
    """The public cards of a network's routers take its source NAT address."""
    outside = ctx.tx.first(_SOURCE_NAT, network_id=network_id)
    if outside is None:
        return
    for row in of_network(ctx, network_id):
        card = system_network.of(ctx, row["id"]).get("Public")
        if card is not None:
            ctx.tx.update(
                schema.system_nic,
                {"id": card["id"]},
                public_ip_id=outside["id"],
                ip=outside["address"],
                netmask=outside["netmask"],
                gateway=outside["gateway"],
                vlan=outside["tag"],
            )


# -- what happens to one, in the transactions of its jobs


def apart(ctx: Context, row: Row) -> Mapping[int, str]:
    """The hosts on which the other router of its network is: it goes elsewhere if it can."""
    others = ctx.tx.all(_PARTNERS, network_id=row["network_id"], vm_id=row["id"])
    return {other["host_id"]: f"router {other['name']} of the same network is there" for other in others}


def started(ctx: Context, row: Row) -> None:
    """A router runs: with the template and the software of now, as the primary one where no other is."""
    own = ctx.tx.first(_ROUTER, vm_id=row["id"])
    if own is None:
        return
    state = "UNKNOWN"
    if own["is_redundant"]:
        others = ctx.tx.all(_PARTNERS, network_id=row["network_id"], vm_id=row["id"])
        state = "BACKUP" if any(other["redundant_state"] == "PRIMARY" for other in others) else "PRIMARY"
    ctx.tx.update(table, {"id": own["id"]}, redundant_state=state, **versions(ctx))


def versions(ctx: Context) -> dict[str, str]:
    """What routers are made of now: version of the template, of the server, of the scripts (new with each start)."""
    return {
        "template_version": ctx.settings.text("minreq.sysvmtemplate.version"),
        "software_version": CLOUDSTACK_VERSION,
        "scripts_version": ctx.uuid(),
    }


def left(ctx: Context, row: Row) -> None:
    """A router does not run any more: the other one of its network is the primary one."""
    own = ctx.tx.first(_ROUTER, vm_id=row["id"])
    if own is None or not own["is_redundant"]:
        return
    ctx.tx.update(table, {"id": own["id"]}, redundant_state="UNKNOWN")
    if own["redundant_state"] == "PRIMARY":
        for other in ctx.tx.all(_PARTNERS, network_id=row["network_id"], vm_id=row["id"]):
            if other["redundant_state"] == "BACKUP":
                ctx.tx.update(table, {"id": other["router_id"]}, redundant_state="PRIMARY")
                return


def start_failed(ctx: Context, row: Row, error: CloudError) -> None:
    """A router did not start: admins are told, and one that never ran is removed, so that nothing half made is left."""
    if not isinstance(error, InvalidValue):  # that is who asked for it
        text = f"router {row['name']} cannot start: {error.message}"
        alert.raise_(ctx, alert.ROUTER, text, zone_id=row["zone_id"], pod_id=row["pod_id"])
    if row["state"] == "Error":
        gone(ctx, row)
        remove(ctx, row)


def gone(ctx: Context, row: Row) -> None:
    """A router is on its way out: its addresses are free for the next."""
    for card in ctx.tx.all(_SHARED_CARDS, vm_id=row["id"]):
        shared_network.release(ctx, card["network_id"], card["ip"])
        shared_network.reserve(ctx, access.row(ctx, NETWORK, card["network_id"]))
    ctx.tx.execute(_DROP, vm_id=row["id"], at=ctx.now)
    system_network.release(ctx, row["id"])


_SHARED_CARDS = (
    select(nic.c.network_id, nic.c.ip)
    .select_from(nic.join(schema.network, nic.c.network_id == schema.network.c.id))
    .where(nic.c.vm_id == bindparam("vm_id"), nic.c.removed.is_(None), schema.network.c.guest_type == "Shared")
)
_DROP = (
    nic.update()
    .where(nic.c.vm_id == bindparam("vm_id"), nic.c.removed.is_(None))
    .values(removed=bindparam("at", type_=nic.c.removed.type), state="Deallocating")
)
_ROUTER = select(table).where(table.c.vm_id == bindparam("vm_id"))
