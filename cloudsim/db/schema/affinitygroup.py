"""Affinity groups, and the machines in them."""

from __future__ import annotations

from sqlalchemy import Index

from cloudsim.db.schema.base import flag, ref, required, resource, table, text, unique_alive

affinity_group = resource(
    "affinity_group",
    required("name"),
    text("description"),
    # one of services.affinitygroup.TYPES
    required("type"),
    # of a group for a whole domain: the account "system"
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    # Account, or Domain: for all accounts of the domain
    required("acl_type"),
    # and for those of the domains below
    flag("subdomain_access"),
    unique_alive("uq_affinity_group_name", "account_id", "domain_id", "name"),
)

affinity_group_vm = table(
    "affinity_group_vm",
    ref("vm_id", "vm", index=False),
    ref("group_id", "affinity_group"),
    Index("uq_affinity_group_vm", "vm_id", "group_id", unique=True),
)
