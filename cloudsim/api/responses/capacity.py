"""Capacities, as clients read them."""

from __future__ import annotations

from cloudsim.api.responses.base import Response

CAPACITY = Response(
    "capacity",
    string="clusterid clustername name percentused podid podname tag zoneid zonename",
    long="capacityallocated capacitytotal capacityused",
    short="type",
)
