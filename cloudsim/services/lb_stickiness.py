"""Stickiness of load balancers: how a client is sent to the same machine again. A rule has one policy at most."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import access, lb_capability, lb_policy
from cloudsim.services.context import Context
from cloudsim.services.lb_capability import APP_COOKIE, LB_COOKIE, Method
from cloudsim.services.listing import Listing, equals
from cloudsim.services.loadbalancer_change import Change
from cloudsim.services.nouns import LB_STICKINESS_POLICY, NETWORK

table = schema.lb_stickiness_policy
NOUN = LB_STICKINESS_POLICY

LISTING = Listing(
    table,
    filters={
        "id": equals(table.c.id, "id"),
        "rule": equals(table.c.rule_id, "rule"),
        "display": equals(table.c.display, "display"),
    },
    keyword=(table.c.name, table.c.method),
)
_ROWS = select(table).where(any_of(table.c.id, "ids"))
_OF_RULE = select(table).where(table.c.rule_id == bindparam("rule_id"), table.c.removed.is_(None))

_TIME = re.compile(r"\d{1,9}[smhd]")
_TIME_OR_NUMBER = re.compile(r"\d{1,9}[smhd]?")
_SIZE = re.compile(r"\d{1,9}[kmg]")
_NUMBER = re.compile(r"\d{1,9}")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,255}")
_DOMAIN = re.compile(r"\.?[0-9A-Za-z](?:[0-9A-Za-z.-]{0,252}[0-9A-Za-z])?")


def _shape(expression: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: expression.fullmatch(text) is not None


#: What values must look like, by method and parameter; an empty method stands for all.
_SHAPES: dict[tuple[str, str], Callable[[str], bool]] = {
    ("", "cookie-name"): _shape(_TOKEN),
    ("", "name"): _shape(_TOKEN),
    ("", "domain"): _shape(_DOMAIN),
    ("", "length"): _shape(_NUMBER),
    ("", "holdtime"): _shape(_TIME_OR_NUMBER),
    ("", "expire"): _shape(_TIME),
    ("", "tablesize"): _shape(_SIZE),
    (LB_COOKIE, "mode"): lambda text: text in ("insert", "rewrite", "prefix"),
    (APP_COOKIE, "mode"): lambda text: text in ("path-parameters", "query-string"),
}


def rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Policies in the order of their ids."""
    found = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    return [found[i] for i in ids if i in found]


def _params(method: Method, entries: Sequence[Mapping[str, str]]) -> dict[str, str]:
    known = {param.name: param for param in method.params}
    made: dict[str, str] = {}
    for entry in entries:
        name, value = entry.get("name", "").lower(), entry.get("value", "").strip()
        param = known.get(name)
        if param is None:
            raise InvalidValue(f"method {method.name} takes {', '.join(known)}, not '{name[:64]}'")
        if param.flag:
            if value.lower() != "false":
                made[name] = "true"
            continue
        fits = _SHAPES.get((method.name, name)) or _SHAPES[("", name)]
        if not fits(value):
            raise InvalidValue(
                f"parameter {name} of method {method.name} cannot be '{value[:64]}': {param.description}"
            )
        made[name] = value
    for param in method.params:
        if param.required and param.name not in made:
            raise InvalidValue(f"method {method.name} needs parameter {param.name}")
    return made


def create(
    ctx: Context,
    row: Row,
    *,
    name: str,
    method: str,
    params: Sequence[Mapping[str, str]],
    description: str | None,
    display: bool,
) -> tuple[str, str]:
    """Makes a policy of a rule, in the place of the one that it has; answers its uuid and the job's.

    Raises `InvalidValue`, `PermissionDenied`.
    """
    change = Change(ctx, row)
    if not name.strip():
        raise InvalidValue("a stickiness policy has a name")
    can = lb_capability.of_network(ctx, access.row(ctx, NETWORK, row["network_id"]))
    chosen = next((one for one in can.methods if one.name.lower() == method.lower()), None)
    if chosen is None:
        names = ", ".join(one.name for one in can.methods)
        raise InvalidValue(f"methodname takes {names}, not '{method[:64]}'")
    values = _params(chosen, params)
    for old in ctx.tx.all(_OF_RULE, rule_id=row["id"]):
        change.end(table, old["id"])
    made, uuid = change.add(
        table, name=name, description=description, method=chosen.name, params=values, display=display
    )
    return uuid, change.order("LB.STICKINESSPOLICY.CREATE", "making a stickiness policy of", shown=(NOUN.name, made))


def delete(ctx: Context, policy: Row) -> str:
    """Takes a policy away; answers the job's uuid. Raises `InvalidValue`, `PermissionDenied`."""
    change = Change(ctx, lb_policy.rule_of(ctx, policy))
    change.end(table, policy["id"])
    return change.order("LB.STICKINESSPOLICY.DELETE", "removing a stickiness policy of")
