"""Faults of the simulator, as clients read them."""

from __future__ import annotations

from cloudsim.api.responses.base import Response

MOCK = Response("simulatormock", integer="count", long="clusterid hostid id podid zoneid", string="name")
