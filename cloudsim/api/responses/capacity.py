"""Capacities, as clients read them."""

from __future__ import annotations

from cloudsim.api.responses.base import Response

CAPACITY = Response(
    "capacity",
    string="clusterid clustername name percentused podid podname tag zoneid zonename",
    long="capacityallocated capacitytotal capacityused",
    short="type",
)
#: With what the failure of a host would leave.
CAPACITY_ADVISED = Response(
    "capacity",
    string=" ".join(name for name, kind in CAPACITY.fields.items() if kind == "string"),
    long="capacityafterhostfailure capacityallocated capacitytotal capacityused",
    short="type",
    boolean="survivesahostfailure",
)
