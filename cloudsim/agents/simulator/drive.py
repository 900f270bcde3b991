"""What is in the drive of a simulated machine: kept in its specification, as a start brings it."""

from __future__ import annotations

import orjson

from cloudsim.agents.base import Answer, AttachIso, CommandFailed
from cloudsim.agents.simulator.world import World


def attach_iso(world: World, host: str, command: AttachIso) -> Answer:
    """Puts an ISO into the drive of a machine, which must run here, or takes it out."""
    row = world.db.execute(
        "SELECT spec FROM machines WHERE uuid = ? AND host = ? AND power = 'PowerOn'", (command.uuid, host)
    ).fetchone()
    if row is None:
        raise CommandFailed(f"Virtual machine {command.name} does not run on host {host}")
    spec = orjson.loads(row[0])
    spec["iso"] = command.iso
    world.db.execute("UPDATE machines SET spec = ? WHERE uuid = ?", (orjson.dumps(spec), command.uuid))
    return {}
