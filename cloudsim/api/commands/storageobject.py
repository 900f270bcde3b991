"""What lies on storage, as files."""

from __future__ import annotations

from typing import Any

from cloudsim.api.command import AsyncCommand, Body, ListCommand
from cloudsim.api.params import ref, string
from cloudsim.api.responses.imagestore import EXTRACTED, STORAGE_OBJECT
from cloudsim.core.clock import to_wire
from cloudsim.services import nouns, storageobject
from cloudsim.services.context import Context

_PATH = "The folder, or the file; if not said, the top"


def _shown(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for one in found:
        created = one.pop("created", None)
        if created is not None:
            one["lastupdated"] = to_wire(created)
    return found


class ListImageStoreObjects(ListCommand, name="listImageStoreObjects", response=STORAGE_OBJECT, since="4.19.0"):
    """Lists the files and folders in a folder of an image store."""

    id = ref(nouns.IMAGE_STORE, required=True)
    path = string(_PATH)

    def run(self, ctx: Context) -> Body:
        return self.part(ctx, _shown(storageobject.on_store(ctx, self.id, self.path, self.keyword)))


class ListStoragePoolObjects(ListCommand, name="listStoragePoolObjects", response=STORAGE_OBJECT, since="4.19.0"):
    """Lists the files of a storage pool: its volumes."""

    id = ref(nouns.STORAGE_POOL, required=True)
    path = string(_PATH)

    def run(self, ctx: Context) -> Body:
        return self.part(ctx, _shown(storageobject.on_pool(ctx, self.id, self.path, self.keyword)))


class DownloadImageStoreObject(
    AsyncCommand,
    name="downloadImageStoreObject",
    response=EXTRACTED,
    event="IMAGE.STORE.OBJECT.DOWNLOAD",
    since="4.19.0",
):
    """Makes the URL that a zone's secondary storage VM hands a file of an image store out at.

    Simulated storage holds no bytes: nothing answers at that URL.
    """

    id = ref(nouns.IMAGE_STORE, required=True)
    path = string("The file")

    def run(self, ctx: Context) -> Body:
        return {"jobid": storageobject.order_download(ctx, self.id, self.path)}
