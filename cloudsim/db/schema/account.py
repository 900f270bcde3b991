"""Who may do what: domains, accounts, users, roles, sessions, key pairs; settings that differ from their defaults."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, PrimaryKeyConstraint, String, Table, UniqueConstraint

from cloudsim.db.schema.base import big, data, flag, metadata, number, ref, required, resource, table, unique_alive
from cloudsim.db.schema.base import text as text_
from cloudsim.db.types import Big

domain = resource(
    "domain",
    required("name"),
    ref("parent_id", "domain", optional=True),
    # "/" for the root, "/a/b/" below it: the ids of all domains in a tree are those whose path starts with its path
    required("path"),
    number("level", nullable=False),
    text_("network_domain"),
    required("state"),
    Index("ix_domain_path", "path"),
)

role = table(
    "role",
    Column("uuid", String(40), nullable=False, unique=True),
    required("name"),
    required("type"),
    text_("description"),
    flag("is_default"),
    flag("is_public", True),
    required("state"),
    big("created", nullable=False),
    big("removed"),
)

role_permission = table(
    "role_permission",
    Column("uuid", String(40), nullable=False, unique=True),
    ref("role_id", "role"),
    required("rule"),
    required("permission"),
    number("sort_order", nullable=False),
    text_("description"),
)

account = resource(
    "account",
    required("name"),
    # 0 user, 1 root admin, 2 domain admin, 3 resource domain admin, 5 project: CloudStack's numbers
    number("type", nullable=False),
    ref("domain_id", "domain"),
    ref("role_id", "role", optional=True),
    required("state"),
    text_("network_domain"),
    ref("default_zone_id", "zone", optional=True),
    flag("is_default"),
    # Enabled or Disabled; None: as the domain and the setting have it
    text_("api_key_access"),
    # of the account that stands for a project: the project's id and name
    text_("project_uuid"),
    text_("project_name"),
    # deletion began and has not ended
    flag("needs_cleanup"),
    unique_alive("uq_account_name", "domain_id", "name"),
)  # fmt: skip

user = resource(
    "user",
    required("username"),
    # an argon2 hash
    required("password"),
    text_("firstname"),
    text_("lastname"),
    text_("email"),
    text_("timezone"),
    required("state"),
    ref("account_id", "account"),
    # whose domain the name is unique in, repeated from the account for the index
    ref("domain_id", "domain"),
    Column("api_key", String(256), unique=True),
    # encrypted with the key file of the data directory
    text_("secret_key"),
    flag("is_default"),
    required("source"),
    # Enabled or Disabled; None: as the account has it
    text_("api_key_access"),
    # totp or staticpin, with the secret that belongs to it (encrypted); None: no second factor
    text_("two_factor"),
    text_("two_factor_secret"),
    # whether a code was ever right: before that a login needs none
    flag("two_factor_verified"),
    flag("two_factor_mandated"),
    # the step of time of the last code that was taken: none counts twice
    big("two_factor_step", nullable=False, default=0),
    unique_alive("uq_user_name", "domain_id", "username"),
)  # fmt: skip

session = Table(
    "session",
    metadata,
    # SHA-256 of the cookie's value: who reads the database cannot use it
    Column("digest", String(64), primary_key=True),
    ref("user_id", "user"),
    Column("session_key", String(128), nullable=False),
    big("created", nullable=False),
    big("used", nullable=False),
    # whether the second factor was given, where the user has one
    flag("verified", True),
)

# apart from the user: a wrong password must not make the server forget who everybody is
login_failure = Table(
    "login_failure",
    metadata,
    Column("user_id", Big, ForeignKey("user.id"), primary_key=True),
    number("count", nullable=False),
    big("last", nullable=False),
)

resource_limit = table(
    "resource_limit",
    # Account or Domain, and its row id
    Column("owner_type", String(16), nullable=False),
    big("owner_id", nullable=False),
    # a number of core/data/resourcelimits.json
    number("type", nullable=False),
    # a host tag or storage tag; empty: for all
    Column("tag", String(64), nullable=False),
    # -1: no limit
    big("max", nullable=False),
    UniqueConstraint("owner_type", "owner_id", "type", "tag"),
)

ssh_keypair = resource(
    "ssh_keypair",
    required("name"),
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    required("fingerprint"),
    required("public_key"),
)

user_data = resource(
    "user_data",
    required("name"),
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    required("data"),
    data("params"),
)

configuration = Table(
    "configuration",
    metadata,
    Column("name", String(255), nullable=False),
    # Global, Zone, Cluster, StoragePool, Account, Domain, ...
    Column("scope", String(32), nullable=False),
    # the id of the row of that scope, 0 for Global
    big("scope_id", nullable=False),
    text_("value"),
    big("updated", nullable=False),
    PrimaryKeyConstraint("name", "scope", "scope_id"),
)

tag = table(
    "tag",
    Column("uuid", String(40), nullable=False, unique=True),
    # CloudStack's name of the kind, e.g. UserVm
    Column("resource_type", String(64), nullable=False),
    big("resource_id", nullable=False),
    required("key"),
    required("value"),
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    UniqueConstraint("resource_type", "resource_id", "key"),
    Index("ix_tag_key_value", "key", "value"),
)

detail = table(
    "detail",
    Column("resource_type", String(64), nullable=False),
    big("resource_id", nullable=False),
    Column("name", String(255), nullable=False),
    text_("value"),
    flag("display", True),
    UniqueConstraint("resource_type", "resource_id", "name"),
)
