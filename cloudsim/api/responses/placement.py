"""A placement explained, as clients read it."""

from __future__ import annotations

from cloudsim.api.responses.base import Response

_VERDICT = "name reason rule"
_WORDS = {
    "rule": "The rule that left it out",
    "reason": "Why it was left out",
    "order": "Its place among those that would do",
}

HOST_VERDICT = Response(
    "host", string=f"clusterid clustername id {_VERDICT}", boolean="chosen considered", integer="order", words=_WORDS
)
POOL_VERDICT = Response(
    "storagepool", string=f"id volume {_VERDICT}", boolean="chosen considered", integer="order", words=_WORDS
)
PLACEMENT = Response(
    "placement",
    string="algorithm deploymentplanner hostid hostname reason zoneid zonename",
    boolean="found",
    nested={"host": ("list", HOST_VERDICT), "storagepool": ("list", POOL_VERDICT)},
    words={
        "host": "Every host of the zone: those that would do in their order, then those that were left out",
        "hostid": "The host that the machine would go to",
        "hostname": "The name of that host",
        "reason": "What the refusal says where there is no destination",
        "storagepool": "Every storage pool of the zone, for each volume, as seen from that host",
    },
)
