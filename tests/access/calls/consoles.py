"""Consoles and their sessions."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing

from cloudsim.db import schema


@thing("consolesession", projects=False, needs=("virtualmachine",))
async def _session(cast: Cast, **owner: Any) -> str:
    machine = cast.one("SELECT id FROM vm WHERE uuid = ?", cast.id("virtualmachine", owner))[0]
    user = cast.one("SELECT id FROM user WHERE username = 'owner'")[0]
    return await cast.insert(
        schema.console_session, vm_id=machine, user_id=user, digest="0" * 64, expires=1 << 50, **cast.owned(owner)
    )


RUNS = "UPDATE vm SET state = 'Running', host_id = (SELECT min(id) FROM host WHERE type = 'Routing') WHERE uuid = :id"

LOOK = ("root", "above", "owner")
OWN = "users list the sessions that they asked for themselves"

ROWS = [
    Row(
        "createConsoleEndpoint",
        "virtualmachine",
        by="virtualmachineid",
        given=RUNS,
        hidden=200,
        why="whoever may not see it is told so with success = false, for machines of others and for ids of nothing",
    ),
    Row("listConsoleSessions", "consolesession", listed=False, sees=LOOK, why=OWN),
    Row("listConsoleSessions", "consolesession", isrecursive=True, sees=LOOK, why=OWN),
]
