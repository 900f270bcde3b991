"""What zones, pods, clusters, hosts and addresses are kept for: for root admins."""

from __future__ import annotations

from access_rows import Row

ROWS = [
    Row("dedicateZone", "barezone", by="zoneid", domainid="@domain", spread=False),
    Row("dedicatePod", "pod", by="podid", domainid="@domain"),
    Row("dedicateCluster", "cluster", by="clusterid", domainid="@domain"),
    Row("dedicateHost", "host", by="hostid", domainid="@domain"),
    Row("releaseDedicatedZone", "barezone", by="zoneid", answers=530, why="it is not dedicated"),
    Row("releaseDedicatedPod", "pod", by="podid", answers=530, why="it is not dedicated"),
    Row("releaseDedicatedCluster", "cluster", by="clusterid", answers=530, why="it is not dedicated"),
    Row("releaseDedicatedHost", "host", by="hostid", answers=530, why="it is not dedicated"),
    Row("dedicatePublicIpRange", "vlaniprange", domainid="@domain"),
    Row("releasePublicIpRange", "vlaniprange", answers=431, why="it is not dedicated"),
    Row("listDedicatedZones"),
    Row("listDedicatedPods"),
    Row("listDedicatedClusters"),
    Row("listDedicatedHosts"),
    Row("listGuestVlans"),
]
