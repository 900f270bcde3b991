"""Network cards of simulated machines, plugged and unplugged while they run: kept in a machine's definition."""

from __future__ import annotations

from typing import Any

import orjson

from cloudsim.agents.base import Answer, CommandFailed, PlugNic, UnplugNic
from cloudsim.agents.simulator.world import World

_SPEC = "SELECT spec FROM machines WHERE uuid = ? AND host = ? AND power = 'PowerOn'"


def _spec(world: World, host: str, uuid: str, name: str) -> dict[str, Any]:
    row = world.db.execute(_SPEC, (uuid, host)).fetchone()
    if row is None:
        raise CommandFailed(f"Virtual machine {name} does not run on host {host}")
    found: dict[str, Any] = orjson.loads(row[0])
    return found


def _put(world: World, uuid: str, spec: dict[str, Any], nics: list[Any]) -> None:
    stored = orjson.dumps({**spec, "nics": nics}, default=dict)
    world.db.execute("UPDATE machines SET spec = ? WHERE uuid = ?", (stored, uuid))


def plug_nic(world: World, host: str, command: PlugNic) -> Answer:
    """Gives a running machine a card, in the place of one with the same MAC address."""
    spec = _spec(world, host, command.uuid, command.name)
    others = [card for card in spec["nics"] if card["mac"] != command.nic.mac]
    _put(world, command.uuid, spec, [*others, command.nic])
    return {}


def unplug_nic(world: World, host: str, command: UnplugNic) -> Answer:
    """Takes the card of that MAC address from a running machine."""
    spec = _spec(world, host, command.uuid, command.name)
    _put(world, command.uuid, spec, [card for card in spec["nics"] if card["mac"] != command.nic.mac])
    return {}


def cards(world: World, uuid: str) -> list[dict[str, Any]]:
    """The cards of a machine, as `NicSpec` has them, by device. ``LookupError`` where it is unknown."""
    row = world.db.execute("SELECT spec FROM machines WHERE uuid = ?", (uuid,)).fetchone()
    if row is None:
        raise LookupError(f"There is no simulated machine {uuid}")
    return sorted(orjson.loads(row[0])["nics"], key=lambda card: card["device"])
