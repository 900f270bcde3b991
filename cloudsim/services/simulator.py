"""The simulator's fault rules: written to its own file, in no transaction of the management database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from cloudsim.agents.base import HostAddress
from cloudsim.agents.simulator import Rule, SimulatorDriver, rule_from_wire
from cloudsim.core.errors import InvalidValue, OperationFailed
from cloudsim.services.context import Cloud, Context
from cloudsim.services.nouns import CLUSTER, HOST, POD, ZONE, Noun

_PLACES: dict[str, Noun] = {"zone": ZONE, "pod": POD, "cluster": CLUSTER, "host": HOST}


def _driver(cloud: Cloud) -> SimulatorDriver:
    return cast(SimulatorDriver, cloud.agents.driver("Simulator"))


def put(
    cloud: Cloud, name: str, value: str, count: int | None, places: Mapping[str, str], answer: str | None
) -> dict[str, Any]:
    """Puts a fault on order, in the place of one for the same command and places. Call it on the event loop.

    `places` are uuids by kind of place; what is answered is the rule as `shown` takes it.
    """
    try:
        rule = rule_from_wire(name, value, count, jsonresponse=answer, **dict(places))
    except ValueError as error:
        raise InvalidValue(str(error)) from None
    return get(cloud, _driver(cloud).put_rule(rule))


def get(cloud: Cloud, rule_id: int) -> dict[str, Any]:
    """A rule, with what is left of its count. Raises `OperationFailed` where there is none, as the reference does."""
    rule = _driver(cloud).rule(rule_id)
    if rule is None:
        raise OperationFailed(f"the simulator has no rule {rule_id}")
    return _plain(rule)


def remove(cloud: Cloud, rule_id: int) -> None:
    """Takes a rule away. Raises `OperationFailed` where there is none."""
    if not _driver(cloud).remove_rule(rule_id):
        raise OperationFailed(f"the simulator has no rule {rule_id}")


def order_of(cloud: Cloud, wire: str, zone: str | None) -> tuple[float, str | None]:
    """How many seconds something takes in a zone (its uuid) that is simulated without a host, and why it fails, if it does.

    What never answers is given up when the setting ``wait`` says so.
    """
    place = HostAddress("", "sim://", places={"zone": zone} if zone else {})
    seconds, rule = _driver(cloud).pretend(wire, place)
    if rule is None or rule.kind in ("lose", "answer"):
        return seconds, None
    if rule.kind == "hang":
        return seconds + (cloud.settings.number("wait") or 1800), "nobody answered in time"
    return seconds, rule.text


def _plain(rule: Rule) -> dict[str, Any]:
    return {"id": rule.id, "name": rule.command, "count": rule.count, **{kind: getattr(rule, kind) for kind in _PLACES}}


def shown(ctx: Context, rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule as clients read it: its places are row ids, as on the reference."""
    made = {"id": rule["id"], "name": rule["name"], "count": rule["count"]}
    for kind, noun in _PLACES.items():
        if rule[kind] is not None:
            row = ctx.tx.first(noun.by_uuid, uuid=rule[kind])
            made[f"{kind}id"] = row["id"] if row else None
    return {key: value for key, value in made.items() if value is not None}


__all__ = ["get", "order_of", "put", "remove", "shown"]
