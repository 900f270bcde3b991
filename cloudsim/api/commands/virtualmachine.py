"""Virtual machines: list, start, stop, reboot, destroy, recover, expunge. Deploying and updating have their own files."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command, OwnedList, id_of
from cloudsim.api.params import boolean, ref, refs, string, strings
from cloudsim.api.params import uuid as uuid_param
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.virtualmachine import VIRTUAL_MACHINE
from cloudsim.core.errors import InvalidValue
from cloudsim.services import stats, virtualmachine, vm_lease_rules, vm_orders
from cloudsim.services.context import Context
from cloudsim.services.nouns import (
    AFFINITY_GROUP,
    CLUSTER,
    HOST,
    INSTANCE_GROUP,
    NETWORK,
    POD,
    SECURITY_GROUP,
    SERVICE_OFFERING,
    STORAGE_POOL,
    TEMPLATE,
    USER,
    USER_DATA,
    VOLUME,
    ZONE,
)
from cloudsim.services.nouns import VIRTUAL_MACHINE as VM

#: What details of listVirtualMachines may ask for; this server always tells all of it at the same cost.
DETAILS = "group nics stats secgrp tmpl servoff diskoff backoff iso volume min affgrp all".split()


class ListVirtualMachines(OwnedList, name="listVirtualMachines", response=VIRTUAL_MACHINE):
    """Lists virtual machines."""

    id = ref(VM)
    ids = refs(VM, since="4.4")
    name = string()
    state = string("Only those in this state; Present: all that are neither stopped, destroyed nor in error")
    zoneid = ref(ZONE)
    podid = ref(POD, admin=True)
    clusterid = ref(CLUSTER, admin=True, since="4.16.0")
    hostid = ref(HOST, admin=True)
    storageid = ref(STORAGE_POOL, admin=True)
    templateid = ref(TEMPLATE)
    isoid = ref(TEMPLATE)
    serviceofferingid = ref(SERVICE_OFFERING, since="4.4")
    groupid = ref(INSTANCE_GROUP)
    networkid = ref(NETWORK)
    userid = ref(USER)
    userdataid = ref(USER_DATA, since="4.20.1")
    hypervisor = string()
    arch = string(since="4.20.1")
    keypair = string()
    haenable = boolean(since="4.15")
    displayvm = boolean(since="4.4", admin=True)
    details = strings("What to tell of each: " + ", ".join(DETAILS))
    userdata = boolean("Whether the user data is told as well", since="4.18.0.0")
    forvirtualnetwork = boolean("True: only those in isolated networks; false: only those in none of them")
    accumulate = boolean(
        "Whether traffic is told since the start of each (setting vm.stats.increment.metrics where nothing is said); "
        "else since the look before",
        since="4.17.0",
    )
    retrieveonlyresourcecount = boolean("Whether only the number of virtual machines is told")
    showicon = boolean(since="4.16.0.0")
    affinitygroupid = ref(AFFINITY_GROUP)
    autoscalevmgroupid = uuid_param(since="4.18.0")
    backupofferingid = uuid_param(since="4.17")
    securitygroupid = ref(SECURITY_GROUP, since="4.15")
    extensionid = uuid_param(since="4.21.0", admin=True)
    vpcid = uuid_param()
    gpuenabled = boolean(since="4.21.0")
    isvnf = boolean(since="4.19.0")
    leased = boolean(since="4.21.0")

    def run(self, ctx: Context) -> Body:
        for name in self.details or ():
            if name not in DETAILS:
                raise InvalidValue(f"details takes {', '.join(DETAILS)}, not '{name[:64]}'")
        # places and kinds of things that no machine of this server belongs to
        elsewhere = (
            self.autoscalevmgroupid, self.backupofferingid,
            self.extensionid, self.vpcid, self.gpuenabled, self.isvnf,
        )  # fmt: skip
        body = self.select(
            ctx,
            virtualmachine.LISTING,
            id=id_of(self.id),
            ids=[row["id"] for row in self.ids] if self.ids else None,
            name=self.name.lower() if self.name else None,
            **_state(ctx, self.state),
            zone=id_of(self.zoneid),
            pod=id_of(self.podid),
            cluster=id_of(self.clusterid),
            host=id_of(self.hostid),
            storage=id_of(self.storageid),
            template=id_of(self.templateid),
            iso=id_of(self.isoid),
            offering=id_of(self.serviceofferingid),
            group=id_of(self.groupid),
            affinitygroup=id_of(self.affinitygroupid),
            securitygroup=id_of(self.securitygroupid),
            network=id_of(self.networkid),
            user=id_of(self.userid),
            userdata=id_of(self.userdataid),
            hypervisor=self.hypervisor.lower() if self.hypervisor else None,
            arch=self.arch.lower() if self.arch else None,
            keypair=virtualmachine.like(self.keypair) if self.keypair else None,
            isolated=True if self.forvirtualnetwork else None,
            flat=True if self.forvirtualnetwork is False else None,
            haenable=self.haenable,
            display=self.displayvm if ctx.caller.is_admin else True,
            leased=vm_lease_rules.PENDING if self.leased else None,
            none=True if any(elsewhere) else None,
        )
        if self.retrieveonlyresourcecount:
            return {"count": body["count"]} if body else {}
        stats.accumulate(ctx, body.get("virtualmachine", []), self.accumulate)
        if self.userdata:
            virtualmachine.add_userdata(ctx, body.get("virtualmachine", []))
        return body


def _state(ctx: Context, state: str | None) -> dict[str, object]:
    hides = not ctx.caller.is_admin and not ctx.settings.flag("allow.user.view.destroyed.vm")
    if state is None:
        return {"alive": True} if hides else {}
    if state.lower() == "present":
        return {"present": True}
    known = {name.lower(): name for name in virtualmachine.STATES}
    if state.lower() not in known:
        raise InvalidValue(f"state takes {', '.join(sorted(virtualmachine.STATES))} or Present, not '{state[:64]}'")
    return {"state": known[state.lower()]}


class StartVirtualMachine(AsyncCommand, name="startVirtualMachine", response=VIRTUAL_MACHINE, event="VM.START"):
    """Starts a virtual machine."""

    id = ref(VM, required=True)
    hostid = ref(HOST, "The host to start it on", admin=True, since="3.0.1")
    clusterid = ref(CLUSTER, "The cluster to start it in", admin=True)
    podid = ref(POD, "The pod to start it in", admin=True)
    deploymentplanner = string(admin=True, since="4.4")
    considerlasthost = boolean(
        "Whether the host it ran on last is tried first (true if not said)", admin=True, since="4.18.0"
    )
    bootintosetup = boolean(since="4.15.0.0")

    def run(self, ctx: Context) -> Body:
        job = vm_orders.start(
            ctx,
            self.id,
            host=self.hostid,
            cluster=self.clusterid,
            pod=self.podid,
            planner=self.deploymentplanner,
            consider_last_host=self.considerlasthost,
            boot_into_setup=self.bootintosetup,
        )
        return {"jobid": job}


class StopVirtualMachine(AsyncCommand, name="stopVirtualMachine", response=VIRTUAL_MACHINE, event="VM.STOP"):
    """Stops a virtual machine."""

    id = ref(VM, required=True)
    forced = boolean("Whether the plug is pulled at once, and the machine counts as stopped even if its host is silent")

    def run(self, ctx: Context) -> Body:
        return {"jobid": vm_orders.stop(ctx, self.id, forced=bool(self.forced))}


class RebootVirtualMachine(AsyncCommand, name="rebootVirtualMachine", response=VIRTUAL_MACHINE, event="VM.REBOOT"):
    """Reboots a virtual machine."""

    id = ref(VM, required=True)
    forced = boolean("Whether it is stopped and started instead", since="4.16.0")
    bootintosetup = boolean(since="4.15.0.0")

    def run(self, ctx: Context) -> Body:
        job = vm_orders.reboot(ctx, self.id, forced=bool(self.forced), boot_into_setup=bool(self.bootintosetup))
        return {"jobid": job}


class DestroyVirtualMachine(AsyncCommand, name="destroyVirtualMachine", response=VIRTUAL_MACHINE, event="VM.DESTROY"):
    """Destroys a virtual machine."""

    id = ref(VM, required=True)
    expunge = boolean("Whether it is removed for good at once", since="4.2.1")
    volumeids = refs(VOLUME, "Data disks that go with it", since="4.12.0")

    def run(self, ctx: Context) -> Body:
        job = vm_orders.destroy(ctx, self.id, expunge=bool(self.expunge), volumes=self.volumeids or ())
        return {"jobid": job}


class RecoverVirtualMachine(Command, name="recoverVirtualMachine", response=VIRTUAL_MACHINE, event="VM.RECOVER"):
    """Recovers a destroyed virtual machine that has not been expunged yet."""

    id = ref(VM, required=True)

    def run(self, ctx: Context) -> Body:
        vm_orders.recover(ctx, self.id)
        return {"virtualmachine": ctx.present("virtualmachine", self.id["id"])[0]}


class ExpungeVirtualMachine(AsyncCommand, name="expungeVirtualMachine", response=SUCCESS, event="VM.EXPUNGE"):
    """Removes a destroyed virtual machine for good."""

    id = ref(VM, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": vm_orders.expunge(ctx, self.id)}
