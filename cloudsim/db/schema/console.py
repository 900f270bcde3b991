"""Sessions of consoles: who may look at the screen of which machine, and who does."""

from __future__ import annotations

from sqlalchemy import Column, Index, String

from cloudsim.db.schema.base import big, ref, resource, text

console_session = resource(
    "console_session",
    # who asked for it
    ref("user_id", "user"),
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    ref("vm_id", "vm"),
    # the host that the machine ran on
    ref("host_id", "host", optional=True),
    # SHA-256 of the token, and of the word that whoever connects must know beside it
    Column("digest", String(64), nullable=False, unique=True),
    Column("extra", String(64)),
    # until when somebody must have connected
    big("expires", nullable=False),
    # of the login that it was asked for with: it ends with that
    Column("login", String(64), index=True),
    text("creator_address"),
    # when somebody connected, from where, and the server that has the connection
    big("acquired"),
    text("client_address"),
    Column("server_uuid", String(40)),
    Index("ix_console_session_removed", "removed", "expires"),
    Index("ix_console_session_created", "created"),
)
