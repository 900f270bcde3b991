"""What there is to templates and ISOs beside themselves: who may use them, and what is still being downloaded."""

from __future__ import annotations

from sqlalchemy import Column, Index, String

from cloudsim.db.schema.base import big, number, ref, required, table, text
from cloudsim.db.types import Big

#: Accounts that may use a template or ISO of another one that is not public.
launch_permission = table(
    "launch_permission",
    ref("template_id", "template"),
    ref("account_id", "account"),
    big("created", nullable=False),
    Index("uq_launch_permission", "template_id", "account_id", unique=True),
)

#: Files that are on their way to an image store: a row from the moment one is asked for until it is there or given up.
download = table(
    "download",
    # what it is for (template: a row of template_zone), and its row
    Column("kind", String(16), nullable=False),
    Column("row_id", Big, nullable=False),
    ref("store_id", "image_store"),
    # where it comes from: a URL, or a file of another image store
    text("url"),
    text("source"),
    # where it goes to, below the directory of the image store; None: the store is simulated
    text("path"),
    # QCOW2, ISO, ...
    required("format"),
    # as it was given: {SHA-256}...
    text("checksum"),
    big("created", nullable=False),
    # when it is begun, or tried again
    big("due", nullable=False),
    number("tries", nullable=False, default=0),
    # the server that fetches it, and until when it may be thought to be alive
    text("server"),
    big("until", nullable=False, default=0),
    # what the other side calls this version of the file, its length, and how much of it lies safely on the store
    text("validator"),
    big("total"),
    big("received", nullable=False, default=0),
    # of a simulated store: when it began, when it ends, and with what failure
    big("begun"),
    big("ends"),
    text("outcome"),
    Index("uq_download", "kind", "row_id", unique=True),
    Index("ix_download_due", "due"),
)
