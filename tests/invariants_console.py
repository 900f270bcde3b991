"""What must hold of sessions of consoles at rest."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from cloudsim.server import Server

_TAKEN = "SELECT id FROM console_session WHERE removed IS NULL AND acquired IS NOT NULL AND server_uuid = "
_WRONG = (
    "SELECT id FROM console_session WHERE (acquired IS NULL) <> (server_uuid IS NULL) OR acquired > removed"
    " OR acquired < created"
)


async def check(server: Server) -> None:
    """Raises AssertionError where a session that goes on has no connection, or its record tells nonsense."""

    def look(tx: Any) -> tuple[list[Any], list[Any]]:
        return (
            tx._fetch(str(text(f"{_TAKEN} '{server.cloud.server_uuid}'")), []),
            tx._fetch(str(text(_WRONG)), []),
        )

    taken, wrong = await server.db.read(look)
    assert len(taken) == server.consoles.number, f"{taken}, but {server.consoles.number} connections"
    assert wrong == []
