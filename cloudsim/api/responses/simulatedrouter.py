"""What simulated routers do, as users of the simulator read it."""

from __future__ import annotations

from cloudsim.api.responses.base import Response

#: One part of one router. Which fields a setting has depends on the part: see the page on the simulated router.
SIMULATED_PART = Response(
    "simulatedrouterrule",
    string="hostid networkid part routerid routername",
    list="setting",
    words={
        "part": "The part of what the router does: firewall, egress, portforwarding, ...",
        "routerid": "The router's id",
        "routername": "The router's name",
        "setting": "All that the router does of that part, in its order",
    },
)
