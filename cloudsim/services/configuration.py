"""The global settings: kept in memory, true to the table, read live by the code they govern."""

from __future__ import annotations

from sqlalchemy import select

from cloudsim.db.database import Transaction
from cloudsim.db.schema import configuration
from cloudsim.services.context import Cloud

_ALL = select(configuration)


def _load(tx: Transaction) -> dict[tuple[str, str, int], str | None]:
    return {(row["name"], row["scope"], row["scope_id"]): row["value"] for row in tx.all(_ALL)}


async def follow(cloud: Cloud) -> None:
    """Loads what differs from the defaults, and loads it anew after each change."""
    cloud.settings.overrides = await cloud.db.read(_load)
