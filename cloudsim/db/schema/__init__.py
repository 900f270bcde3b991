"""Every table, as SQLAlchemy Core metadata. Instants are milliseconds since 1970 (UTC), sizes bytes.

One module a family of nouns; `VERSION` is the newest migration (see ``db/migrations``).
"""

from cloudsim.db.schema.account import (
    account,
    configuration,
    detail,
    domain,
    login_failure,
    resource_limit,
    role,
    role_permission,
    session,
    ssh_keypair,
    tag,
    user,
    user_data,
)
from cloudsim.db.schema.availability import host_ha, oobm
from cloudsim.db.schema.base import metadata
from cloudsim.db.schema.infrastructure import (
    cluster,
    guest_os,
    guest_os_category,
    host,
    host_capacity,
    image_store,
    network_provider,
    physical_network,
    pod,
    provider_element,
    storage_pool,
    template,
    template_zone,
    traffic_type,
    vnet,
    zone,
)
from cloudsim.db.schema.job import event, job, job_step
from cloudsim.db.schema.network import network, nic, public_ip, vlan
from cloudsim.db.schema.notes import alert, annotation, region, usage
from cloudsim.db.schema.offering import disk_offering, network_offering, service_offering
from cloudsim.db.schema.project import (
    project,
    project_account,
    project_invitation,
    project_role,
    project_role_permission,
)
from cloudsim.db.schema.virtualmachine import ha_work, instance_group, system_nic, vm, volume

#: The newest migration: what an empty database is made at.
VERSION = "0007"

__all__ = [
    "VERSION",
    "account",
    "alert",
    "annotation",
    "cluster",
    "configuration",
    "detail",
    "disk_offering",
    "domain",
    "event",
    "guest_os",
    "guest_os_category",
    "ha_work",
    "host",
    "host_capacity",
    "host_ha",
    "image_store",
    "instance_group",
    "job",
    "job_step",
    "login_failure",
    "metadata",
    "network",
    "network_offering",
    "network_provider",
    "nic",
    "oobm",
    "physical_network",
    "pod",
    "project",
    "project_account",
    "project_invitation",
    "project_role",
    "project_role_permission",
    "provider_element",
    "public_ip",
    "region",
    "resource_limit",
    "role",
    "role_permission",
    "service_offering",
    "session",
    "ssh_keypair",
    "storage_pool",
    "system_nic",
    "tag",
    "template",
    "template_zone",
    "traffic_type",
    "usage",
    "user",
    "user_data",
    "vlan",
    "vm",
    "vnet",
    "volume",
    "zone",
]
