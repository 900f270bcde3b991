"""The plain objects with figures: what metrics lists answer."""

from __future__ import annotations

from typing import Any

from cloudsim.api.responses.base import Response
from cloudsim.api.responses.cluster import CLUSTER
from cloudsim.api.responses.host import HOST
from cloudsim.api.responses.storagepool import STORAGE_POOL
from cloudsim.api.responses.virtualmachine import VIRTUAL_MACHINE
from cloudsim.api.responses.volume import VOLUME
from cloudsim.api.responses.zone import ZONE

_THRESHOLDS = " ".join(
    f"{name}{kind}threshold" for name in ("cpu", "memory") for kind in ("", "disable", "allocated", "allocateddisable")
)


def _more(base: Response, **types: Any) -> Response:
    """A response with all that `base` has, and more."""
    made = Response(base.name, **types)
    made.fields = {**base.fields, **made.fields}
    made.nested = dict(base.nested)
    return made


HOST_METRICS = _more(
    HOST,
    powerstate="powerstate",
    string="instances systeminstances cputotalghz cpuusedghz cpuallocatedghz memorytotalgb memoryusedgb "
    "memoryallocatedgb networkread networkwrite",
    boolean=_THRESHOLDS,
)
_OF_PLACES = (
    "state cputotal cpuused cpuallocated cpumaxdeviation memorytotal memoryused memoryallocated memorymaxdeviation "
    "cpuafterhostfailure memoryafterhostfailure"
)
CLUSTER_METRICS = _more(
    CLUSTER, string=f"{_OF_PLACES} hosts drsimbalance", boolean=f"{_THRESHOLDS} survivesahostfailure"
)
ZONE_METRICS = _more(ZONE, string=f"{_OF_PLACES} clusters", boolean=f"{_THRESHOLDS} survivesahostfailure")
STORAGE_POOL_METRICS = _more(
    STORAGE_POOL,
    string="disksizeusedgb disksizetotalgb disksizeallocatedgb disksizeunallocatedgb",
    boolean="storageusagethreshold storageusagedisablethreshold storageallocatedthreshold "
    "storageallocateddisablethreshold",
)
VOLUME_METRICS = _more(VOLUME, string="sizegb", long="diskiopstotal")
VIRTUAL_MACHINE_METRICS = _more(
    VIRTUAL_MACHINE,
    string="cputotal memorytotal networkread networkwrite diskread diskwrite",
    long="diskiopstotal",
)
INFRASTRUCTURE = Response(
    "infrastructure",
    integer="alerts backuprepositories clusters cpusockets hosts ilbvms imagestores managementservers objectstores pods "
    "routers storagepools systemvms zones",
)
