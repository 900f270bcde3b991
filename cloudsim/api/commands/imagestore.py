"""Secondary storage."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, ListCommand, id_of
from cloudsim.api.params import boolean, long, mapping, ref, string
from cloudsim.api.responses.base import SUCCESS
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


class AddImageStore(Command, name="addImageStore", response=IMAGE_STORE, since="4.2.0"):
    """Adds secondary storage to a zone."""

    provider = string("Who keeps it: " + ", ".join(imagestore.PROVIDERS), required=True)
    details = mapping()
    name = string()
    url = string(length=2048)
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        made = imagestore.create(
            ctx, name=self.name, url=self.url, zone=self.zoneid, provider=self.provider, details=self.details or {}
        )
        return {"imagestore": ctx.present("imagestore", made)[0]}


class UpdateImageStore(Command, name="updateImageStore", response=IMAGE_STORE, since="4.15.0"):
    """Changes secondary storage: its name, and whether anything may be written to it."""

    id = ref(nouns.IMAGE_STORE, required=True)
    capacitybytes = long("How many bytes it holds: that is not counted here")
    name = string()
    readonly = boolean()

    def run(self, ctx: Context) -> Body:
        imagestore.update(ctx, self.id, name=self.name, read_only=self.readonly)
        return {"imagestore": ctx.present("imagestore", self.id["id"])[0]}


class DeleteImageStore(Command, name="deleteImageStore", response=SUCCESS, since="4.2.0"):
    """Removes secondary storage that no template lies on but those the server brings."""

    id = ref(nouns.IMAGE_STORE, required=True)

    def run(self, ctx: Context) -> Body:
        imagestore.delete(ctx, self.id)
        return {"success": True}
