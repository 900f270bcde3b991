"""What virtual routers do, in parts: each is read whole from the database, and told whole to the routers of a network.

A part registers itself (`register`) in the module of the noun that it comes from, which `load` names; how routers are told
is in `router_apply`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cloudsim.agents.base import RouterCommand
from cloudsim.db.database import Row
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK_OFFERING
from cloudsim.services.router import PROVIDERS

#: Where parts are registered.
_MODULES = ("loadbalancer_parts", "publicip_parts", "rule_parts")

Plain = dict[str, Any]
Content = dict[str, list[Plain] | None]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of what a router does."""

    command: type[RouterCommand]
    #: The service of the network's offering that it belongs to, or several, with blanks between: routers that provide
    #: none of them do nothing of the kind.
    service: str
    #: ``read(ctx, network row, offering row)``: the settings of it, as plain data.
    read: Callable[[Context, Row, Row], list[Plain]]
    #: ``settled(ctx, network id)``: all routers of the network have been told the newest of it, in that transaction.
    settled: Callable[[Context, int], None] | None = None

    @property
    def name(self) -> str:
        """The name that the routers know it by."""
        return self.command.part


_PARTS: dict[str, Part] = {}


def register(part: Part) -> Part:
    """Adds a part."""
    if part.name in _PARTS:
        raise ValueError(f"part {part.name} is registered twice")
    _PARTS[part.name] = part
    return part


@cache
def load() -> Mapping[str, Part]:
    """Every part by its name."""
    for module in _MODULES:
        importlib.import_module(f"cloudsim.services.{module}")
    return _PARTS


def provides(offered: Row, service: str) -> bool:
    """Whether networks of an offering have a service, or one of several, by their routers."""
    wanted = service.lower().split()
    return any(
        str(one["name"]).lower() in wanted
        and any(str(provider["name"]).lower() in PROVIDERS for provider in one["provider"])
        for one in offered["services"]
    )


def content(ctx: Context, found: Row, names: Iterable[str] | None = None) -> Content:
    """What the routers of a network shall do, by parts: all of them, or some. None: nothing of the kind."""
    parts = load()
    offered = access.row(ctx, NETWORK_OFFERING, found["offering_id"])
    return {
        name: parts[name].read(ctx, found, offered) if provides(offered, parts[name].service) else None
        for name in (parts if names is None else names)
        if name in parts
    }


def of_network(ctx: Context, found: Row) -> Plain:
    """All parts that the routers of a network have, for one that starts."""
    return {name: settings for name, settings in content(ctx, found).items() if settings is not None}


def spec(plain: Mapping[str, Any]) -> dict[str, tuple[Mapping[str, Any], ...]]:
    """The parts that `of_network` answered, as `MachineSpec` has them."""
    return {name: tuple(settings) for name, settings in plain.items()}


def command(name: str, command_id: str, router: Mapping[str, Any], settings: list[Plain] | None) -> RouterCommand:
    """What tells a router (its `uuid` and `name`) one part."""
    kind = load()[name].command
    return kind(command_id, router["uuid"], router["name"], None if settings is None else tuple(settings))
