"""Deploying virtual machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudsim.api.command import AsyncCommand, Body
from cloudsim.api.params import boolean, integer, long, mapping, mappings, ref, refs, string, strings, uuid
from cloudsim.api.responses.virtualmachine import VIRTUAL_MACHINE
from cloudsim.core.errors import BadParameter, InvalidValue, PermissionDenied
from cloudsim.services import access, dhcp_options, userdata, virtualmachine, vm_deploy, vm_names
from cloudsim.services.addressing import mac
from cloudsim.services.context import Context, Row
from cloudsim.services.nouns import (
    CLUSTER,
    DISK_OFFERING,
    DOMAIN,
    HOST,
    NETWORK,
    POD,
    PROJECT,
    SERVICE_OFFERING,
    TEMPLATE,
    USER_DATA,
    ZONE,
)
from cloudsim.services.vm_deployment import CardRequest, Deployment, root_size


class DeployVirtualMachine(AsyncCommand, name="deployVirtualMachine", response=VIRTUAL_MACHINE, event="VM.CREATE"):
    """Creates a virtual machine from a service offering and a template or ISO, and starts it."""

    zoneid = ref(ZONE, required=True)
    serviceofferingid = ref(SERVICE_OFFERING, required=True)
    templateid = ref(TEMPLATE, "The template or ISO to deploy from")
    account = string("The account it is for; with domainid")
    domainid = ref(DOMAIN)
    projectid = ref(PROJECT)
    name = string("Its host name: letters, digits and hyphens; VM-<id> if not given")
    displayname = string("The name to show")
    displayvm = boolean(since="4.2", admin=True)
    customid = string("The id it shall have", admin=True)
    hypervisor = string("Needed when deploying from an ISO")
    group = string("The instance group it joins, made when it is not there")
    startvm = boolean("Whether it is started (true if not said)", default=True)
    hostid = ref(HOST, "The host to start it on", admin=True)
    clusterid = ref(CLUSTER, "The cluster to start it in", admin=True, since="4.13")
    podid = ref(POD, "The pod to start it in", admin=True, since="4.13")
    deploymentplanner = string(admin=True, since="4.4")
    # volumes
    diskofferingid = ref(DISK_OFFERING, "From a template: the offering of a data disk; from an ISO: of the root disk")
    size = long("GiB of a volume whose disk offering is custom")
    rootdisksize = long("GiB of the root disk, at least the template's size", since="4.4")
    overridediskofferingid = ref(DISK_OFFERING, "The offering of the root disk", since="4.17")
    datadiskofferinglist = mappings("Offerings of the template's own data disks: datadisktemplateid, diskofferingid",
                                    since="4.11")  # fmt: skip
    datadisksdetails = mappings("Data disks to add: diskofferingid, size", since="4.21.0")
    iodriverpolicy = string("Which I/O driver its disks use", admin=True)
    iothreadsenabled = boolean("Whether its disks have I/O threads", admin=True)
    copyimagetags = boolean("Whether it gets the tags of its template", since="4.13")
    # network cards
    networkids = refs(NETWORK, "The networks it gets a card in, the default one first")
    iptonetworklist = mappings("Cards: networkid, ip, ipv6, mac")
    nicnetworklist = mappings("Which card of an appliance goes to which network: nic, network", since="4.15")
    ipaddress = string("The address in its default network")
    ip6address = string("The IPv6 address in its default network")
    macaddress = string("The MAC address of its default card")
    dhcpoptionsnetworklist = mappings("DHCP options: networkid, and dhcp:<option> names with their values")
    nicmultiqueuenumber = integer("Queues of its cards, -1: one for each CPU", since="4.18")
    nicpackedvirtqueuesenabled = boolean("Whether its cards have packed virtqueues", since="4.18")
    securitygroupids = strings()
    securitygroupnames = strings()
    affinitygroupids = strings()
    affinitygroupnames = strings()
    # what the guest is told
    keypair = string("An SSH key pair for it")
    keypairs = strings("SSH key pairs for it", since="4.17")
    userdata = string("User data, Base64", length=1048576)
    userdataid = ref(USER_DATA, "Registered user data", since="4.18")
    userdatadetails = mapping("Values for the parameters of the user data", since="4.18")
    password = string("The password, where the template takes one", since="4.19.0.0", secret=True)
    keyboard = string("The keyboard of its console", values=("de", "de-ch", "es", "fi", "fr", "fr-be", "fr-ch", "is",
                                                             "it", "jp", "nl-be", "no", "pt", "uk", "us"))  # fmt: skip
    # the machine itself
    details = mapping(
        "cpuNumber, cpuSpeed and memory for a custom offering, rootdisksize, and settings of the machine", since="4.3"
    )
    properties = mapping("Properties of an appliance", since="4.15")
    externaldetails = mapping("Details for an external hypervisor", since="4.21.0")
    extraconfig = string("Further configuration for the hypervisor, URL-encoded", length=5120, since="4.12")
    boottype = string(values=("BIOS", "UEFI"), since="4.14.0.0")
    bootmode = string(values=("Legacy", "Secure"), since="4.14.0.0")
    bootintosetup = boolean(since="4.15.0.0")
    dynamicscalingenabled = boolean("Whether it may be scaled while it runs (true if not said)", since="4.16")
    leaseduration = integer("Days of its lease, -1: none; its offering says if not given", since="4.21.0")
    leaseexpiryaction = string("What happens when its lease is over", values=("STOP", "DESTROY"), since="4.21.0")
    snapshotid = uuid("A snapshot of a root disk to deploy from", since="4.21")
    volumeid = uuid("A root disk to deploy from", since="4.21")

    def run(self, ctx: Context) -> Body:
        self._refuse_what_is_not_there()
        account = access.account_of(ctx, self.domainid, self.account, self.projectid)
        domain = access.row(ctx, DOMAIN, account["domain_id"])
        details = dict(self.details or {})
        self._check_details(ctx)
        if self.extraconfig is not None:
            details[vm_names.EXTRA_CONFIG] = vm_names.extra_config(ctx, account["id"], self.extraconfig)
        for name in (
            "keyboard",
            "nicmultiqueuenumber",
            "nicpackedvirtqueuesenabled",
            "iothreadsenabled",
        ):
            value = getattr(self, name)
            if value is not None:
                details[_DETAIL_NAMES.get(name, name)] = str(value).lower() if isinstance(value, bool) else str(value)
        if self.iodriverpolicy:
            details["io.policy"] = self.iodriverpolicy
        for name, value in (self.properties or {}).items():
            details[f"ovf-property-{name}"] = value
        details.update({f"External:{name}": value for name, value in (self.externaldetails or {}).items()})
        data, data_row = userdata.of_machine(ctx, self.templateid, self._user_data(), self.userdataid)
        want = Deployment(
            zone=self.zoneid,
            offering=self.serviceofferingid,
            template=self.templateid,
            account=account,
            domain=domain,
            name=self.name,
            display_name=self.displayname,
            display=self.displayvm is not False,
            uuid=access.custom_id(self.customid),
            hypervisor=self.hypervisor,
            disk_offering=self.diskofferingid,
            size=self.size,
            root_size=root_size(self.rootdisksize, details),
            root_offering=self.overridediskofferingid,
            data_disks=self._data_disks(ctx),
            cards=self._cards(ctx),
            group=self.group,
            security_group_ids=self.securitygroupids or (),
            security_group_names=self.securitygroupnames or (),
            affinity_group_ids=self.affinitygroupids or (),
            affinity_group_names=self.affinitygroupnames or (),
            keypairs=self.keypairs or ([self.keypair] if self.keypair else []),
            userdata=virtualmachine.check_userdata(ctx, data, self.zoneid),
            userdata_row=data_row,
            userdata_details=self.userdatadetails,
            details=details,
            password=self.password,
            boot_type=_BOOT_TYPES.get(self.boottype),
            boot_mode=self.bootmode,
            boot_into_setup=self.bootintosetup,
            dynamic_scaling=self.dynamicscalingenabled,
            lease_duration=self.leaseduration,
            lease_action=self.leaseexpiryaction,
            copy_tags=bool(self.copyimagetags),
            start=self.startvm,
            host=self.hostid,
            cluster=self.clusterid,
            pod=self.podid,
            planner=self.deploymentplanner,
        )
        uuid_, job = vm_deploy.deploy(ctx, want)
        return {"id": uuid_, "jobid": job}

    def _refuse_what_is_not_there(self) -> None:
        for name in ("snapshotid", "volumeid"):
            value = getattr(self, name)
            if value is not None:
                raise BadParameter(f"there is no {name.removesuffix('id')} with id {value}")
        if self.templateid is None:
            raise InvalidValue("templateid is missing: say what to deploy from")
        if (self.securitygroupids or self.securitygroupnames) and not (
            self.zoneid["security_groups"] or self.zoneid["network_type"] == "Basic"
        ):
            raise InvalidValue(f"zone {self.zoneid['name']} has no security groups")
        if self.zoneid["network_type"] == "Basic" and (self.networkids or self.iptonetworklist or self.nicnetworklist):
            raise InvalidValue("a basic zone has one network: leave networkids, iptonetworklist and nicnetworklist out")
        if self.ip6address:
            raise InvalidValue("the network has no IPv6 addresses to give")
        if self.boottype == "BIOS" and self.bootmode == "Secure":
            raise InvalidValue("bootmode Secure needs boottype UEFI")
        for name in ("size", "rootdisksize"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 2**30:
                raise InvalidValue(f"{name} takes a number of GiB above 0")

    def _check_details(self, ctx: Context) -> None:
        denied = {word.strip() for word in ctx.settings.text("user.vm.denied.details").split(",")}
        for name in self.details or ():
            if name.lower().startswith("extraconfig"):
                raise InvalidValue("further configuration is given as extraconfig, not as a detail")
            if name in denied and not ctx.caller.is_admin:
                raise PermissionDenied(f"detail {name[:64]} is for root admins to give")

    def _user_data(self) -> str | None:
        if self.userdata and self.userdataid:
            raise InvalidValue("give userdata or userdataid, not both")
        return self.userdata or (self.userdataid["data"] if self.userdataid else None)

    def _data_disks(self, ctx: Context) -> list[tuple[Row, int | None]]:
        disks = []
        for entry in [*(self.datadiskofferinglist or ()), *(self.datadisksdetails or ())]:
            if "diskofferingid" not in entry:
                raise InvalidValue("each data disk needs a diskofferingid")
            size = entry.get("size")
            if size is not None and not size.isdigit():
                raise InvalidValue(f"the size of a data disk takes a number of GiB, not '{size[:32]}'")
            offering = access.find(ctx, DISK_OFFERING, entry["diskofferingid"])
            disks.append((offering, int(size) if size else None))
        return disks

    def _cards(self, ctx: Context) -> list[CardRequest]:
        if self.networkids and self.iptonetworklist:
            raise InvalidValue("give networkids or iptonetworklist, not both")
        cards = [CardRequest(row) for row in self.networkids or ()]
        for entry in self.iptonetworklist or ():
            if "networkid" not in entry:
                raise InvalidValue("each entry of iptonetworklist needs a networkid")
            if entry.get("ipv6"):
                raise InvalidValue("the network has no IPv6 addresses to give")
            row = access.find(ctx, NETWORK, entry["networkid"])
            if any(card.network["id"] == row["id"] for card in cards):
                raise InvalidValue(f"network {row['name']} is named twice")
            cards.append(CardRequest(row, entry.get("ip"), mac(entry.get("mac"))))
        for entry in self.nicnetworklist or ():
            if "network" not in entry:
                raise InvalidValue("each entry of nicnetworklist needs a network")
            cards.append(CardRequest(access.find(ctx, NETWORK, entry["network"])))
        if (self.ipaddress or self.macaddress) and not cards:
            found = vm_deploy.default_card(
                ctx, self.zoneid, access.account_of(ctx, self.domainid, self.account, self.projectid)
            )
            cards.append(found)
        if cards and self.ipaddress:
            cards[0].ip = self.ipaddress
        if cards and self.macaddress:
            cards[0].mac = mac(self.macaddress)
        for entry in self.dhcpoptionsnetworklist or ():
            _dhcp_options(ctx, cards, entry)
        return cards


_BOOT_TYPES: dict[str | None, str] = {"BIOS": "Bios", "UEFI": "UEFI"}
_DETAIL_NAMES = {
    "nicmultiqueuenumber": "nic.multiqueue.number",
    "nicpackedvirtqueuesenabled": "nic.packed.virtqueues.enabled",
    "iothreadsenabled": "iothreads",
}


def _dhcp_options(ctx: Context, cards: list[CardRequest], entry: Mapping[str, Any]) -> None:
    for card in cards:
        if card.network["uuid"] == entry.get("networkid"):
            card.dhcp_options.update(dhcp_options.of_card(ctx, card.network, entry))
            return
    raise InvalidValue("dhcpoptionsnetworklist names a network that the virtual machine has no card in")
