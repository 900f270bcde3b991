"""Secondary storage of every kind, selectors, what lies on storage, the scope of primary storage: for root admins."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing


@thing("stagingstore", owned="cloud")
async def _staging(cast: Cast, **owner: Any) -> str:
    made = await cast.api.call("createSecondaryStagingStore", url="nfs://s/cache", zoneid=cast.id("zone", owner))
    return made["secondarystorage"]["id"]


@thing("otherstore", owned="cloud")
async def _other(cast: Cast, **owner: Any) -> str:
    made = await cast.api.call("addImageStore", provider="NFS", url="nfs://s/other", zoneid=cast.id("zone", owner))
    return made["imagestore"]["id"]


@thing("selector", owned="cloud")
async def _selector(cast: Cast, **owner: Any) -> str:
    given = {"name": "mine", "type": "TEMPLATE", "zoneid": cast.id("zone", owner), **SCRIPT}
    return (await cast.api.call("createSecondaryStorageSelector", **given))["heuristics"]["id"]


SCRIPT = {"description": "mine", "heuristicrule": "'a'"}
S3 = {"accesskey": "a", "secretkey": "b", "bucket": "c", "endpoint": "s3.example.com"}
S3_DETAILS = {
    f"details[{number}].{part}": text
    for number, pair in enumerate(S3.items())
    for part, text in zip(("key", "value"), pair, strict=True)
}
DISABLED = "UPDATE storage_pool SET status = 'Disabled' WHERE uuid = :id"
OTHERS = {"answers": 431, "why": "the cloud has image stores of another kind, and one kind only"}

ROWS = [
    Row("addSecondaryStorage", "zone", by="zoneid", url="nfs://s/three"),
    Row("addImageStoreS3", **S3, **OTHERS),
    Row("addSwift", url="http://swift.example.com/v1", **OTHERS),
    Row("listSwifts"),
    Row("updateCloudToUseObjectStore", provider="S3", **S3_DETAILS),
    Row("createSecondaryStagingStore", "zone", by="zoneid", url="nfs://s/four"),
    Row("listSecondaryStagingStores", "stagingstore"),
    Row("deleteSecondaryStagingStore", "stagingstore"),
    Row("migrateSecondaryStorageData", "imagestore", by="srcpool", destpools="@otherstore"),
    Row(
        "migrateResourceToAnotherSecondaryStorage",
        "imagestore",
        by="srcpool",
        destpool="@otherstore",
        templates="@featured",
    ),
    Row("createSecondaryStorageSelector", "zone", by="zoneid", name="made", type="ISO", **SCRIPT),
    Row("updateSecondaryStorageSelector", "selector", heuristicrule="'b'"),
    Row("removeSecondaryStorageSelector", "selector"),
    Row("listSecondaryStorageSelectors", "zone", by="zoneid", shows=False),
    Row("listImageStoreObjects", "imagestore", shows=False, listed=False),
    Row("downloadImageStoreObject", "imagestore", path="no such file", answers=431, why="there is no such file"),
    Row("listStoragePoolObjects", "storagepool", shows=False, listed=False),
    Row("changeStoragePoolScope", "storagepool", scope="zone", given=DISABLED),
    Row("listAffectedVmsForStorageScopeChange", "storagepool", by="storageid", clusterid="@cluster", shows=False),
    Row("updateStorageCapabilities", "storagepool", answers=530, why="it is no storage of VMware hosts"),
    Row("listStorageProviders", type="image"),
]
