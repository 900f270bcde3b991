"""How hosts are logged in to, and what planners keep of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue, OperationFailed
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.nouns import HOST

host, detail = schema.host, schema.detail

#: The kind of the details that hold it: never shown, the password sealed.
KIND = "HostLogin"
_OF_CLUSTER = select(host).where(
    host.c.cluster_id == bindparam("cluster_id"), host.c.removed.is_(None), host.c.type == "Routing"
)


def update_password(
    ctx: Context, host_row: Row | None, cluster: Row | None, username: str, password: str, *, on_host: bool
) -> int:
    """Keeps the user and the password of a host, or of all hosts of a cluster; answers of how many.

    Raises `InvalidValue`; `OperationFailed` where the hosts' own passwords shall be changed too.
    """
    if (host_row is None) == (cluster is None):
        raise InvalidValue("say whose password: hostid or clusterid, one of them")
    if not username.strip():
        raise InvalidValue("username is empty")
    if on_host:
        raise OperationFailed("no driver of this server changes passwords on hosts")
    rows = [host_row] if host_row is not None else ctx.tx.all(_OF_CLUSTER, cluster_id=cluster["id"] if cluster else 0)
    if host_row is not None and host_row["type"] != "Routing":
        raise InvalidValue(f"{host_row['name']} is no host that virtual machines run on")
    for row in rows:
        for name, value in (("username", username), ("password", ctx.cloud.cipher.seal(password))):
            where = {"resource_type": KIND, "resource_id": row["id"], "name": name}
            if ctx.tx.update(detail, where, value=value) == 0:
                ctx.tx.insert(detail, **where, value=value, display=False)
    return len(rows)


def order_release(ctx: Context, row: Row) -> str:
    """Orders that no planner keeps a host for itself any more; answers the job's uuid. Raises `InvalidValue`."""
    if row["type"] != "Routing":
        raise InvalidValue(f"{row['name']} is no host that virtual machines run on")
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="host.release_reservation",
            arguments={"host_id": row["id"]},
            instance_type="Host",
            instance_uuid=row["uuid"],
            event="HOST.RESERVATION.RELEASE",
            event_text=f"releasing what planners keep of host {row['name']}",
        )
    )


def _released(ctx: Context, host_id: int) -> dict[str, Any]:
    # the planners of this server keep nothing between two deployments: what is asked for is so already
    access.alive(ctx, HOST, host_id)
    return {"success": True}


single("host.release_reservation", _released)
