"""Snapshots of volumes: where copies of each lie, and the policies that make them."""

from __future__ import annotations

from sqlalchemy import Column, Index, String

from cloudsim.db.schema.base import big, data, flag, number, ref, required, resource, table, text, unique_alive

snapshot_policy = resource(
    "snapshot_policy",
    ref("volume_id", "volume"),
    # the owner of the volume
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    # HOURLY, DAILY, WEEKLY or MONTHLY
    Column("interval_type", String(16), nullable=False),
    # "MM", "MM:HH" or "MM:HH:DD", and the time zone it is meant in
    required("schedule"),
    required("timezone"),
    # how many of its snapshots are kept
    number("max_snaps", nullable=False),
    flag("display", True),
    # row ids of more zones that copies go to
    data("zone_ids", nullable=False),
    # when the next one is made
    big("due"),
    unique_alive("uq_snapshot_policy", "volume_id", "interval_type"),
    Index("ix_snapshot_policy_due", "due"),
)

snapshot = resource(
    "snapshot",
    required("name"),
    ref("volume_id", "volume"),
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    # where the volume is
    ref("zone_id", "zone"),
    # MANUAL, HOURLY, DAILY, WEEKLY or MONTHLY, and the policy that made it
    Column("interval_type", String(16), nullable=False),
    ref("policy_id", "snapshot_policy", optional=True),
    # states.snapshot
    Column("state", String(32), nullable=False),
    number("update_count", nullable=False, default=0),
    # PRIMARY or SECONDARY: where it was asked for
    Column("location", String(16), nullable=False),
    # what the volume was then: bytes, hypervisor, image, OS type
    big("size", nullable=False),
    required("hypervisor"),
    ref("template_id", "template", optional=True),
    ref("guest_os_id", "guest_os", optional=True),
    flag("quiesced"),
    # the host that works on it, counted for concurrent.snapshots.threshold.perhost
    ref("host_id", "host", optional=True),
    Index("ix_snapshot_state", "state"),
)

#: A copy of a snapshot: in a storage pool (Primary) or on an image store (Image).
snapshot_store = table(
    "snapshot_store",
    ref("snapshot_id", "snapshot"),
    ref("zone_id", "zone"),
    # Primary or Image
    Column("role", String(16), nullable=False),
    ref("pool_id", "storage_pool", optional=True),
    ref("store_id", "image_store", optional=True),
    # Ready; Copying while it is made, Destroying while it is removed
    Column("state", String(16), nullable=False),
    text("path"),
    # bytes that it takes
    big("physical_size", nullable=False, default=0),
    big("created", nullable=False),
)
