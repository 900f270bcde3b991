"""Changing a virtual machine; reading its user data."""

from __future__ import annotations

from cloudsim.api.command import Body, Command
from cloudsim.api.params import boolean, integer, mapping, mappings, ref, string, strings
from cloudsim.api.responses.base import Response
from cloudsim.api.responses.virtualmachine import VIRTUAL_MACHINE
from cloudsim.services import access, vm_update
from cloudsim.services.context import Context
from cloudsim.services.nouns import GUEST_OS, USER_DATA
from cloudsim.services.nouns import VIRTUAL_MACHINE as VM

USER_DATA_RESPONSE = Response("virtualmachineuserdata", string="userdata virtualmachineid")


class UpdateVirtualMachine(Command, name="updateVirtualMachine", response=VIRTUAL_MACHINE, event="VM.UPDATE"):
    """Changes a virtual machine."""

    id = ref(VM, required=True)
    cleanupdetails = boolean("Whether all details go away; those given are not looked at then")
    customid = string("A uuid of the caller's choice, given while it is stopped", since="4.4", admin=True)
    deleteprotection = boolean(since="4.20.0")
    details = mapping("Details, in the place of those before")
    dhcpoptionsnetworklist = mappings("DHCP options: networkid, and dhcp:<option> names with their values")
    displayname = string()
    displayvm = boolean(admin=True)
    extraconfig = string("Further configuration for the hypervisor, URL-encoded", length=5120, since="4.12")
    group = string("The name of its instance group; made where there is none")
    haenable = boolean()
    instancename = string("Its name on the hypervisor, changed while it is stopped", since="4.4", admin=True)
    isdynamicallyscalable = boolean("Whether it may be scaled while it runs")
    leaseduration = integer("Days of its lease from now on, -1: none any more; where it has one", since="4.21.0")
    leaseexpiryaction = string("What happens when its lease is over: STOP or DESTROY", since="4.21.0")
    name = string("Its host name; the guest takes it over at its next start", since="4.4")
    ostypeid = ref(GUEST_OS)
    securitygroupids = strings("Ids of its security groups, in the place of those before; while it is stopped")
    securitygroupnames = strings("Names of its security groups, in the place of those before; while it is stopped")
    userdata = string("User data, Base64", length=1048576, since="4.16.0", blank=True)
    userdatadetails = mapping("Values for the parameters of the user data", since="4.18")
    userdataid = ref(USER_DATA, "Registered user data", since="4.18")

    def run(self, ctx: Context) -> Body:
        vm_update.update(
            ctx,
            self.id,
            name=self.name,
            instance_name=self.instancename,
            group=self.group,
            os_type=self.ostypeid,
            userdata=self.userdata,
            userdata_row=self.userdataid,
            userdata_details=self.userdatadetails,
            dynamically_scalable=self.isdynamicallyscalable,
            details=self.details,
            clean_details=bool(self.cleanupdetails),
            extra_config=self.extraconfig,
            card_options=self.dhcpoptionsnetworklist or (),
            security_group_ids=self.securitygroupids or (),
            security_group_names=self.securitygroupnames or (),
            display_name=self.displayname,
            display=self.displayvm,
            ha_enabled=self.haenable,
            delete_protection=self.deleteprotection,
            uuid=access.custom_id(self.customid),
            lease_duration=self.leaseduration,
            lease_action=self.leaseexpiryaction,
        )
        return {"virtualmachine": ctx.present("virtualmachine", self.id["id"])[0]}


class GetVirtualMachineUserData(
    Command, name="getVirtualMachineUserData", response=USER_DATA_RESPONSE, reads=True, since="4.4"
):
    """Tells the user data of a virtual machine."""

    virtualmachineid = ref(VM, required=True)

    def run(self, ctx: Context) -> Body:
        row = self.virtualmachineid
        return {"virtualmachineuserdata": {"virtualmachineid": row["uuid"], "userdata": row["userdata"] or ""}}
