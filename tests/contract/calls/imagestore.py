"""Secondary storage: how its sampled commands are called."""

from __future__ import annotations

from apiclient import Api
from sample_calls import Calls, calls


@calls("migrateSecondaryStorageData")
async def _migrate(api: Api) -> Calls:
    (first,) = (await api.call("listImageStores"))["imagestore"]
    made = (await api.call("addImageStore", provider="NFS", url="nfs://s/two", zoneid=first["zoneid"]))["imagestore"]
    return [{"srcpool": first["id"], "destpools": made["id"], "migrationtype": "complete"}]
