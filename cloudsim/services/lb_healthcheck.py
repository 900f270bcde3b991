"""Health checks of load balancers, for networks whose provider makes them. A rule has one policy at most."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import access, lb_capability, lb_policy
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals
from cloudsim.services.loadbalancer_change import Change
from cloudsim.services.nouns import LB_HEALTH_CHECK_POLICY, NETWORK

table = schema.lb_health_check_policy
NOUN = LB_HEALTH_CHECK_POLICY

LISTING = Listing(
    table,
    filters={
        "id": equals(table.c.id, "id"),
        "rule": equals(table.c.rule_id, "rule"),
        "display": equals(table.c.display, "display"),
    },
    keyword=(table.c.ping_path, table.c.description),
)
_ROWS = select(table).where(any_of(table.c.id, "ids"))
_OF_RULE = select(table.c.id).where(table.c.rule_id == bindparam("rule_id"), table.c.removed.is_(None))
_PATH = re.compile(r"/[!-~]{0,254}")

#: Seconds between checks, and to wait for an answer; how many in a row make a machine well or ill.
INTERVAL, TIMEOUT, HEALTHY, UNHEALTHY = (1, 20940), (2, 60), (1, 10), (1, 10)


def rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Policies in the order of their ids."""
    found = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    return [found[i] for i in ids if i in found]


def _within(name: str, value: int, limits: tuple[int, int]) -> int:
    if not limits[0] <= value <= limits[1]:
        raise InvalidValue(f"{name} goes from {limits[0]} to {limits[1]}: {value} does not")
    return value


def create(
    ctx: Context,
    row: Row,
    *,
    ping_path: str,
    description: str | None,
    response_timeout: int,
    interval: int,
    healthy: int,
    unhealthy: int,
    display: bool,
) -> tuple[str, str]:
    """Makes the policy of a rule; answers its uuid and the job's. Raises `InvalidValue`, `PermissionDenied`."""
    change = Change(ctx, row)
    if not lb_capability.of_network(ctx, access.row(ctx, NETWORK, row["network_id"])).health_checks:
        raise InvalidValue(f"whoever balances load for rule {change.own['name']} makes no health checks")
    if ctx.tx.scalar(_OF_RULE, rule_id=row["id"]) is not None:
        raise InvalidValue(f"load balancer rule {change.own['name']} has a health check policy already")
    if _PATH.fullmatch(ping_path) is None:
        raise InvalidValue(f"pingpath takes the path of a URL, such as /alive, not '{ping_path[:64]}'")
    _within("responsetimeout", response_timeout, TIMEOUT)
    _within("intervaltime", interval, INTERVAL)
    if response_timeout > interval:
        raise InvalidValue("a check is answered before the next one: responsetimeout is at most intervaltime")
    made, uuid = change.add(
        table,
        description=description,
        ping_path=ping_path,
        response_timeout=response_timeout,
        interval=interval,
        healthy=_within("healthythreshold", healthy, HEALTHY),
        unhealthy=_within("unhealthythreshold", unhealthy, UNHEALTHY),
        display=display,
    )
    return uuid, change.order("LB.HEALTHCHECKPOLICY.CREATE", "making a health check of", shown=(NOUN.name, made))


def delete(ctx: Context, policy: Row) -> str:
    """Takes a policy away; answers the job's uuid. Raises `InvalidValue`, `PermissionDenied`."""
    change = Change(ctx, lb_policy.rule_of(ctx, policy))
    change.end(table, policy["id"])
    return change.order("LB.HEALTHCHECKPOLICY.DELETE", "removing a health check of")
