"""Keeping zones, pods, clusters and hosts for a domain or an account."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, ListCommand, id_of
from cloudsim.api.params import ref, string
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.dedication import DEDICATED_CLUSTER, DEDICATED_HOST, DEDICATED_POD, DEDICATED_ZONE
from cloudsim.core.errors import InvalidValue
from cloudsim.services import access, dedication, nouns
from cloudsim.services.context import Context, Row

_ACCOUNT = "The account it is dedicated to; without it, all of the domain and of those below"


class _Dedicate(AsyncCommand):
    account = string(_ACCOUNT)
    domainid = ref(nouns.DOMAIN, "The domain it is dedicated to, or that the account is in", required=True)

    def order(self, ctx: Context, kind: str, place: Row) -> Body:
        """Starts the job."""
        return {"jobid": dedication.dedicate(ctx, kind, place, self.domainid, self.account)}


class _List(ListCommand):
    account = string("The account that they are dedicated to; goes together with domainid")
    affinitygroupid = ref(nouns.AFFINITY_GROUP, "Only those whose machines are in this affinity group")
    domainid = ref(nouns.DOMAIN)

    def dedicated(self, ctx: Context, kind: str, place: Row | None) -> Body:
        """The body for one kind of place."""
        if self.account is not None and self.domainid is None:
            raise InvalidValue("account needs the domainid of the domain that it is in")
        owner = access.account_of(ctx, self.domainid, self.account) if self.account is not None else None
        return self.select(
            ctx,
            dedication.LISTINGS[kind],
            place=id_of(place),
            domain=id_of(self.domainid),
            account=id_of(owner),
            group=id_of(self.affinitygroupid),
        )


class DedicateZone(_Dedicate, name="dedicateZone", response=DEDICATED_ZONE, event="DEDICATE.RESOURCE"):
    """Keeps a zone for a domain or an account: no machines of others are placed in it."""

    zoneid = ref(nouns.ZONE, required=True)

    def run(self, ctx: Context) -> Body:
        return self.order(ctx, "Zone", self.zoneid)


class ReleaseDedicatedZone(
    AsyncCommand, name="releaseDedicatedZone", response=SUCCESS, event="DEDICATE.RESOURCE.RELEASE"
):
    """Gives a dedicated zone back to all."""

    zoneid = ref(nouns.ZONE, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": dedication.release(ctx, "Zone", self.zoneid)}


class ListDedicatedZones(_List, name="listDedicatedZones", response=DEDICATED_ZONE):
    """Lists dedicated zones."""

    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        return self.dedicated(ctx, "Zone", self.zoneid)


class DedicatePod(_Dedicate, name="dedicatePod", response=DEDICATED_POD, event="DEDICATE.RESOURCE"):
    """Keeps a pod for a domain or an account: no machines of others are placed in it."""

    podid = ref(nouns.POD, required=True)

    def run(self, ctx: Context) -> Body:
        return self.order(ctx, "Pod", self.podid)


class ReleaseDedicatedPod(
    AsyncCommand, name="releaseDedicatedPod", response=SUCCESS, event="DEDICATE.RESOURCE.RELEASE"
):
    """Gives a dedicated pod back to all."""

    podid = ref(nouns.POD, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": dedication.release(ctx, "Pod", self.podid)}


class ListDedicatedPods(_List, name="listDedicatedPods", response=DEDICATED_POD):
    """Lists dedicated pods."""

    podid = ref(nouns.POD)

    def run(self, ctx: Context) -> Body:
        return self.dedicated(ctx, "Pod", self.podid)


class DedicateCluster(_Dedicate, name="dedicateCluster", response=DEDICATED_CLUSTER, event="DEDICATE.RESOURCE"):
    """Keeps a cluster for a domain or an account: no machines of others are placed in it."""

    clusterid = ref(nouns.CLUSTER, required=True)

    def run(self, ctx: Context) -> Body:
        return self.order(ctx, "Cluster", self.clusterid)


class ReleaseDedicatedCluster(
    AsyncCommand, name="releaseDedicatedCluster", response=SUCCESS, event="DEDICATE.RESOURCE.RELEASE"
):
    """Gives a dedicated cluster back to all."""

    clusterid = ref(nouns.CLUSTER, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": dedication.release(ctx, "Cluster", self.clusterid)}


class ListDedicatedClusters(_List, name="listDedicatedClusters", response=DEDICATED_CLUSTER):
    """Lists dedicated clusters."""

    clusterid = ref(nouns.CLUSTER)

    def run(self, ctx: Context) -> Body:
        return self.dedicated(ctx, "Cluster", self.clusterid)


class DedicateHost(_Dedicate, name="dedicateHost", response=DEDICATED_HOST, event="DEDICATE.RESOURCE"):
    """Keeps a host for a domain or an account: no machines of others are placed on it."""

    hostid = ref(nouns.HOST, required=True)

    def run(self, ctx: Context) -> Body:
        return self.order(ctx, "Host", self.hostid)


class ReleaseDedicatedHost(
    AsyncCommand, name="releaseDedicatedHost", response=SUCCESS, event="DEDICATE.RESOURCE.RELEASE"
):
    """Gives a dedicated host back to all."""

    hostid = ref(nouns.HOST, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": dedication.release(ctx, "Host", self.hostid)}


class ListDedicatedHosts(_List, name="listDedicatedHosts", response=DEDICATED_HOST):
    """Lists dedicated hosts."""

    hostid = ref(nouns.HOST)

    def run(self, ctx: Context) -> Body:
        return self.dedicated(ctx, "Host", self.hostid)
