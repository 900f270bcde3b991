"""What primary storage serves and can do, and who keeps storage."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command, ListCommand
from cloudsim.api.params import ref, string
from cloudsim.api.responses.base import Response, shown
from cloudsim.api.responses.storagepool import STORAGE_POOL
from cloudsim.core.errors import InvalidValue
from cloudsim.services import imagestore, nouns, storagescope
from cloudsim.services.context import Context

AFFECTED = Response("virtualmachine", string="clusterid clustername hostid hostname id name type")
PROVIDER = Response("dataStoreProvider", string="name type")
_PROVIDERS = {"PRIMARY": ("DefaultPrimary",), "IMAGE": imagestore.PROVIDERS, "IMAGECACHE": ("NFS",), "OBJECT": ()}


class ChangeStoragePoolScope(
    AsyncCommand, name="changeStoragePoolScope", event="CHANGE.STORAGE.POOL.SCOPE", since="4.19.1"
):
    """Makes disabled storage of a cluster serve its whole zone, or storage of a zone one cluster only."""

    id = ref(nouns.STORAGE_POOL, required=True)
    scope = string("cluster or zone", required=True)
    clusterid = ref(nouns.CLUSTER, "The cluster, for the scope cluster")

    def run(self, ctx: Context) -> Body:
        return {"jobid": storagescope.order(ctx, self.id, self.scope, self.clusterid)}


class ListAffectedVmsForStorageScopeChange(
    ListCommand, name="listAffectedVmsForStorageScopeChange", response=AFFECTED, since="4.19.1"
):
    """Lists the virtual machines of other clusters that have volumes on storage."""

    clusterid = ref(nouns.CLUSTER, "The cluster that the storage would serve", required=True)
    storageid = ref(nouns.STORAGE_POOL, required=True)

    def run(self, ctx: Context) -> Body:
        return self.part(
            ctx,
            [
                shown(
                    id=row["uuid"],
                    name=row["name"],
                    type=row["type"],
                    hostid=row["host_uuid"],
                    hostname=row["host_name"],
                    clusterid=row["cluster_uuid"],
                    clustername=row["cluster_name"],
                )
                for row in storagescope.affected(ctx, self.storageid, self.clusterid, self.keyword)
            ],
        )


class UpdateStorageCapabilities(Command, name="updateStorageCapabilities", response=STORAGE_POOL, since="4.16.0"):
    """Asks hosts anew what NFS storage of VMware hosts can do; refused for any other."""

    id = ref(nouns.STORAGE_POOL, required=True)

    def run(self, ctx: Context) -> Body:
        storagescope.ask_capabilities(self.id)
        return {"storagepool": ctx.present("storagepool", self.id["id"])[0]}


class ListStorageProviders(ListCommand, name="listStorageProviders", response=PROVIDER):
    """Lists who keeps storage of a kind."""

    type = string("primary, image, imagecache or object", required=True)

    def run(self, ctx: Context) -> Body:
        kind = self.type.upper()
        if kind not in _PROVIDERS:
            raise InvalidValue(f"type takes {', '.join(_PROVIDERS).lower()}, not '{self.type[:32]}'")
        word = (self.keyword or "").lower()
        found = [{"name": name, "type": kind} for name in _PROVIDERS[kind] if word in name.lower()]
        return self.part(ctx, found)
