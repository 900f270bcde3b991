"""What is measured: the servers that run the cloud, what machines use, which capacities were told of."""

from __future__ import annotations

from sqlalchemy import Column, Index, String

from cloudsim.db.schema.base import big, data, flag, number, required, resource, table, text

management_server = resource(
    "management_server",
    required("name"),
    # Up, PreparingForMaintenance, Maintenance, PreparingForShutDown, ReadyToShutDown, ShuttingDown or Down
    required("state"),
    # since when it is preparing; whether it goes to maintenance though jobs are left when its time is over
    big("preparing"),
    flag("forced"),
    required("version"),
    text("address"),
    text("os"),
    text("kernel"),
    text("runtime"),
    text("runtime_maker"),
    big("booted"),
    big("started"),
    big("stopped"),
    # when it was last alive, and how many jobs it had then
    big("heartbeat", nullable=False),
    number("pending_jobs", nullable=False),
    # its own figures at that time
    data("figures"),
)

stats = table(
    "stats",
    # vm or volume, and its row
    Column("kind", String(16), nullable=False),
    big("row_id", nullable=False),
    big("taken", nullable=False),
    data("figures", nullable=False),
    Index("ix_stats_thing", "kind", "row_id", "taken"),
    Index("ix_stats_taken", "kind", "taken"),
)

#: One row for each capacity that is past its threshold and was told of.
capacity_alert = table(
    "capacity_alert",
    number("type", nullable=False),
    # zone, pod or cluster, and its row
    Column("level", String(16), nullable=False),
    big("place_id", nullable=False),
    Index("uq_capacity_alert", "type", "level", "place_id", unique=True),
)
