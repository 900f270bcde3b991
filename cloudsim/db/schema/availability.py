"""What looks after hosts: their high availability, and the controllers that switch their power."""

from __future__ import annotations

from sqlalchemy import Column

from cloudsim.db.schema.base import big, data, flag, number, required, table, text
from cloudsim.db.types import Big

#: The controller of a host's power: a row from the moment it is configured.
oobm = table(
    "oobm",
    Column("host_id", Big, nullable=False, unique=True),
    flag("enabled"),
    # simulator or ipmitool
    required("driver"),
    required("address"),
    required("port"),
    required("username"),
    # sealed
    required("password"),
    # On, Off, Unknown or Disabled; and since when (ms)
    required("power_state"),
    big("power_time"),
)

#: High availability of a host: a row from the moment it is configured or enabled.
host_ha = table(
    "host_ha",
    Column("host_id", Big, nullable=False, unique=True),
    flag("enabled"),
    # kvmhaprovider or simulatorhaprovider
    text("provider"),
    # states.host_ha
    required("state"),
    # compare-and-swap counter of state
    number("update_count", nullable=False, default=0),
    # since when it is in that state (ms); when its activity was last looked at
    big("since", nullable=False),
    big("looked"),
    # activity checks of this round, those that found none, and tries of the recovery since it was healthy
    number("checks", nullable=False, default=0),
    number("failures", nullable=False, default=0),
    number("recoveries", nullable=False, default=0),
    # what a simulated host is made to say: {"health": bool, "activity": bool, "recover": bool, "fence": bool}
    data("simulated"),
    # its last transitions, newest last: [[before, event, after, checks, recoveries], ...]
    data("transitions", nullable=False),
)
