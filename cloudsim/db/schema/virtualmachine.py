"""Virtual machines and their volumes."""

from __future__ import annotations

from sqlalchemy import Column, Index, String
from sqlalchemy import text as sql

from cloudsim.db.schema.base import big, data, flag, maybe, number, ref, required, resource, table, text, unique_alive
from cloudsim.db.types import Big

_UNKNOWN = sql("power_state = 'PowerUnknown'")
_DOUBT = sql("doubt_vm_id IS NOT NULL OR target_pool_id IS NOT NULL OR resizing IS NOT NULL")

instance_group = resource(
    "instance_group",
    required("name"),
    ref("account_id", "account"),
    ref("domain_id", "domain"),
)

vm = resource(
    "vm",
    # the host name, unique in a network domain
    required("name"),
    text("display_name"),
    # i-2-3-VM: never changes
    Column("instance_name", String(255), nullable=False, unique=True),
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    ref("user_id", "user"),
    ref("zone_id", "zone"),
    ref("pod_id", "pod", optional=True),
    ref("host_id", "host", optional=True),
    ref("last_host_id", "host", optional=True),
    ref("template_id", "template"),
    ref("iso_id", "template", optional=True),
    ref("guest_os_id", "guest_os"),
    ref("service_offering_id", "service_offering"),
    ref("group_id", "instance_group", optional=True),
    # User; ConsoleProxy, SecondaryStorageVm, DomainRouter: the cloud's own
    Column("type", String(32), nullable=False, default="User"),
    # the guest network a router serves
    ref("network_id", "network", optional=True),
    required("hypervisor"),
    text("arch"),
    # desired: states.virtualmachine
    Column("state", String(32), nullable=False),
    # observed: PowerOn, PowerOff or PowerUnknown, with when it was reported and by whom
    required("power_state"),
    big("power_time"),
    big("power_host_id"),
    # compare-and-swap counter of state
    number("update_count", nullable=False, default=0),
    number("cpu", nullable=False),
    # MHz
    number("speed", nullable=False),
    # MB
    number("memory", nullable=False),
    flag("ha_enabled"),
    flag("limit_cpu_use"),
    flag("display", True),
    flag("delete_protection"),
    flag("dynamically_scalable"),
    flag("password_enabled"),
    text("password"),
    text("boot_type"),
    text("boot_mode"),
    text("userdata"),
    ref("userdata_id", "user_data", optional=True),
    data("userdata_details"),
    # names of the SSH key pairs, and their public keys at that time
    data("keypairs", nullable=False),
    text("ssh_public_key"),
    number("vnc_port"),
    big("updated"),
    # when it was destroyed, for the expunge delay
    big("destroyed"),
    maybe("bootinto_setup"),
    # when its lease is over, what happens then (STOP or DESTROY), and PENDING, DONE, DISABLED or CANCELLED
    big("lease_expiry"),
    text("lease_action"),
    Column("lease_state", String(16)),
    # whether it is in affinity groups: those of a machine that is in none are not looked for
    maybe("in_affinity_groups"),
    # what it was before a change of its size that is under way: offering_id, cpu, speed and memory
    data("scaling"),
    Index("ix_vm_account_id_removed", "account_id", "removed"),
    Index("ix_vm_domain_id_removed", "domain_id", "removed"),
    Index("ix_vm_state", "state", "destroyed"),
    Index("ix_vm_removed", "removed"),
    Index("ix_vm_name", "name"),
    Index("ix_vm_type", "type", "zone_id"),
    # those that may still run where nobody answered
    Index("ix_vm_unknown", "power_host_id", sqlite_where=_UNKNOWN, info={"where": _UNKNOWN}),
    Index("ix_vm_lease", "lease_state", "lease_expiry"),
)

#: The addresses of the cloud's own machines outside the networks of guests.
system_nic = resource(
    "system_nic",
    ref("vm_id", "vm"),
    # Public (in zones with a network for all machines: Guest), Management or Control
    required("kind"),
    ref("pod_id", "pod", optional=True),
    ref("public_ip_id", "public_ip", optional=True),
    required("mac"),
    required("ip"),
    required("netmask"),
    text("gateway"),
    text("vlan"),
    # no address of a pod twice
    unique_alive("uq_system_nic_ip", "pod_id", "ip"),
    unique_alive("uq_system_nic_mac", "mac"),
)

#: What virtual routers have beside what machines have; one row a router.
router = table(
    "router",
    ref("vm_id", "vm"),
    # one of two that stand in for each other
    flag("is_redundant"),
    # PRIMARY or BACKUP while one of two runs, else UNKNOWN
    required("redundant_state"),
    # what it was last started or patched with: of the template, of the server, of the scripts
    text("template_version"),
    text("software_version"),
    text("scripts_version"),
)

vm_schedule = resource(
    "vm_schedule",
    ref("vm_id", "vm"),
    # the owner of the machine
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    text("description"),
    # a cron expression, and the time zone it is meant in
    required("schedule"),
    required("timezone"),
    # START, STOP, REBOOT, FORCE_STOP or FORCE_REBOOT
    required("action"),
    flag("enabled"),
    big("start", nullable=False),
    big("end"),
    # when it is carried out next; None: never again
    big("due"),
    Index("ix_vm_schedule_due", "due"),
)

vm_snapshot = resource(
    "vm_snapshot",
    # i-2-3-VM_VS_20261123083340
    required("name"),
    text("display_name"),
    text("description"),
    ref("vm_id", "vm"),
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    # Disk or DiskAndMemory
    required("type"),
    # states.vmsnapshot
    required("state"),
    number("update_count", nullable=False, default=0),
    ref("parent_id", "vm_snapshot", optional=True),
    # whether the machine is at this one
    flag("current"),
    flag("quiesced"),
    # what the machine had then, for going back
    ref("service_offering_id", "service_offering"),
    number("cpu", nullable=False),
    number("speed", nullable=False),
    number("memory", nullable=False),
)

#: Machines that HA still has to bring back: a row from the moment one is found down until it runs, or was given up.
ha_work = table(
    "ha_work",
    Column("vm_id", Big, nullable=False, unique=True),
    # why it is down: HostDown or MachineDown
    required("reason"),
    # the host that failed: not tried again
    big("host_id"),
    number("tries", nullable=False, default=0),
    # when the next try is due
    big("due", nullable=False),
    big("created", nullable=False),
    Index("ix_ha_work_due", "due"),
)

volume = resource(
    "volume",
    required("name"),
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    ref("zone_id", "zone"),
    ref("pool_id", "storage_pool", optional=True),
    # where it is being moved to: its room is taken there as well
    ref("target_pool_id", "storage_pool", optional=True, index=False),
    ref("vm_id", "vm", optional=True),
    # ROOT or DATADISK
    required("type"),
    number("device_id"),
    # bytes
    big("size", nullable=False),
    text("path"),
    ref("template_id", "template", optional=True),
    ref("disk_offering_id", "disk_offering", optional=True),
    ref("service_offering_id", "service_offering", optional=True),
    # states.volume
    required("state"),
    number("update_count", nullable=False, default=0),
    text("provisioning"),
    flag("display", True),
    # of one of the cloud's own machines
    flag("is_system"),
    flag("delete_protection"),
    big("min_iops"),
    big("max_iops"),
    big("attached"),
    big("updated"),
    # when it was destroyed, for the delay before it is wiped
    big("destroyed"),
    # the snapshot it was made from
    big("snapshot_id"),
    # what it is made of, as an administrator wrote it down (updateVolume)
    text("chain_info"),
    # a running machine whose host did not answer when this was to be attached there, or detached
    ref("doubt_vm_id", "vm", optional=True, index=False),
    # what it was before a change of its size that is under way, or that nobody knows the end of
    data("resizing"),
    # no two disks of a machine in the same place
    unique_alive("uq_volume_vm_id_device_id", "vm_id", "device_id"),
    Index("ix_volume_doubt", "id", sqlite_where=_DOUBT, info={"where": _DOUBT}),
)
