"""Hypervisors, as clients read them."""

from __future__ import annotations

from cloudsim.api.responses.base import Response

HYPERVISOR = Response("hypervisor", string="name")
CAPABILITIES = Response(
    "hypervisorcapabilities",
    boolean="securitygroupenabled storagemotionenabled vmsnapshotenabled",
    integer="maxdatavolumeslimit maxhostspercluster",
    long="maxguestslimit",
    string="hypervisor hypervisorversion id",
)
