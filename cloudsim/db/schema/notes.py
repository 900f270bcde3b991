"""What is written down beside the things themselves: comments, alerts, regions, and how long who used what."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String

from cloudsim.db.schema.base import big, flag, number, ref, required, resource, table, text

annotation = resource(
    "annotation",
    # VM, VOLUME, HOST, ...
    Column("entity_type", String(64), nullable=False),
    Column("entity_uuid", String(40), nullable=False, index=True),
    ref("user_id", "user"),
    required("annotation"),
    flag("admins_only"),
)

alert = resource(
    "alert",
    # a number of core/data/alerttypes.json
    number("type", nullable=False),
    required("name"),
    required("description"),
    ref("zone_id", "zone", optional=True),
    ref("pod_id", "pod", optional=True),
    flag("archived"),
    Index("ix_alert_created", "created"),
)

region = table(
    "region",
    # what clients call it by
    Column("number", Integer, nullable=False, unique=True),
    required("name"),
    required("endpoint"),
)

usage = table(
    "usage",
    # a number of core/data/usagetypes.json
    number("type", nullable=False),
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    ref("zone_id", "zone", optional=True),
    # what is used: its kind in the schema, its row and its uuid
    Column("kind", String(32), nullable=False),
    big("row_id", nullable=False),
    Column("uuid", String(40), nullable=False, index=True),
    text("name"),
    big("offering_id"),
    big("template_id"),
    big("vm_id"),
    big("network_id"),
    # bytes
    big("size"),
    number("cpus"),
    number("speed"),
    # MB
    number("memory"),
    flag("is_default"),
    flag("is_source_nat"),
    big("started", nullable=False),
    # None: still used
    big("ended"),
    Index("ix_usage_thing", "kind", "row_id", "type"),
    Index("ix_usage_started", "started", "ended"),
)

resource_icon = table(
    "resource_icon",
    required("resource_type"),
    # of the thing it stands for
    Column("resource_uuid", String(40), nullable=False, unique=True),
    big("created", nullable=False),
    # the picture, Base64
    required("icon"),
)
