"""Certificates that load balancers open encrypted connections with. A private key is kept sealed and told to nobody."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue, ResourceInUse
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.db.virtualmachine import grouped
from cloudsim.services import access, sslcert_check
from cloudsim.services.context import Context
from cloudsim.services.nouns import SSL_CERT

table, rule, balancer = schema.ssl_cert, schema.firewall_rule, schema.load_balancer

_ROWS = (
    select(
        table.c.id,
        table.c.uuid,
        table.c.name,
        table.c.certificate,
        table.c.chain,
        table.c.fingerprint,
        schema.account.c.name.label("account_name"),
        schema.account.c.project_uuid,
        schema.account.c.project_name,
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
    )
    .select_from(
        table.join(schema.account, table.c.account_id == schema.account.c.id).join(
            schema.domain, table.c.domain_id == schema.domain.c.id
        )
    )
    .where(any_of(table.c.id, "ids"))
)
_USERS = (
    select(balancer.c.cert_id, rule.c.uuid, balancer.c.name)
    .select_from(balancer.join(rule, balancer.c.rule_id == rule.c.id))
    .where(any_of(balancer.c.cert_id, "ids"), rule.c.removed.is_(None))
    .order_by(rule.c.id)
)
_OF_ACCOUNT = (
    select(table.c.id)
    .where(table.c.account_id == bindparam("account_id"), table.c.removed.is_(None))
    .order_by(table.c.id)
)
_OF_RULE = select(balancer.c.cert_id).where(balancer.c.rule_id == bindparam("rule_id"), balancer.c.cert_id.is_not(None))
_FORGET = (
    table.update()
    .where(table.c.account_id == bindparam("whose"), table.c.removed.is_(None))
    .values(removed=bindparam("at", type_=table.c.removed.type), private_key="", password=None)
)


def page(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, list[str]]]:
    """Certificates with their owners, without what is secret; and the uuids of the rules that use each."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    users = grouped(ctx.tx.all(_USERS, ids=ids), "cert_id")
    return [(rows[i], [row["uuid"] for row in users.get(i, [])]) for i in ids if i in rows]


def of_account(ctx: Context, account_id: int) -> list[int]:
    """The certificates of an account."""
    return [row["id"] for row in ctx.tx.all(_OF_ACCOUNT, account_id=account_id)]


def of_rule(ctx: Context, rule_id: int) -> list[int]:
    """The certificate of a load balancer rule, where it has one."""
    return [row["cert_id"] for row in ctx.tx.all(_OF_RULE, rule_id=rule_id)]


def upload(
    ctx: Context, owner: Row, name: str, *, certificate: str, key: str, password: str | None, chain: str | None
) -> int:
    """Keeps a certificate with its key, both as PEM; answers its id. Raises `InvalidValue`."""
    if not name.strip():
        raise InvalidValue("a certificate has a name")
    found = sslcert_check.fingerprint(certificate, key, password, chain, ctx.now)
    uuid, seal = ctx.uuid(), ctx.cloud.cipher.seal
    made = ctx.tx.insert(
        table,
        uuid=uuid,
        created=ctx.now,
        removed=None,
        account_id=owner["id"],
        domain_id=owner["domain_id"],
        name=name,
        certificate=certificate,
        chain=chain,
        fingerprint=found,
        private_key=seal(key),
        password=None if password is None else seal(password),
    )
    _tell(ctx, "LB.CERT.UPLOAD", uuid, owner["id"], owner["domain_id"], f"certificate {name} was uploaded")
    return made


def remove(ctx: Context, row: Row) -> None:
    """Deletes a certificate that no load balancer uses. Raises `ResourceInUse`, `PermissionDenied`."""
    access.must_own(ctx, SSL_CERT, row)
    users = ctx.tx.all(_USERS, ids=[row["id"]])
    if users:
        names = ", ".join(str(user["name"]) for user in users)
        raise ResourceInUse(f"certificate {row['name']} is in use by load balancer rule(s) {names}")
    ctx.tx.update(table, {"id": row["id"]}, removed=ctx.now, private_key="", password=None)
    text = f"certificate {row['name']} was deleted"
    _tell(ctx, "LB.CERT.DELETE", row["uuid"], row["account_id"], row["domain_id"], text)


def _tell(ctx: Context, event: str, uuid: str, account_id: int, domain_id: int, text: str) -> None:
    ctx.event(event, text, resource=("SslCert", uuid), account_id=account_id, domain_id=domain_id)


def forget_account(ctx: Context, account_id: int) -> None:
    """The certificates of an account that is removed go, with their keys."""
    ctx.tx.execute(_FORGET, whose=account_id, at=ctx.now)
