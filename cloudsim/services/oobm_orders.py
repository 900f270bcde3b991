"""Out-of-band management as administrators ask for it: configuring controllers, switching power, and a look now and then."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import select

from cloudsim.agents.base import AgentError
from cloudsim.agents.outofband import ACTIONS, DRIVERS, Controller
from cloudsim.core.caller import Caller
from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row, Transaction
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, single, workflow
from cloudsim.services import access, oobm
from cloudsim.services.context import Cloud, Context
from cloudsim.services.nouns import CLUSTER, HOST, ZONE
from cloudsim.services.vm_plain import Plain

table, host = schema.oobm, schema.host
_PLACES = {"Zone": ZONE, "Cluster": CLUSTER}
_CONFIGURED = (
    select(host, table.c.power_state)
    .select_from(table.join(host, host.c.id == table.c.host_id))
    .where(table.c.enabled, host.c.removed.is_(None))
    .order_by(host.c.id)
)


def configure(ctx: Context, row: Row, *, driver: str, address: str, port: str, username: str, password: str) -> None:
    """Says how the controller of a host is reached. Raises `InvalidValue`."""
    name = driver.lower()
    if name not in DRIVERS:
        raise InvalidValue(f"there is no driver {driver} of out-of-band management here: {' or '.join(DRIVERS)}")
    if name == "simulator" and row["hypervisor"] != "Simulator":
        raise InvalidValue("the driver simulator is for simulated hosts")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise InvalidValue(f"'{port}' is not a port")
    for what, text in (("address", address), ("username", username)):
        if not text.strip() or text.startswith("-") or not text.isprintable():
            raise InvalidValue(f"'{text}' cannot be the {what} of a controller")
    values: dict[str, Any] = {
        "driver": name,
        "address": address.strip(),
        "port": port,
        "username": username,
        "password": ctx.cloud.cipher.seal(password),
    }
    if not ctx.tx.update(table, {"host_id": row["id"]}, **values):
        ctx.tx.insert(table, host_id=row["id"], enabled=False, power_state="Disabled", power_time=None, **values)
    ctx.event(
        "HOST.OOBM.CONFIGURE",
        f"configured out-of-band management of host {row['name']}",
        resource=("Host", row["uuid"]),
    )


def shown(ctx: Context, host_id: int, **more: Any) -> dict[str, Any]:
    """A controller as commands answer it."""
    return {"outofbandmanagement": {**ctx.present("outofbandmanagement", host_id)[0], **more}}


# -- enabling and disabling


def _order(ctx: Context, workflow_name: str, row: Row, type_: str, event: str, text: str, **arguments: Any) -> str:
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=workflow_name,
            arguments=arguments,
            instance_type=type_,
            instance_uuid=row["uuid"],
            event=event,
            event_text=f"{text} {type_.lower()} {row['name']}",
        )
    )


def set_host(ctx: Context, row: Row, on: bool) -> str:
    """Orders that out-of-band management of a host is enabled or disabled; answers the job's uuid. Raises `InvalidValue`."""
    oobm.require(ctx, row)
    event, text = ("HOST.OOBM.ENABLE", "enabling") if on else ("HOST.OOBM.DISABLE", "disabling")
    return _order(
        ctx, "oobm.set-host", row, "Host", event, f"{text} out-of-band management of", host_id=row["id"], on=on
    )


def _set_host(ctx: Context, host_id: int, on: bool) -> dict[str, Any]:
    row = access.alive(ctx, HOST, host_id)
    found = oobm.require(ctx, row)
    changed = {} if found["enabled"] == on else {"power_state": "Unknown" if on else "Disabled", "power_time": ctx.now}
    ctx.tx.update(table, {"host_id": host_id}, enabled=on, **changed)
    return shown(ctx, host_id, enabled=on, status=True)


single("oobm.set-host", _set_host)


def set_place(ctx: Context, kind: str, row: Row, on: bool) -> str:
    """Orders that out-of-band management counts, or does not, in a whole zone or cluster; answers the job's uuid."""
    event, text = ("HOST.OOBM.ENABLE", "enabling") if on else ("HOST.OOBM.DISABLE", "disabling")
    text = f"{text} out-of-band management in"
    return _order(ctx, "oobm.set-place", row, kind, event, text, kind=kind, place_id=row["id"], on=on)


def _set_place(ctx: Context, kind: str, place_id: int, on: bool) -> dict[str, Any]:
    access.alive(ctx, _PLACES[kind], place_id)
    oobm.switch(ctx, kind, place_id, oobm.SWITCH, on)
    if not on:
        oobm.disable(ctx, oobm.in_place(ctx, kind, place_id))
    return {"outofbandmanagement": {"enabled": on, "status": True}}


single("oobm.set-place", _set_place)


# -- actions


def act(ctx: Context, row: Row, action: str, seconds: int | None) -> str:
    """Orders an action of a host's controller; answers the job's uuid. Raises `InvalidValue`."""
    name = action.upper()
    if name not in ACTIONS:
        raise InvalidValue(f"'{action}' is none of {', '.join(ACTIONS)}")
    if seconds is not None and not 0 < seconds <= 3600:
        raise InvalidValue("timeout is a number of seconds from 1 to 3600")
    _ready(ctx, row)
    return _order(
        ctx, "oobm.act", row, "Host", "HOST.OOBM.ACTION", f"power action {name} of", host_id=row["id"], action=name,
        seconds=seconds,
    )  # fmt: skip


def _ready(ctx: Context, row: Row) -> Row:
    oobm.require(ctx, row)
    found = oobm.enabled(ctx, row)
    if found is None:
        raise InvalidValue(f"out-of-band management of host {row['name']} is not enabled")
    return found


def _act_plan(ctx: Context, host_id: int, seconds: int | None) -> Plain:
    found = _ready(ctx, access.alive(ctx, HOST, host_id))
    return {"controller": oobm.plain(ctx, found), "timeout": seconds or oobm.timeout(ctx)}


def _acted(ctx: Context, host_id: int, action: str, power: str) -> dict[str, Any]:
    oobm.learned(ctx, host_id, power)
    return shown(ctx, host_id, action=action, status=True, description=f"{action} was carried out")


@workflow("oobm.act")
async def _act(wf: Workflow[Context], host_id: int, action: str, seconds: int | None) -> None:
    """One action, and the power state after it."""
    plan = await wf.step("plan", _act_plan, host_id, seconds)
    one = oobm.controller(plan["controller"])
    power = await wf.power(one, action, "act", timeout=plan["timeout"])
    if action != "STATUS":
        try:
            power = await wf.power(one, "STATUS", "look", timeout=plan["timeout"])
        except AgentError:
            power = "Unknown"
    await wf.finish(_acted, host_id, action, power)


# -- passwords


def change_password(ctx: Context, row: Row, password: str | None) -> str:
    """Orders that the controller's user gets a new password, one by chance where none is given. Raises `InvalidValue`."""
    _ready(ctx, row)
    new = password or "".join(ctx.chance.choices("abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=16))
    if any(sign in new for sign in "'\"\\") or not new.isprintable():
        raise InvalidValue("a controller's password cannot have quotes, backslashes or control characters")
    return _order(
        ctx, "oobm.password", row, "Host", "HOST.OOBM.CHANGEPASSWORD", "changing the out-of-band password of",
        host_id=row["id"], sealed=ctx.cloud.cipher.seal(new),
    )  # fmt: skip


def _changed(ctx: Context, host_id: int, sealed: str) -> dict[str, Any]:
    oobm.require(ctx, access.alive(ctx, HOST, host_id))
    ctx.tx.update(table, {"host_id": host_id}, password=sealed)
    return shown(ctx, host_id, status=True)


@workflow("oobm.password")
async def _password(wf: Workflow[Context], host_id: int, sealed: str) -> None:
    """Changes it at the controller, then here. One that was changed there before a crash answers to the new one."""
    plan = await wf.step("plan", _act_plan, host_id, None)
    one = oobm.controller(plan["controller"])
    try:
        await wf.controller_password(one, sealed, timeout=plan["timeout"])
    except AgentError:
        after = oobm.controller({**plan["controller"], "password": sealed})
        if not await _answers(wf, after, plan["timeout"]):
            raise
    await wf.finish(_changed, host_id, sealed)


async def _answers(wf: Workflow[Context], one: Controller, timeout: float) -> bool:
    try:
        await wf.power(one, "STATUS", "look", timeout=timeout)
    except AgentError:
        return False
    return True


# -- the look now and then


async def look(cloud: Cloud, admin: Caller) -> None:
    """Asks every controller that counts for the power state of its host, and writes down what has changed."""

    def configured(tx: Transaction) -> list[tuple[Row, Plain | None, int]]:
        ctx = cloud.context(tx, admin)
        return [(row, oobm.plan(ctx, row), oobm.timeout(ctx)) for row in tx.all(_CONFIGURED)]

    turns = asyncio.Semaphore(max(1, cloud.settings.number("outofbandmanagement.sync.poolsize")))

    async def one(row: Row, plan: Plain | None, timeout: int) -> None:
        power = "Disabled"
        if plan is not None:
            async with turns:
                try:
                    step = f"oobm:{row['uuid']}:{cloud.clock.now()}"
                    power = await cloud.agents.power(oobm.controller(plan), "STATUS", step, timeout=timeout)
                except AgentError:
                    power = "Unknown"
        if power != row["power_state"]:
            await cloud.db.write(lambda tx: oobm.learned(cloud.context(tx, admin), row["id"], power))

    await asyncio.gather(*(one(*found) for found in await cloud.db.read(configured)))
