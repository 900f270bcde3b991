"""The kinds of things clients name by id: where they lie, what they are called, and who may see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sqlalchemy import Table, bindparam, select
from sqlalchemy.sql import ClauseElement

from cloudsim.db import schema
from cloudsim.db.types import any_of


class Owner(Enum):
    """Whose a thing is, and so who may see it."""

    #: An account's: its users, the admins of its domain and of the domains above, root admins.
    ACCOUNT = "account"
    #: As `ACCOUNT`, but what is marked public may be used by all.
    SHARED = "shared"
    #: Everybody's, or limited to the domains in ``domain_ids`` and those below; admins of domains above see it as well.
    DOMAINS = "domains"
    #: Part of the cloud: to be seen by everyone whose role has a command that takes it.
    CLOUD = "cloud"
    #: A project: seen by its members and by the admins of its domain and those above.
    PROJECT = "project"
    #: Part of a project: seen by whoever sees the project, invitations by the invited as well.
    OF_PROJECT = "of project"
    #: Something of a webhook: seen by whoever sees the webhook.
    OF_WEBHOOK = "of webhook"
    #: Part of a virtual machine: seen by whoever sees the machine.
    OF_MACHINE = "of machine"
    #: A domain itself: seen by its own people and those above.
    DOMAIN = "domain"


@dataclass(frozen=True, eq=False)
class Noun:
    """One kind."""

    #: The key of responses, e.g. ``virtualmachine``.
    name: str
    #: In words, for messages.
    label: str
    table: Table
    owner: Owner = Owner.CLOUD
    #: CloudStack's name of the kind in events, jobs, tags.
    type: str = ""
    #: Which rows of the table are of this kind, where not all are.
    where: Any = None
    by_uuid: ClauseElement = field(init=False)
    by_id: ClauseElement = field(init=False)
    by_uuids: ClauseElement = field(init=False)
    #: Finds what was removed as well.
    by_uuid_ever: ClauseElement = field(init=False)

    def __post_init__(self) -> None:
        table = self.table
        found: Any = select(table).where(table.c.uuid == bindparam("uuid"))
        if self.where is not None:
            found = found.where(self.where)
        object.__setattr__(self, "by_uuid_ever", found)
        many: Any = select(table).where(any_of(table.c.uuid, "uuids"))
        if "removed" in table.c:
            found = found.where(table.c.removed.is_(None))
            many = many.where(table.c.removed.is_(None))
        if self.where is not None:
            many = many.where(self.where)
        object.__setattr__(self, "by_uuid", found)
        object.__setattr__(self, "by_uuids", many)
        object.__setattr__(self, "by_id", select(table).where(table.c.id == bindparam("row_id")))


ZONE = Noun("zone", "zone", schema.zone, type="Zone")
POD = Noun("pod", "pod", schema.pod, type="Pod")
CLUSTER = Noun("cluster", "cluster", schema.cluster, type="Cluster")
HOST = Noun("host", "host", schema.host, type="Host")
STORAGE_POOL = Noun("storagepool", "storage pool", schema.storage_pool, type="StoragePool")
PHYSICAL_NETWORK = Noun("physicalnetwork", "physical network", schema.physical_network, type="PhysicalNetwork")
IMAGE_STORE = Noun("imagestore", "image store", schema.image_store, type="ImageStore")
TRAFFIC_TYPE = Noun("traffictype", "traffic type", schema.traffic_type, type="TrafficType")
NETWORK_PROVIDER = Noun(
    "networkserviceprovider", "network service provider", schema.network_provider, type="NetworkServiceProvider"
)
PROVIDER_ELEMENT = Noun("element", "element of a provider", schema.provider_element, type="Element")
VLAN_RANGE = Noun("vlaniprange", "VLAN IP range", schema.vlan, type="VlanIpRange")
GUEST_OS = Noun("ostype", "OS type", schema.guest_os, type="GuestOs")
GUEST_OS_CATEGORY = Noun("oscategory", "OS category", schema.guest_os_category, type="GuestOsCategory")
TEMPLATE = Noun("template", "template", schema.template, Owner.SHARED, "Template")

SERVICE_OFFERING = Noun(
    "serviceoffering", "service offering", schema.service_offering, Owner.DOMAINS, "ServiceOffering"
)
DISK_OFFERING = Noun("diskoffering", "disk offering", schema.disk_offering, Owner.DOMAINS, "DiskOffering")
NETWORK_OFFERING = Noun(
    "networkoffering", "network offering", schema.network_offering, Owner.DOMAINS, "NetworkOffering"
)

DOMAIN = Noun("domain", "domain", schema.domain, Owner.DOMAIN, "Domain")
ACCOUNT = Noun("account", "account", schema.account, Owner.ACCOUNT, "Account")
USER = Noun("user", "user", schema.user, Owner.ACCOUNT, "User")
PROJECT = Noun("project", "project", schema.project, Owner.PROJECT, "Project")
PROJECT_ROLE = Noun("projectrole", "project role", schema.project_role, Owner.OF_PROJECT, "ProjectRole")
PROJECT_RULE = Noun(
    "projectrolepermission",
    "project role permission",
    schema.project_role_permission,
    Owner.OF_PROJECT,
    "ProjectRolePermission",
)
PROJECT_INVITATION = Noun(
    "projectinvitation", "invitation", schema.project_invitation, Owner.OF_PROJECT, "ProjectInvitation"
)
ROLE = Noun("role", "role", schema.role, type="Role")
ROLE_PERMISSION = Noun("rolepermission", "role permission", schema.role_permission, type="RolePermission")
SSH_KEYPAIR = Noun("sshkeypair", "SSH key pair", schema.ssh_keypair, Owner.ACCOUNT, "SSHKeyPair")
USER_DATA = Noun("userdata", "user data", schema.user_data, Owner.ACCOUNT, "UserData")

VIRTUAL_MACHINE = Noun(
    "virtualmachine", "virtual machine", schema.vm, Owner.ACCOUNT, "VirtualMachine", schema.vm.c.type == "User"
)
SYSTEM_VM = Noun(
    "systemvm",
    "system virtual machine",
    schema.vm,
    Owner.ACCOUNT,
    "SystemVm",
    (schema.vm.c.type == "ConsoleProxy") | (schema.vm.c.type == "SecondaryStorageVm"),
)
#: What commands for all of the cloud's own machines take.
CLOUD_MACHINE = Noun(
    "systemvm", "system virtual machine", schema.vm, Owner.ACCOUNT, "SystemVm", schema.vm.c.type != "User"
)
ROUTER = Noun("router", "router", schema.vm, Owner.ACCOUNT, "DomainRouter", schema.vm.c.type == "DomainRouter")
VOLUME = Noun("volume", "volume", schema.volume, Owner.ACCOUNT, "Volume")
VM_SCHEDULE = Noun("vmschedule", "schedule", schema.vm_schedule, Owner.ACCOUNT, "VMSchedule")
VM_SNAPSHOT = Noun("vmSnapshot", "virtual machine snapshot", schema.vm_snapshot, Owner.ACCOUNT, "VmSnapshot")
INSTANCE_GROUP = Noun("instancegroup", "instance group", schema.instance_group, Owner.ACCOUNT, "InstanceGroup")
NETWORK = Noun("network", "network", schema.network, Owner.ACCOUNT, "Network")
PUBLIC_IP = Noun("publicipaddress", "public IP address", schema.public_ip, Owner.ACCOUNT, "IpAddress")
QUARANTINED_IP = Noun(
    "quarantinedips", "quarantined public address", schema.quarantined_ip, Owner.ACCOUNT, "QuarantinedIp"
)
NIC = Noun("nic", "network card", schema.nic, Owner.OF_MACHINE, "Nic")
SECONDARY_IP = Noun("nicsecondaryip", "secondary address", schema.nic_secondary_ip, Owner.ACCOUNT, "NicSecondaryIp")
SECURITY_GROUP = Noun("securitygroup", "security group", schema.security_group, Owner.ACCOUNT, "SecurityGroup")
SECURITY_GROUP_RULE = Noun(
    "securitygrouprule", "rule of a security group", schema.security_group_rule, Owner.ACCOUNT, "SecurityGroupRule"
)
ANNOTATION = Noun("annotation", "comment", schema.annotation, type="Annotation")
ALERT = Noun("alert", "alert", schema.alert, type="Alert")
JOB = Noun("asyncjob", "job", schema.job, Owner.ACCOUNT, "AsyncJob")
EVENT = Noun("event", "event", schema.event, Owner.ACCOUNT, "Event")

WEBHOOK = Noun("webhook", "webhook", schema.webhook, Owner.ACCOUNT, "Webhook")
WEBHOOK_DELIVERY = Noun(
    "webhookdelivery", "delivery of a webhook", schema.webhook_delivery, Owner.OF_WEBHOOK, "WebhookDelivery"
)
GUEST_VLAN_RANGE = Noun("dedicatedguestvlanrange", "range of guest VLANs", schema.guest_range, type="GuestVlanRange")
STORAGE_RANGE = Noun(
    "storagenetworkiprange", "storage network range", schema.storage_range, type="StorageNetworkIpRange"
)
PORTABLE_RANGE = Noun("portableiprange", "portable range", schema.portable_range, type="PortableIpRange")
MANAGEMENT_SERVER = Noun("managementserver", "management server", schema.management_server, type="ManagementServer")
GUEST_OS_MAPPING = Noun("guestosmapping", "mapping of an OS type", schema.guest_os_mapping, type="GuestOsMapping")
STORAGE_SELECTOR = Noun("heuristics", "selector of secondary storage", schema.storage_selector, type="StorageSelector")
AFFINITY_GROUP = Noun("affinitygroup", "affinity group", schema.affinity_group, Owner.ACCOUNT, "AffinityGroup")
#: Rules of all purposes have one table; each kind of command knows its own.
NETWORK_RULE = Noun("networkrule", "rule", schema.firewall_rule, Owner.ACCOUNT, "FirewallRule")
_PURPOSE, _TRAFFIC = schema.firewall_rule.c.purpose, schema.firewall_rule.c.traffic_type
FIREWALL_RULE = Noun(
    "firewallrule",
    "firewall rule",
    schema.firewall_rule,
    Owner.ACCOUNT,
    "FirewallRule",
    (_PURPOSE == "Firewall") & (_TRAFFIC == "Ingress"),
)
EGRESS_RULE = Noun(
    "egressfirewallrule",
    "egress firewall rule",
    schema.firewall_rule,
    Owner.ACCOUNT,
    "FirewallRule",
    (_PURPOSE == "Firewall") & (_TRAFFIC == "Egress"),
)
#: What tags of the kind FirewallRule are on.
ANY_FIREWALL_RULE = Noun(
    "firewallrule", "firewall rule", schema.firewall_rule, Owner.ACCOUNT, "FirewallRule", _PURPOSE == "Firewall"
)
PORT_FORWARDING_RULE = Noun(
    "portforwardingrule",
    "port forwarding rule",
    schema.firewall_rule,
    Owner.ACCOUNT,
    "FirewallRule",
    _PURPOSE == "PortForwarding",
)
IP_FORWARDING_RULE = Noun(
    "ipforwardingrule",
    "static NAT rule",
    schema.firewall_rule,
    Owner.ACCOUNT,
    "FirewallRule",
    _PURPOSE == "StaticNat",
)
LOAD_BALANCER_RULE = Noun(
    "loadbalancer",
    "load balancer rule",
    schema.firewall_rule,
    Owner.ACCOUNT,
    "FirewallRule",
    _PURPOSE == "LoadBalancing",
)
LB_STICKINESS_POLICY = Noun(
    "stickinesspolicies", "stickiness policy", schema.lb_stickiness_policy, Owner.ACCOUNT, "LBStickinessPolicy"
)
LB_HEALTH_CHECK_POLICY = Noun(
    "healthcheckpolicies", "health check policy", schema.lb_health_check_policy, Owner.ACCOUNT, "LBHealthCheckPolicy"
)
SSL_CERT = Noun("sslcert", "certificate", schema.ssl_cert, Owner.ACCOUNT, "SslCert")
SNAPSHOT = Noun("snapshot", "snapshot", schema.snapshot, Owner.ACCOUNT, "Snapshot")
SNAPSHOT_POLICY = Noun("snapshotpolicy", "snapshot policy", schema.snapshot_policy, Owner.ACCOUNT, "SnapshotPolicy")
CONSOLE_SESSION = Noun("consolesession", "console session", schema.console_session, Owner.ACCOUNT, "ConsoleSession")

#: Kinds that lists still know by their ids when they were removed: such a list is empty, not an error.
KEPT = frozenset(
    (
        *(ZONE, POD, CLUSTER, HOST, STORAGE_POOL, IMAGE_STORE),
        *(SERVICE_OFFERING, DISK_OFFERING, NETWORK_OFFERING),
        *(USER, PROJECT, ROLE, USER_DATA, INSTANCE_GROUP),
        *(VIRTUAL_MACHINE, SYSTEM_VM, CLOUD_MACHINE, ROUTER, VM_SNAPSHOT),
        *(VOLUME, SNAPSHOT, TEMPLATE, NETWORK),
    )
)
