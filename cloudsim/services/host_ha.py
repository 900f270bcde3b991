"""High availability of hosts: a host that is not healthy is power-cycled, and fenced where that does not help.

The states and what leads from one to the next are ``states.host_ha``. A periodic task takes each host one step on at a
time; each step is written with the state it starts from (`move`), so that two servers, or a server and an administrator,
never both take it. What a host is asked between two writes carries an id made of its state's count: after a crash it is
asked again, and done once.

While host HA looks after a host, nobody else fences it: the machines' HA waits until it is Fenced.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core import states
from cloudsim.core.errors import InvalidValue
from cloudsim.core.states import IllegalTransition
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access, oobm
from cloudsim.services.context import Context
from cloudsim.services.nouns import CLUSTER, HOST, ZONE

table, host = schema.host_ha, schema.host

#: The detail of a zone or a cluster that switches it off for all hosts there.
SWITCH = "resourceHAEnabled"
#: Provider by hypervisor.
PROVIDERS = {"KVM": "kvmhaprovider", "Simulator": "simulatorhaprovider"}
#: How many transitions are kept of a host.
KEPT = 100

OF_HOST = select(table).where(table.c.host_id == bindparam("host_id"))
_THERE = (
    select(table)
    .select_from(table.join(host, host.c.id == table.c.host_id))
    .where(host.c.removed.is_(None))
    .order_by(table.c.host_id)
)
_IN_PLACE = {
    "Zone": _THERE.where(host.c.zone_id == bindparam("place_id")),
    "Cluster": _THERE.where(host.c.cluster_id == bindparam("place_id")),
}
_ROWS = (
    select(table, host.c.uuid.label("host_uuid"))
    .select_from(table.join(host, host.c.id == table.c.host_id))
    .where(any_of(table.c.host_id, "ids"))
)
_PLACES = {"Zone": ZONE, "Cluster": CLUSTER}


def providers(hypervisor: str) -> list[str]:
    """The providers for hosts of a hypervisor. Raises `InvalidValue` for one that nobody knows."""
    known = {name.lower(): provider for name, provider in PROVIDERS.items()}
    found = known.get(hypervisor.lower())
    if found is None:
        raise InvalidValue(f"there is no host HA for hypervisor '{hypervisor}': {' and '.join(PROVIDERS)} have it")
    return [found]


def rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """What is known of the HA of hosts, by their ids."""
    return ctx.tx.all(_ROWS, ids=ids)


def everything(ctx: Context) -> list[Row]:
    """The HA of every host that is there."""
    return ctx.tx.all(_THERE)


def of(ctx: Context, host_id: int) -> Row | None:
    """The HA of a host; None where nobody ever configured it."""
    return ctx.tx.first(OF_HOST, host_id=host_id)


def ensure(ctx: Context, host_id: int) -> Row:
    """The HA of a host, made where it is not there yet."""
    found = of(ctx, host_id)
    if found is None:
        ctx.tx.insert(
            table, host_id=host_id, enabled=False, provider=None, state="Disabled", update_count=0, since=ctx.now,
            looked=None, checks=0, failures=0, recoveries=0, simulated=None, transitions=[],
        )  # fmt: skip
        found = of(ctx, host_id)
        assert found is not None
    return found


def wanted(ctx: Context, found: Row, row: Row) -> bool:
    """Whether HA is enabled for a host, and neither for its cluster nor for its zone disabled."""
    return bool(found["enabled"]) and oobm.counts(ctx, row, SWITCH)


def eligible(ctx: Context, found: Row, row: Row) -> bool:
    """Whether a host is one that HA can look after as it is now."""
    if row["resource_state"] not in ("Enabled", "PrepareForMaintenance", "ErrorInPrepareForMaintenance"):
        return False
    if found["provider"] != PROVIDERS.get(row["hypervisor"]):
        return False
    # nobody but its controller can power-cycle a real host
    return row["hypervisor"] == "Simulator" or oobm.enabled(ctx, row) is not None


def move(ctx: Context, found: Row, event: str, **values: Any) -> Row:
    """Takes the HA of a host on by an event. Raises `IllegalTransition`, also where somebody else has been faster."""
    after = states.host_ha.next(found["state"], event)
    checks, recoveries = values.get("checks", found["checks"]), values.get("recoveries", found["recoveries"])
    values["transitions"] = [*found["transitions"], [found["state"], event, after, checks, recoveries]][-KEPT:]
    if after != found["state"]:
        values["since"] = ctx.now
    made = change(ctx, found, state=after, **values)
    if after != found["state"]:
        row = access.row(ctx, HOST, found["host_id"])
        ctx.event(
            "HA.STATE.TRANSITION",
            f"HA of host {row['name']}: {found['state']} before, {after} now ({event})",
            level="WARN" if after in ("Degraded", "Recovering", "Fencing", "Fenced") else "INFO",
            resource=("Host", row["uuid"]),
        )
    return made


def change(ctx: Context, found: Row, **values: Any) -> Row:
    """Changes the HA of a host. Raises `IllegalTransition` where somebody else has been faster."""
    values["update_count"] = found["update_count"] + 1
    if not ctx.tx.update(table, {"id": found["id"], "update_count": found["update_count"]}, **values):
        raise IllegalTransition("the HA of the host has changed meanwhile")
    return {**found, **values}


# -- as administrators ask for it


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


def shown(ctx: Context, host_id: int, **more: Any) -> dict[str, Any]:
    """The HA of a host as commands answer it."""
    return {"hostha": {**ctx.present("hostha", host_id)[0], **more}}


def _check_provider(row: Row, provider: str) -> str:
    name = provider.lower()
    if name not in PROVIDERS.values():
        raise InvalidValue(f"there is no HA provider {provider}: {' and '.join(PROVIDERS.values())} are known")
    if PROVIDERS.get(row["hypervisor"]) != name:
        raise InvalidValue(f"HA provider {name} is not for hosts of {row['hypervisor']}")
    return name


def configure(ctx: Context, row: Row, provider: str) -> str:
    """Orders that a provider looks after a host, once that is enabled; answers the job's uuid. Raises `InvalidValue`."""
    name = _check_provider(row, provider)
    return _order(
        ctx, "host-ha.configure", row, "Host", "HA.RESOURCE.CONFIGURE", f"configuring HA by {name} of",
        host_id=row["id"], provider=name,
    )  # fmt: skip


def _configured(ctx: Context, host_id: int, provider: str) -> dict[str, Any]:
    row = access.alive(ctx, HOST, host_id)
    change(ctx, ensure(ctx, host_id), provider=_check_provider(row, provider))
    return shown(ctx, host_id, status=True)


single("host-ha.configure", _configured)


def _require(ctx: Context, row: Row) -> Row:
    found = of(ctx, row["id"])
    if found is None or found["provider"] is None:
        raise InvalidValue(f"host {row['name']} has no HA provider: configure HA for it first")
    return found


def set_host(ctx: Context, row: Row, on: bool) -> str:
    """Orders that HA of a host is enabled or disabled; answers the job's uuid. Raises `InvalidValue`."""
    _require(ctx, row)
    event, text = ("HA.RESOURCE.ENABLE", "enabling") if on else ("HA.RESOURCE.DISABLE", "disabling")
    return _order(ctx, "host-ha.set-host", row, "Host", event, f"{text} HA of", host_id=row["id"], on=on)


def _set_host(ctx: Context, host_id: int, on: bool) -> dict[str, Any]:
    row = access.alive(ctx, HOST, host_id)
    found = change(ctx, _require(ctx, row), enabled=on)
    settle(ctx, found, row)
    return shown(ctx, host_id, haenable=on, status=True)


single("host-ha.set-host", _set_host)


def settle(ctx: Context, found: Row, row: Row) -> Row:
    """Brings the state in line with whether HA is wanted, and whether the host is one it can look after."""
    if not wanted(ctx, found, row):
        if found["state"] == "Disabled":
            return found
        if found["state"] == "Fencing":
            ctx.tx.update(host, {"id": row["id"]}, fencing=False)
        return move(ctx, found, "Disabled", checks=0, failures=0, recoveries=0, looked=None)
    if found["state"] == "Disabled":
        found = move(ctx, found, "Enabled")
    fit = eligible(ctx, found, row)
    if found["state"] == "Ineligible":
        return move(ctx, found, "Eligible", checks=0, failures=0, recoveries=0, looked=None) if fit else found
    if not fit and states.host_ha.can(found["state"], "Ineligible"):
        return move(ctx, found, "Ineligible")
    return found


def settled(ctx: Context, found: Row, row: Row) -> bool:
    """Whether `settle` has nothing to do."""
    if not wanted(ctx, found, row):
        return bool(found["state"] == "Disabled")
    if found["state"] in ("Disabled", "Ineligible"):
        return bool(found["state"] == "Ineligible" and not eligible(ctx, found, row))
    return eligible(ctx, found, row) or not states.host_ha.can(found["state"], "Ineligible")


def set_place(ctx: Context, kind: str, row: Row, on: bool) -> str:
    """Orders that host HA counts, or does not, in a whole zone or cluster; answers the job's uuid."""
    event, text = ("HA.RESOURCE.ENABLE", "enabling") if on else ("HA.RESOURCE.DISABLE", "disabling")
    return _order(
        ctx, "host-ha.set-place", row, kind, event, f"{text} HA of hosts in", kind=kind, place_id=row["id"], on=on
    )


def _set_place(ctx: Context, kind: str, place_id: int, on: bool) -> dict[str, Any]:
    access.alive(ctx, _PLACES[kind], place_id)
    oobm.switch(ctx, kind, place_id, SWITCH, on)
    for found in ctx.tx.all(_IN_PLACE[kind], place_id=place_id):
        settle(ctx, found, access.row(ctx, HOST, found["host_id"]))
    return {"success": True}


single("host-ha.set-place", _set_place)


def simulate(ctx: Context, row: Row, **said: bool) -> None:
    """What a simulated host's checks, recovery and fence say from now on. Raises `InvalidValue` for another host."""
    if row["hypervisor"] != "Simulator":
        raise InvalidValue(f"host {row['name']} is not a simulated one")
    change(ctx, ensure(ctx, row["id"]), simulated=said, checks=0, failures=0, recoveries=0, looked=None, transitions=[])
