"""Secondary storage."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command, ListCommand, id_of
from cloudsim.api.params import Parameters, boolean, integer, long, mapping, ref, refs, string, strings
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.imagestore import IMAGE_STORE, MIGRATION
from cloudsim.core.caller import Caller
from cloudsim.core.errors import InvalidValue
from cloudsim.services import imagestore, imagestore_directory, imagestore_migration, nouns
from cloudsim.services.context import Cloud, Context


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
            role=imagestore.IMAGE,
        )


class AddImageStore(Command, name="addImageStore", response=IMAGE_STORE, since="4.2.0"):
    """Adds secondary storage to a zone, or to the whole region."""

    provider = string("Who keeps it: " + ", ".join(imagestore.PROVIDERS), required=True)
    details = mapping()
    name = string()
    url = string(length=2048)
    zoneid = ref(nouns.ZONE)

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        wanted = await cloud.db.read(lambda tx: cls(cloud.context(tx, caller), parameters))
        await imagestore_directory.check(wanted.url, wanted.details or {})

    def run(self, ctx: Context) -> Body:
        made = imagestore.create(
            ctx, name=self.name, url=self.url, zone=self.zoneid, provider=self.provider, details=self.details or {}
        )
        return {"imagestore": ctx.present("imagestore", made)[0]}


class UpdateImageStore(Command, name="updateImageStore", response=IMAGE_STORE, since="4.15.0"):
    """Changes secondary storage: its name, and whether anything may be written to it."""

    id = ref(nouns.IMAGE_STORE, required=True)
    capacitybytes = long("How many bytes it holds; one that is full takes nothing new")
    name = string()
    readonly = boolean()

    def run(self, ctx: Context) -> Body:
        imagestore.update(ctx, self.id, name=self.name, read_only=self.readonly, capacity=self.capacitybytes)
        return {"imagestore": ctx.present("imagestore", self.id["id"])[0]}


class DeleteImageStore(Command, name="deleteImageStore", response=SUCCESS, since="4.2.0"):
    """Removes secondary storage that no template lies on but those the server brings."""

    id = ref(nouns.IMAGE_STORE, required=True)

    def run(self, ctx: Context) -> Body:
        imagestore.delete(ctx, self.id)
        return {"success": True}


class AddSecondaryStorage(Command, name="addSecondaryStorage", response=IMAGE_STORE, noun="secondarystorage"):
    """Adds NFS or SMB storage to a zone, by its URL alone."""

    url = string(required=True)
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        scheme = self.url.partition(":")[0].lower()
        provider = imagestore.ZONE_PROVIDERS.get(scheme, "NFS")
        made = imagestore.create(ctx, name=None, url=self.url, zone=self.zoneid, provider=provider, details={})
        return {"secondarystorage": ctx.present("imagestore", made)[0]}


class AddImageStoreS3(Command, name="addImageStoreS3", response=IMAGE_STORE, since="4.7.0"):
    """Adds a bucket of an S3 server as secondary storage of the whole region."""

    accesskey = string(required=True, secret=True)
    bucket = string(required=True)
    endpoint = string("The S3 server", required=True)
    secretkey = string(required=True, secret=True)
    connectiontimeout = integer("Milliseconds to wait for a connection: kept as a detail")
    connectionttl = integer("Milliseconds that a connection lives: kept as a detail")
    maxerrorretry = integer("How often a failed request is sent again: kept as a detail")
    s3signer = string("How requests are signed: kept as a detail")
    sockettimeout = integer("Milliseconds to wait for data: kept as a detail")
    usehttps = boolean("Whether connections are encrypted: kept as a detail")
    usetcpkeepalive = boolean("Whether connections are kept alive: kept as a detail")

    def run(self, ctx: Context) -> Body:
        given = {name: getattr(self, name) for name in sorted(self.params)}
        details = {
            name: str(value).lower() if isinstance(value, bool) else str(value)
            for name, value in given.items()
            if value is not None
        }
        made = imagestore.create(ctx, name=None, url=None, zone=None, provider="S3", details=details)
        return {"imagestore": ctx.present("imagestore", made)[0]}


class AddSwift(Command, name="addSwift", response=IMAGE_STORE, noun="secondarystorage", since="3.0.0"):
    """Adds a Swift server as secondary storage of the whole region."""

    url = string("The URL of the server, such as http://server/v1", required=True)
    account = string("The account at the server")
    key = string("The account's key", secret=True)
    username = string("The user at the server")

    def run(self, ctx: Context) -> Body:
        given = {"account": self.account, "key": self.key, "username": self.username}
        details = {name: value for name, value in given.items() if value is not None}
        made = imagestore.create(ctx, name=None, url=self.url, zone=None, provider="Swift", details=details)
        return {"secondarystorage": ctx.present("imagestore", made)[0]}


class ListSwifts(ListCommand, name="listSwifts", response=IMAGE_STORE, since="3.0.0"):
    """Lists the Swift servers."""

    id = long("The number of a server: it is told nowhere, so nothing is found by it")

    def run(self, ctx: Context) -> Body:
        if self.id is not None:
            return {}
        return self.select(ctx, imagestore.LISTING, provider="swift", role=imagestore.IMAGE)


class UpdateCloudToUseObjectStore(Command, name="updateCloudToUseObjectStore", response=IMAGE_STORE, since="4.3.0"):
    """Puts an object store in the place of the NFS storage of all zones, which becomes staging storage."""

    provider = string("Who keeps it: " + ", ".join(imagestore.REGION_PROVIDERS), required=True)
    details = mapping()
    name = string()
    url = string()

    def run(self, ctx: Context) -> Body:
        made = imagestore.to_object_store(
            ctx, name=self.name, url=self.url, provider=self.provider, details=self.details or {}
        )
        return {"imagestore": ctx.present("imagestore", made)[0]}


class CreateSecondaryStagingStore(
    Command, name="createSecondaryStagingStore", response=IMAGE_STORE, noun="secondarystorage"
):
    """Adds NFS storage to a zone in front of an object store."""

    url = string(required=True, length=2048)
    details = mapping()
    provider = string("NFS", default="NFS")
    scope = string("ZONE", default="ZONE")
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        if self.scope.upper() != "ZONE":
            raise InvalidValue(f"the scope of a staging store is ZONE, not '{self.scope[:32]}'")
        made = imagestore.create(
            ctx,
            name=None,
            url=self.url,
            zone=self.zoneid,
            provider=self.provider,
            details=self.details or {},
            role=imagestore.CACHE,
        )
        return {"secondarystorage": ctx.present("imagestore", made)[0]}


class ListSecondaryStagingStores(ListCommand, name="listSecondaryStagingStores", response=IMAGE_STORE, since="4.2.0"):
    """Lists the staging stores in front of object stores."""

    id = ref(nouns.IMAGE_STORE)
    name = string()
    protocol = string()
    provider = string()
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        return self.select(
            ctx,
            imagestore.LISTING,
            id=id_of(self.id),
            name=self.name,
            protocol=self.protocol.lower() if self.protocol else None,
            provider=self.provider.lower() if self.provider else None,
            zone=id_of(self.zoneid),
            role=imagestore.CACHE,
        )


class DeleteSecondaryStagingStore(Command, name="deleteSecondaryStagingStore", since="4.2.0"):
    """Removes a staging store."""

    id = ref(nouns.IMAGE_STORE, required=True)

    def run(self, ctx: Context) -> Body:
        imagestore.delete_staging(ctx, self.id)
        return {"success": True}


class MigrateSecondaryStorageData(
    AsyncCommand,
    name="migrateSecondaryStorageData",
    response=MIGRATION,
    event="IMAGE.STORE.MIGRATE.DATA",
    since="4.15.0",
):
    """Moves templates and ISOs from an image store to others."""

    destpools = refs(nouns.IMAGE_STORE, required=True)
    srcpool = ref(nouns.IMAGE_STORE, required=True)
    migrationtype = string("complete: all of them; balance: until the stores are equally full (if not said: complete)",
                           default="complete")  # fmt: skip

    def run(self, ctx: Context) -> Body:
        return {"jobid": imagestore_migration.order(ctx, self.srcpool, self.destpools, self.migrationtype)}


class MigrateResourceToAnotherSecondaryStorage(
    AsyncCommand,
    name="migrateResourceToAnotherSecondaryStorage",
    response=MIGRATION,
    event="IMAGE.STORE.MIGRATE.RESOURCES",
    since="4.19.0",
):
    """Moves some templates and ISOs from an image store to another."""

    destpool = ref(nouns.IMAGE_STORE, required=True)
    srcpool = ref(nouns.IMAGE_STORE, required=True)
    snapshots = strings("Ids of snapshots: none lie on image stores here")
    templates = strings("Ids of templates and ISOs")

    def run(self, ctx: Context) -> Body:
        job = imagestore_migration.order_some(
            ctx, self.srcpool, self.destpool, self.templates or [], self.snapshots or []
        )
        return {"jobid": job}
