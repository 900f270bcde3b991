"""New passwords, SSH keys and user data for virtual machines; telling a password to who has the key."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command
from cloudsim.api.params import mapping, ref, string, strings
from cloudsim.api.responses.base import SUCCESS, Response
from cloudsim.api.responses.virtualmachine import VIRTUAL_MACHINE
from cloudsim.services import access, placement_orders, virtualmachine, vm_password, vm_reset
from cloudsim.services.context import Context, Row
from cloudsim.services.nouns import DOMAIN, PROJECT, USER_DATA
from cloudsim.services.nouns import VIRTUAL_MACHINE as VM

PASSWORD = Response("password", string="encryptedpassword jobid", integer="jobstatus")


class ResetPasswordForVirtualMachine(
    AsyncCommand, name="resetPasswordForVirtualMachine", response=VIRTUAL_MACHINE, event="VM.RESETPASSWORD"
):
    """Gives a stopped virtual machine, whose template takes one, a new password; the answer tells it."""

    id = ref(VM, required=True)
    password = string("The new password; one by chance if not given", since="4.19.0", secret=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": vm_reset.password(ctx, self.id, self.password)}


class ResetSSHKeyForVirtualMachine(
    AsyncCommand, name="resetSSHKeyForVirtualMachine", response=VIRTUAL_MACHINE, event="VM.RESETSSHKEY"
):
    """Gives a stopped virtual machine other SSH keys, and a new password where its template takes one."""

    id = ref(VM, required=True)
    keypair = string("An SSH key pair of its owner")
    keypairs = strings("SSH key pairs of its owner", since="4.17")
    account = string("Its owner; with domainid")
    domainid = ref(DOMAIN)
    projectid = ref(PROJECT)

    def run(self, ctx: Context) -> Body:
        owner = _owner(self, ctx, self.id)
        names = [*(self.keypairs or ()), *([self.keypair] if self.keypair else ())]
        return {"jobid": vm_reset.keys(ctx, self.id, owner, names)}


class ResetUserDataForVirtualMachine(
    Command, name="resetUserDataForVirtualMachine", response=VIRTUAL_MACHINE, event="VM.RESETUSERDATA", since="4.18.0"
):
    """Gives a stopped virtual machine other user data."""

    id = ref(VM, required=True)
    userdata = string("User data, Base64", length=1048576)
    userdataid = ref(USER_DATA, "Registered user data")
    userdatadetails = mapping("Values for the parameters of the user data")
    account = string("Its owner; with domainid")
    domainid = ref(DOMAIN)
    projectid = ref(PROJECT)

    def run(self, ctx: Context) -> Body:
        _owner(self, ctx, self.id)
        vm_reset.userdata(ctx, self.id, self.userdata, self.userdataid, self.userdatadetails)
        return {"virtualmachine": ctx.present("virtualmachine", self.id["id"])[0]}


def _owner(command: ResetSSHKeyForVirtualMachine | ResetUserDataForVirtualMachine, ctx: Context, row: Row) -> Row:
    """The account that is named; the machine's owner where none is."""
    if command.account is None and command.projectid is None:
        return virtualmachine.owner(ctx, row)
    named = access.account_of(ctx, command.domainid, command.account, command.projectid)
    return virtualmachine.must_be_owner(named, row)


class GetVMPassword(Command, name="getVMPassword", response=PASSWORD, reads=True):
    """Tells the password of a virtual machine, encrypted with its SSH key."""

    id = ref(VM, required=True)

    def run(self, ctx: Context) -> Body:
        return {"password": {"encryptedpassword": vm_password.told(ctx, self.id)}}


class CleanVMReservations(
    AsyncCommand, name="cleanVMReservations", response=SUCCESS, event="VM.RESERVATION.CLEANUP"
):  # fmt: skip
    """Gives back what hosts and storage keep for virtual machines that are not there: counts anew what is given away."""

    def run(self, ctx: Context) -> Body:
        return {"jobid": placement_orders.clean(ctx)}
