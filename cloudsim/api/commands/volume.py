"""Volumes."""

from __future__ import annotations

from cloudsim.api.command import Body, OwnedList
from cloudsim.api.params import boolean, ref, refs, string
from cloudsim.api.responses.volume import VOLUME
from cloudsim.services import volume
from cloudsim.services.context import Context
from cloudsim.services.nouns import CLUSTER, DISK_OFFERING, HOST, POD, SERVICE_OFFERING, VIRTUAL_MACHINE, ZONE
from cloudsim.services.nouns import VOLUME as NOUN


class ListVolumes(OwnedList, name="listVolumes", response=VOLUME):
    """Lists volumes."""

    clusterid = ref(CLUSTER, admin=True)
    diskofferingid = ref(DISK_OFFERING, since="4.4")
    displayvolume = boolean(since="4.4", admin=True)
    hostid = ref(HOST, "Only those of virtual machines on this host")
    id = ref(NOUN)
    ids = refs(NOUN, since="4.9")
    isencrypted = boolean(since="4.19.1")
    listsystemvms = boolean("Whether volumes of system virtual machines are listed as well", since="4.18")
    name = string()
    podid = ref(POD)
    retrieveonlyresourcecount = boolean("Whether only the number of volumes is told")
    serviceofferingid = ref(SERVICE_OFFERING, since="4.19.1")
    state = string()
    storageid = string(since="4.3", admin=True)
    type = string("ROOT or DATADISK")
    virtualmachineid = ref(VIRTUAL_MACHINE)
    zoneid = ref(ZONE)

    def run(self, ctx: Context) -> Body:
        body = self.select(
            ctx,
            volume.LISTING,
            id=self.id["id"] if self.id else None,
            ids=[row["id"] for row in self.ids] if self.ids else None,
            name=self.name,
            state=self.state.lower() if self.state else None,
            type=self.type.lower() if self.type else None,
            zone=self.zoneid["id"] if self.zoneid else None,
            pod=self.podid["id"] if self.podid else None,
            cluster=self.clusterid["id"] if self.clusterid else None,
            host=self.hostid["id"] if self.hostid else None,
            vm=self.virtualmachineid["id"] if self.virtualmachineid else None,
            storage=self.storageid,
            offering=self.diskofferingid["id"] if self.diskofferingid else None,
            service=self.serviceofferingid["id"] if self.serviceofferingid else None,
            encrypted=self.isencrypted,
            display=self.displayvolume if ctx.caller.is_admin else True,
            users=None if self.listsystemvms and ctx.caller.is_admin else True,
        )
        if self.retrieveonlyresourcecount:
            return {"count": body["count"]} if body else {}
        return body
