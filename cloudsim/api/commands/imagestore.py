"""Secondary storage."""

from __future__ import annotations

from cloudsim.api.command import Body, ListCommand, id_of
from cloudsim.api.params import boolean, ref, string
from cloudsim.api.responses.imagestore import IMAGE_STORE
from cloudsim.services import imagestore, nouns
from cloudsim.services.context import Context


class ListImageStores(ListCommand, name="listImageStores", response=IMAGE_STORE, since="4.2.0"):
    """Lists image stores: the secondary storage that templates and ISOs lie on."""

    id = ref(nouns.IMAGE_STORE)
    name = string()
    protocol = string()
    provider = string()
    readonly = boolean(since="4.15.0")
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        return self.select(
            ctx,
            imagestore.LISTING,
            id=id_of(self.id),
            name=self.name,
            protocol=self.protocol.lower() if self.protocol else None,
            provider=self.provider.lower() if self.provider else None,
            readonly=self.readonly,
            zone=id_of(self.zoneid),
        )
